import Glibc

/// What the first bytes of an ELF file say, so that a file that is none is refused in words rather than by the loader.
enum SharedObject {
    /// Refuses what this process could not load.
    static func check(_ file: FileBytes, path: String) throws(PluginRefusal) {
        func refuse(_ reason: String) -> PluginRefusal { PluginRefusal(file: path, reason: reason) }
        let bytes = file.bytes
        guard !bytes.isEmpty else { throw refuse("is empty; a plugin is a shared library (.so)") }
        guard bytes.count >= 4, Array(bytes[..<4]) == [0x7f, 0x45, 0x4c, 0x46] else {
            throw refuse("is not a shared library: it begins with \(beginning(of: bytes))")
        }
        guard bytes.count >= 64 else {
            throw refuse("is not a whole shared library: it ends after \(bytes.count) bytes")
        }
        guard bytes[4] == 2, bytes[5] == 1 else {
            throw refuse("is built for another machine: expected 64 bit little-endian; build it for \(machineName)")
        }
        let type = UInt16(bytes[16]) | UInt16(bytes[17]) << 8
        guard type == 3 else {
            let found =
                switch type {
                case 1: "an object file: link it with -shared"
                case 2: "a program: link it with -shared -fPIC"
                default: "another kind of ELF file (type \(type)): link it with -shared"
                }
            throw refuse("is not a shared library but \(found)")
        }
        let machine = UInt16(bytes[18]) | UInt16(bytes[19]) << 8
        guard machine == expectedMachine else {
            throw refuse("is built for another machine (ELF machine \(machine)); build it for \(machineName)")
        }
    }

    /// The first bytes as people read them: as text where they are text.
    private static func beginning(of bytes: [UInt8]) -> String {
        let first = bytes.prefix(16)
        let isText = first.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        if isText {
            let line = first.prefix { $0 != 0x0a && $0 != 0x0d }
            return "the text \"\(String(decoding: line, as: UTF8.self))\""
        }
        return "the bytes " + first.prefix(8).map(Hexadecimal.text).joined(separator: " ")
    }

    #if arch(x86_64)
        private static let expectedMachine: UInt16 = 62
        private static let machineName = "x86_64"
    #elseif arch(arm64)
        private static let expectedMachine: UInt16 = 183
        private static let machineName = "aarch64"
    #elseif arch(riscv64)
        private static let expectedMachine: UInt16 = 243
        private static let machineName = "riscv64"
    #endif
}

/// Bytes as hexadecimal digits.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ byte: UInt8) -> String {
        String(decoding: [digits[Int(byte >> 4)], digits[Int(byte & 15)]], as: UTF8.self)
    }

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
