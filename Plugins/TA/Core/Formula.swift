/// The indicators of this plugin, by the names used in definitions.
enum Formula: String, CaseIterable, Sendable {
    case sma
    case ema
    case rsi
    case macd
    case bbands
    case atr
    case vwap

    /// One parameter of a definition.
    struct Parameter: Sendable {
        let name: String
        let isWhole: Bool
        let standard: Double
        let minimum: Double
        let maximum: Double
    }

    var title: String {
        switch self {
        case .sma: "Simple moving average"
        case .ema: "Exponential moving average"
        case .rsi: "Relative strength index"
        case .macd: "Moving average convergence/divergence"
        case .bbands: "Bollinger bands"
        case .atr: "Average true range"
        case .vwap: "Volume-weighted average price of the day"
        }
    }

    var group: String {
        switch self {
        case .sma, .ema: "trend"
        case .rsi, .macd: "momentum"
        case .bbands, .atr: "volatility"
        case .vwap: "volume"
        }
    }

    /// Whether it is drawn over the price, on the same axis.
    var isOverlay: Bool {
        switch self {
        case .sma, .ema, .bbands, .vwap: true
        case .rsi, .macd, .atr: false
        }
    }

    var parameters: [Parameter] {
        func period(_ name: String, _ standard: Double, from minimum: Double) -> Parameter {
            Parameter(name: name, isWhole: true, standard: standard, minimum: minimum, maximum: 10_000)
        }
        switch self {
        case .sma, .ema: return [period("period", 20, from: 1)]
        case .rsi: return [period("period", 14, from: 2)]
        case .macd:
            return [
                period("fast", 12, from: 1), period("slow", 26, from: 2), period("signal", 9, from: 1),
            ]
        case .bbands:
            return [
                period("period", 20, from: 2),
                Parameter(name: "deviations", isWhole: false, standard: 2, minimum: 0.1, maximum: 100),
            ]
        case .atr: return [period("period", 14, from: 1)]
        case .vwap: return []
        }
    }

    /// Names of the outputs, in the order of the values.
    var outputs: [String] {
        switch self {
        case .sma, .ema, .rsi, .atr, .vwap: [rawValue]
        case .macd: ["macd", "signal", "histogram"]
        case .bbands: ["upper", "middle", "lower"]
        }
    }
}

/// What all definitions of an instance share.
struct Conventions: Equatable, Sendable {
    var preset: Preset = .talib
    /// When the day of `vwap` begins, after 00:00 UTC.
    var dayStartNanoseconds: Int64 = 0
}

/// An indicator with all its parameters.
struct Definition: Equatable, Sendable {
    let formula: Formula
    /// In the order of `Formula.parameters`, within their ranges; whole where those are.
    let arguments: [Double]

    /// With all parameters and no blanks, `bbands(20,2)`; no parentheses where there is nothing to say.
    var name: String {
        guard !arguments.isEmpty else { return formula.rawValue }
        return "\(formula.rawValue)(\(arguments.map(shortText).joined(separator: ",")))"
    }

    /// Bars up to and with the first one that has a value.
    func warmUp(_ preset: Preset) -> Int {
        switch formula {
        case .sma, .ema, .bbands: Int(arguments[0])
        case .rsi: Int(arguments[0]) + 1
        case .macd: Int(arguments[1]) + Int(arguments[2]) - 1
        case .atr: Int(arguments[0]) + (preset == .talib ? 1 : 0)
        case .vwap: 1
        }
    }
}

/// As JSON and the hub's other texts write numbers: whole ones without a point, others shortest.
func shortText(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
}
