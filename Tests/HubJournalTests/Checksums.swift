import CHubSystem

/// CRC32C by the processor and by the table.
func checksums(_ bytes: [UInt8]) -> [UInt32] {
    bytes.withUnsafeBytes {
        [hub_crc32c(0, $0.baseAddress, $0.count), hub_crc32c_portable(0, $0.baseAddress, $0.count)]
    }
}
