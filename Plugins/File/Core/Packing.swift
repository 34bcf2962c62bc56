import CZlib

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Packs one finished file with gzip, a slice at a time, so that a batch never waits for a whole file.
///
/// Writes beside the original under another name; the caller renames and deletes when all is done and durable, so that
/// at any moment one whole copy is there. Owns its descriptors and zlib's memory. Not thread-safe.
final class Packing {
    let name: EventFileName
    private let sourcePath: String
    private let targetPath: String
    private let source: Int32
    private let target: Int32
    /// In one place all its life: zlib keeps a pointer back to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    /// Begins to pack a finished file.
    init(_ name: EventFileName, in folder: Folder) throws(SystemError) {
        self.name = name
        sourcePath = folder.path(name)
        targetPath = folder.path(name.with(.packing))
        stream.initialize(to: z_stream())
        source = open(sourcePath, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else {
            target = -1
            throw SystemError("open", sourcePath)
        }
        target = open(targetPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard target >= 0 else { throw SystemError("create", targetPath) }
        // 15 bits of window, and 16 for a gzip header without name and time, so that equal files pack to equal bytes.
        let result = deflateInit2_(
            stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw SystemError("pack", sourcePath, number: ENOMEM) }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        if source >= 0 { close(source) }
        if target >= 0 { close(target) }
        input.deallocate()
        output.deallocate()
    }

    /// Packs up to so many bytes more.
    ///
    /// - Returns: whether the packed file is complete and durable; it has the times of the original.
    func advance(bytes: Int) throws(SystemError) -> Bool {
        var left = bytes
        while left > 0 {
            let count = read(source, input.baseAddress, input.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", sourcePath) }
            stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_in = uInt(count)
            try deflateInput(flush: count == 0 ? Z_FINISH : Z_NO_FLUSH)
            if count == 0 {
                try finish()
                return true
            }
            left -= count
        }
        return false
    }

    private func deflateInput(flush: Int32) throws(SystemError) {
        var result = Z_OK
        repeat {
            stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_out = uInt(output.count)
            result = deflate(stream, flush)
            guard result != Z_STREAM_ERROR else { throw SystemError("pack", sourcePath, number: EIO) }
            try writeAll(output.count - Int(stream.pointee.avail_out))
        } while stream.pointee.avail_out == 0 || (flush == Z_FINISH && result != Z_STREAM_END)
    }

    private func writeAll(_ count: Int) throws(SystemError) {
        var written = 0
        while written < count {
            let more = write(target, output.baseAddress.unsafelyUnwrapped + written, count - written)
            if more < 0 && errno == EINTR { continue }
            guard more > 0 else { throw SystemError("write to", targetPath, number: more == 0 ? EIO : errno) }
            written += more
        }
    }

    private func finish() throws(SystemError) {
        var status = stat()
        guard fstat(source, &status) == 0 else { throw SystemError("examine", sourcePath) }
        let times = [status.st_atim, status.st_mtim]
        // The time of the last event orders files after a restart; a copy without it would only be ordered worse.
        _ = futimens(target, times)
        guard fsync(target) == 0 else { throw SystemError("sync", targetPath) }
    }
}

/// The last lines of a packed file; reads all of it.
func endOfPackedFile(_ path: String) throws(SystemError) -> FileEnd {
    guard let file = gzopen(path, "rb") else { throw SystemError("open", path) }
    defer { gzclose_r(file) }
    var tail: [UInt8] = []
    var isWhole = true
    var block = [UInt8](repeating: 0, count: FileEnd.tailSize)
    while true {
        let count = gzread(file, &block, UInt32(block.count))
        guard count >= 0 else { throw SystemError("unpack", path, number: EIO) }
        if count == 0 { break }
        tail += block[..<Int(count)]
        if tail.count > 2 * FileEnd.tailSize {
            tail = Array(tail.suffix(FileEnd.tailSize))
            isWhole = false
        }
    }
    return FileEnd(tail: tail, isWhole: isWhole)
}
