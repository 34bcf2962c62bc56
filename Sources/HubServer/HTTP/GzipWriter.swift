import CZlib
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOPosix

/// Packs a stream of bytes with gzip. One thread at a time.
final class GzipPacker: @unchecked Sendable {
    private let stream: UnsafeMutablePointer<z_stream>
    private var isOver = false

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // The quickest level: on the way to a client time counts more than the last tenth. 16 more window bits ask for gzip.
        deflateInit2_(
            stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Packs more bytes; what comes out depends only on all bytes so far, not on how they were cut.
    ///
    /// - Parameter isLast: ends the stream.
    func pack(_ bytes: UnsafeRawBufferPointer, isLast: Bool) -> ByteBuffer {
        var packed = ByteBuffer()
        guard !isOver else { return packed }
        isOver = isLast
        let input = bytes.bindMemory(to: UInt8.self)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        var result = Z_OK
        repeat {
            packed.writeWithUnsafeMutableBytes(minimumWritableBytes: max(1024, input.count / 4)) { room in
                stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(room.count)
                result = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                return room.count - Int(stream.pointee.avail_out)
            }
        } while stream.pointee.avail_out == 0 || (isLast && result == Z_OK)
        return packed
    }
}

/// Packs a response's body on its way out.
struct GzipWriter: ResponseBodyWriter {
    private var parent: any ResponseBodyWriter
    private let packer = GzipPacker()
    private let pool: NIOThreadPool
    private let trace: RequestTrace

    init(_ parent: any ResponseBodyWriter, pool: NIOThreadPool, trace: RequestTrace) {
        self.parent = parent
        self.pool = pool
        self.trace = trace
    }

    mutating func write(_ buffer: ByteBuffer) async throws {
        let packed = try await pack(buffer, isLast: false)
        if packed.readableBytes > 0 { try await parent.write(packed) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        let packed = try await pack(ByteBuffer(), isLast: true)
        if packed.readableBytes > 0 { try await parent.write(packed) }
        try await parent.finish(trailingHeaders)
    }

    private func pack(_ buffer: ByteBuffer, isLast: Bool) async throws -> ByteBuffer {
        let packer = packer
        let trace = trace
        let work: @Sendable () -> ByteBuffer = {
            let started = ContinuousClock.now
            defer { trace.addBody(RequestTrace.nanoseconds(since: started)) }
            return buffer.withUnsafeReadableBytes { packer.pack($0, isLast: isLast) }
        }
        // A little is packed sooner than handed to another thread and back.
        return buffer.readableBytes < 16_384 ? work() : try await pool.runIfActive(work)
    }
}
