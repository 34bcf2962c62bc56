/// How the words of a column are stored. In the directory of a chunk each column has four bytes: its coding, and in the
/// upper three the bytes that it takes.
enum ColumnCoding: UInt8 {
    /// All words are 0; nothing is stored.
    case zero = 0
    /// All words are the same, stored once.
    case constant = 1
    /// As they are.
    case plain = 2
    /// ``IntegerColumn``.
    case integers = 3
    /// ``DecimalColumn``.
    case decimals = 4
    /// Places in a ``WordTable``: the count of its words (u16), the coding of the words (one of the two above, or plain) and
    /// their bytes (u16), the words; the order of the places (u8), the places as a series.
    case dictionary = 5
}
