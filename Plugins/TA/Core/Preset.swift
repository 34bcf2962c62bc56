/// Whose conventions are followed where the books and the programs differ: how an average starts.
///
/// | | `talib` | `tradingview` | `wilder` |
/// |---|---|---|---|
/// | `ema` | mean of the first n closes | first close | as `talib` |
/// | `macd` | both averages start at bar `slow`: means of the last n closes; signal: mean of its first n | all three start at the first bar | as `talib` |
/// | `rsi` | mean of the first n gains and losses; 0 in a market that never moved | the same; 100 without a loss | as `tradingview` |
/// | `atr` | mean of the first n true ranges; the first bar, having no close before it, has none | the first bar's range is high − low | as `tradingview` |
/// | `vwap` | traded notional, where the bar has it | (high + low + close) / 3 × volume | as `talib` |
///
/// `sma` and `bbands` have no start and are the same everywhere (deviation of the population, divisor n).
///
/// Sources: TA-Lib's C code, 0.6 (`ta_EMA.c`, `ta_MACD.c`, `ta_RSI.c`, `ta_ATR.c`; default compatibility, unstable
/// period 0); the formulas in the Pine Script reference (`ta.ema`, `ta.rma`, `ta.rsi`, `ta.atr`, `ta.vwap`); J. Welles
/// Wilder, New Concepts in Technical Trading Systems, 1978.
public enum Preset: String, CaseIterable, Sendable {
    case talib
    case tradingview
    case wilder
}
