import FaultyDisk
import KillScript

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

// hub-kill-script FOLDER PROGRESS FAULT STEP AHEAD AGAIN: runs the script in a folder until a fault ends it.
//
// FAULT and STEP as in faulty_disk.h; AHEAD: 1 has segments made by a thread of their own; AGAIN: 1 goes on with room again after
// a full disk, 0 dies where it is.

func fail(_ text: String) -> Never {
    let line = Array("hub-kill-script: \(text)\n".utf8)
    _ = write(2, line, line.count)
    exit(3)
}

let arguments = CommandLine.arguments
guard arguments.count == 7, let fault = Int32(arguments[3]), let step = Int64(arguments[4]) else {
    fail("expected FOLDER PROGRESS FAULT STEP AHEAD AGAIN")
}
guard let progress = Progress(path: arguments[2]) else { fail("cannot open \(arguments[2])") }
let goesOn = arguments[6] == "1"

// Whatever hangs ends here.
alarm(120)
faulty_disk_watch(arguments[1], fault, step)
do {
    try KillScript.run(folder: arguments[1], preparesAhead: arguments[5] == "1", progress: progress) {
        guard faulty_disk_was_full() != 0, progress[.refusals] == 0 else { return false }
        progress[.refusals] += 1
        if !goesOn { kill(getpid(), SIGKILL) }
        faulty_disk_make_room()
        return true
    }
} catch {
    fail("\(error)")
}
progress[.steps] = UInt64(faulty_disk_steps())
