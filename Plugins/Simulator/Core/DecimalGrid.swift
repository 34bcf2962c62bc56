/// Multiples of a decimal step, made without binary dust: `count * numerator / 10^digits` with one rounding, which is
/// the double nearest to the decimal.
struct DecimalGrid {
    private let numerator: Double
    private let denominator: Double
    /// Steps in one unit.
    let stepsPerUnit: Double

    /// nil: not positive and finite, or more than 9 decimals.
    init?(step: Double) {
        guard step > 0, step.isFinite, step < 1e9 else { return nil }
        var scale = 1.0
        for _ in 0...9 {
            let scaled = (step * scale).rounded()
            if scaled >= 1, scaled / scale == step {
                numerator = scaled
                denominator = scale
                stepsPerUnit = scale / scaled
                return
            }
            scale *= 10
        }
        return nil
    }

    /// So many steps.
    @inline(__always)
    func value(_ steps: Int64) -> Double { Double(steps) * numerator / denominator }
}
