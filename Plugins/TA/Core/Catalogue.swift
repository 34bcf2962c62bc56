/// The rows of `/v1/indicators`: a JSON array, one object for each indicator, in the order they are named in messages.
///
/// `warm_up` counts the bars up to and with the first value, with the usual parameters and the preset `talib`.
let catalogueJSON: String = {
    let rows = Formula.allCases.map { formula in
        let parameters = formula.parameters.map { parameter in
            "{\"name\":\"\(parameter.name)\",\"type\":\"\(parameter.isWhole ? "int" : "num")\","
                + "\"default\":\(shortText(parameter.standard)),\"minimum\":\(shortText(parameter.minimum)),"
                + "\"maximum\":\(shortText(parameter.maximum))}"
        }
        let outputs = formula.outputs.map { "\"\($0)\"" }
        let usual = Definition(formula: formula, arguments: formula.parameters.map(\.standard))
        return
            "{\"name\":\"\(formula.rawValue)\",\"title\":\"\(formula.title)\",\"group\":\"\(formula.group)\","
            + "\"parameters\":[\(parameters.joined(separator: ","))],\"outputs\":[\(outputs.joined(separator: ","))],"
            + "\"overlay\":\(formula.isOverlay),\"warm_up\":\(usual.warmUp(.talib))}"
    }
    return "[\(rows.joined(separator: ","))]"
}()
