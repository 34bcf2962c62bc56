import Testing

@testable import HubJournal

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("What a journal refuses, in words")
struct RefusalTests {
    private func failure(_ options: JournalOptions) -> JournalError? {
        do throws(JournalError) {
            _ = try Journal.open(options)
            return nil
        } catch { return error }
    }

    @Test("a second hub on the folder is told the pid of the first, until that is gone")
    func locked() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        let error = try #require(failure(folder.options()))
        #expect(error == .locked(folder: folder.path, process: getpid()))
        #expect("\(error)".contains("in use by process \(getpid())"))
        try journal.append(4)
        try journal.close(clean: true)
        #expect(try Journal.open(folder.options()).head == 4)
        #expect(throws: JournalError.notOpenForWriting) { try journal.writeCheckpoint(seq: 1, state: []) }
    }

    @Test("a newer format of a segment or of the state is refused, and nothing is changed")
    func newerFormat() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(1500)
        try journal.close(clean: true)
        let segments = folder.copy()
        let name = segments.names(".segment")[1]
        segments.change(name, at: 8, to: [9, 0, 0, 0])
        let before = segments.names("").map { segments.bytes(of: $0) }
        let error = try #require(failure(segments.options()))
        #expect(error == .newerFormat(path: "\(segments.journal)/\(name)", found: 9, supported: 1))
        #expect("\(error)".contains("format 9") && "\(error)".contains("up to format 1"))
        #expect(segments.names("").map { segments.bytes(of: $0) } == before)
        #expect(throws: error) { try Journal.openReadOnly(folder: segments.path) }

        let state = folder.copy()
        state.put(Array("hub journal 2\nwhatever\n".utf8), in: "state")
        #expect(failure(state.options()) == .newerFormat(path: "\(state.journal)/state", found: 2, supported: 1))
    }

    @Test("a folder that cannot be written to is refused with the reason", arguments: ["open", "makeFolder"])
    func notWritable(operation: String) throws {
        let folder = TestFolder()
        let files = FaultyFiles()
        files.fail(operation, with: EACCES)
        var options = folder.options()
        options.files = files
        let error = try #require(failure(options))
        #expect(error == .notWritable(folder: folder.path, code: EACCES))
        #expect("\(error)".contains("Permission denied"))
    }

    @Test("a file where the folder should be is refused")
    func fileInPlaceOfFolder() throws {
        let folder = TestFolder()
        let path = "\(folder.path)/data"
        SystemFiles().close(try SystemFiles().open(path, .creating))
        #expect(failure(JournalOptions(folder: path)) == .notWritable(folder: path, code: ENOTDIR))
        #expect(
            failure(JournalOptions(folder: path + "/deeper")) == .notWritable(folder: path + "/deeper", code: ENOTDIR))
    }

    @Test("impossible options are refused")
    func options() {
        let folder = TestFolder()
        for bytes in [0, 1000, (64 << 10) + 64, 2 << 30] {
            var options = folder.options()
            options.segmentBytes = bytes
            #expect(throws: JournalError.self) { try Journal.open(options) }
        }
    }

    @Test("reading where there is no journal says so")
    func missing() {
        let folder = TestFolder()
        #expect(throws: JournalError.missing(folder: folder.path)) { try Journal.openReadOnly(folder: folder.path) }
    }
}

@Suite("A full disk")
struct FullDiskTests {
    private func fill(_ journal: Journal) throws -> (taken: UInt64, error: JournalError?) {
        do throws(JournalError) {
            try journal.append(100_000)
            return (journal.head, nil)
        } catch {
            journal.publish()
            return (journal.head, error)
        }
    }

    @Test(
        "is told before anything is taken, leaves no file behind, and ends when there is room",
        arguments: [true, false])
    func full(preparesAhead: Bool) throws {
        let folder = TestFolder()
        let files = FaultyFiles()
        var options = folder.options()
        options.files = files
        options.preparesAhead = preparesAhead
        var journal = try Journal.open(options)
        try journal.append(100)
        files.fail("allocate", with: ENOSPC)
        for _ in 1...3 {
            let (_, error) = try fill(journal)
            guard case .diskFull(let place, let free, let needed) = try #require(error) else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(place == folder.path && free > 0 && needed == 64 << 10)
        }
        let taken = journal.head
        #expect(journal.readAll() == Seen(seqs: Array(1...taken)))
        // What prepares segments ahead may be trying at this moment; it has given up when the journal is closed.
        try journal.close(clean: true)
        #expect(folder.names(".tmp") == [])
        journal = try Journal.open(options)
        // Small records still go where there is room for them, in any case nothing is lost by trying.
        files.fail("allocate", with: nil)
        try journal.append(3000)
        #expect(journal.readAll() == Seen(seqs: Array(1...(taken + 3000))))
        try journal.close(clean: true)
    }

    @Test("at the start is no reason not to start: history is served")
    func fullAtStart() throws {
        let folder = TestFolder()
        let first = try Journal.open(folder.options())
        try first.append(1500)
        let left = folder.copy()
        let files = FaultyFiles()
        files.fail("allocate", with: ENOSPC)
        files.fail("write", with: ENOSPC)
        var options = left.options()
        options.files = files
        options.bootID = "boot-2"
        let journal = try Journal.open(options)
        #expect(journal.readAll() == Seen(seqs: Array(1...1500)))
        #expect(journal.epoch != first.epoch)
        #expect(throws: JournalError.self) { try journal.append(1) }
        // A new epoch is not begun before it is remembered.
        files.fail("allocate", with: nil)
        #expect(throws: JournalError.self) { try journal.append(1) }
        files.fail("write", with: nil)
        try journal.append(10)
        #expect(journal.readAll() == Seen(seqs: Array(1...1510)))
        let later = left.copy()
        var again = later.options()
        again.bootID = "boot-2"
        #expect(try Journal.open(again).epoch == journal.epoch)
    }

    @Test("room that must stay free is not taken")
    func minimumFree() throws {
        let folder = TestFolder()
        let files = FaultyFiles()
        files.setFree(1 << 30)
        var options = folder.options()
        options.files = files
        options.minimumFreeBytes = 1 << 20
        let journal = try Journal.open(options)
        try journal.append(2000)
        #expect(try !journal.isShortOfRoom())
        files.setFree((1 << 20) - 1)
        #expect(try journal.isShortOfRoom())
        let (_, error) = try fill(journal)
        guard case .diskFull(_, (1 << 20) - 1, let needed) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(needed == (64 << 10) + (1 << 20))
        files.setFree(nil)
        try journal.append(2000)
        #expect(journal.readAll().seqs.count == Int(journal.head))
    }
}
