import GRDB
import HubJournal
import Testing

@testable import HubStore

@Suite("Texts that the store remembers")
struct FactTests {
    /// An epoch is 16 random hex digits: one in some hundred reads as a number.
    @Test(
        "stay as they are, also where they read as numbers",
        arguments: ["1e99999999999999", "0000000000000012", "1234567890123456", "12e4567890123456", "feedfeedfeedfeed"])
    func epochs(epoch: String) throws {
        let folder = TestFolder()
        var options = folder.journalOptions()
        options.epoch = epoch
        for round in 1...3 {
            let journal = try Journal.open(options)
            #expect(journal.epoch == epoch)
            let store = try Store.open(folder: folder.path)
            try store.follow(journal)
            var recorder = Recorder(journal)
            try recorder.gap(1)
            recorder.publish()
            try store.follow(journal)
            #expect(store.position == UInt64(round))
            try store.setText(epoch, forKey: "name")
            #expect(try store.text(forKey: "name") == epoch)
            try store.close()
            try journal.close(clean: true)
        }
    }

    @Test(
        "are found again in a store that an older version has written",
        arguments: ["1e99999999999999", "abc0000000000012"])
    func older(epoch: String) throws {
        let folder = TestFolder()
        var options = folder.journalOptions()
        options.epoch = epoch
        let journal = try Journal.open(options)
        var store = try Store.open(folder: folder.path)
        try store.follow(journal)
        try store.pool.write { db in
            try db.execute(sql: "UPDATE fact SET value = ? WHERE name = 'epoch'", arguments: [epoch])
        }
        try store.close()
        store = try Store.open(folder: folder.path)
        try store.follow(journal)
        try store.close()
    }
}
