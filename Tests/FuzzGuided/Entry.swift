import FuzzTargets
import Glibc

/// The target that `HUB_FUZZ_TARGET` names.
private nonisolated(unsafe) let subject: any FuzzSubject = {
    let name = getenv("HUB_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.named(name), let subject = try? target.make() else {
        fatalError("HUB_FUZZ_TARGET names no target: \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
    }
    return subject
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try subject.take(UnsafeRawBufferPointer(start: data, count: count))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
