import EventFormat
import Foundation
import HubCapture
import HubModel
import Logging
import PluginABI
import Testing

@testable import HubConfig
@testable import HubRuntime

/// A provider in C of which each message is a trade: price, then the sum of all prices so far, the number of timers, whether a
/// login is kept and what the host answered when it opened a connection.
private let adderSource = """
    #include <stdio.h>
    #include <stdlib.h>
    #include "hub/hub.h"
    #include "hub/ext/http.h"
    #include "hub/ext/secret.h"
    #include "hub/ext/store.h"
    #include "hub/ext/websocket.h"
    typedef struct { hub_plugin plugin; const hub_host *host; double sum; uint64_t timers, kept, stored; int opened, status; } adder;
    static const hub_host_websocket_1 *sockets;
    static const hub_host_http_1 *http;
    static const hub_host_secret_1 *secret;
    static const hub_host_store_1 *store;
    static const hub_host_emit_1 *emit;
    static hub_status want(const hub_plugin *p, const hub_want *items, uint64_t n, hub_now now, hub_error *e) { return HUB_OK; }
    static hub_status on_message(const hub_plugin *p, uint32_t c, int is_text, hub_bytes m, hub_out *out, hub_now now, hub_error *e) {
        adder *self = p->data;
        double price = atof((const char *)m.data);
        if (price < 0) return hub_fail(e, HUB_PROTOCOL, "no such price");
        hub_text token; int64_t expires; hub_bytes value;
        self->kept = secret->kept(self->host, hub_text_of("access_token"), &token, &expires);
        self->stored = store->get(self->host, hub_text_of("note"), &value) ? value.length : 0;
        hub_instrument of = {.struct_size = sizeof of, .symbol = HUB_TEXT("SIM:A"), .market_centre = HUB_TEXT("X")};
        uint32_t handle = is_text ? 1 : emit->define(self->host, &of);
        hub_trade *t = hub_emit(out, 1, HUB_TRADE);
        if (!t) return HUB_OVERLOAD;
        memset((char *)t + 32, 0, 32);
        self->sum += price;
        t->head.stream = handle, t->head.ts_event = now.mono_ns;
        t->price = price, t->size = self->sum;
        t->trade_id = self->timers * 1000000 + self->kept * 100000 + self->stored * 1000 + self->opened * 100 + (uint64_t)-self->status;
        return HUB_OK;
    }
    static hub_status on_timer(const hub_plugin *p, uint32_t id, hub_out *out, hub_now now, hub_error *e) {
        ((adder *)p->data)->timers++;
        return HUB_OK;
    }
    static hub_status on_open(const hub_plugin *p, uint32_t c, hub_out *out, hub_now now, hub_error *e) {
        ((adder *)p->data)->opened = c;
        return HUB_OK;
    }
    static const hub_provider_1 provider = {.want = want, .on_message = on_message, .on_timer = on_timer, .on_open = on_open};
    static const void *extension(const hub_plugin *p, hub_text id) {
        return hub_text_equal(id, HUB_PROVIDER_EXTENSION) ? &provider : NULL;
    }
    static hub_status check(const hub_plugin *p, hub_error *e) { return HUB_OK; }
    static hub_status start(const hub_plugin *p, hub_now now, hub_error *e) {
        adder *self = p->data;
        hub_websocket where = {.struct_size = sizeof where, .url = HUB_TEXT("wss://u:p@vendor.example/feed?token=abc")};
        self->status = sockets->open(self->host, 1, &where, e);
        return HUB_OK;
    }
    static void stop(const hub_plugin *p) {}
    static void destroy(const hub_plugin *p) { free(p->data); }
    static const hub_descriptor about = {.struct_size = sizeof(hub_descriptor), .kind = HUB_PROVIDER, .id = HUB_TEXT("adder"),
        .version = HUB_TEXT("VERSION"), .kinds = 1 << HUB_TRADE, .settings_schema = HUB_TEXT("{}")};
    static hub_status init(hub_error *error) { return HUB_OK; }
    static uint32_t count(void) { return 1; }
    static const hub_descriptor *descriptor(uint32_t index) { return &about; }
    static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *e) {
        sockets = host->get_extension(host, hub_text_of(HUB_HOST_WEBSOCKET));
        http = host->get_extension(host, hub_text_of(HUB_HOST_HTTP));
        secret = host->get_extension(host, hub_text_of(HUB_HOST_SECRET));
        store = host->get_extension(host, hub_text_of(HUB_HOST_STORE));
        emit = host->get_extension(host, hub_text_of(HUB_HOST_EMIT));
        adder *self = calloc(1, sizeof *self);
        self->plugin = (hub_plugin){sizeof(hub_plugin), 0, self, extension, check, start, stop, destroy};
        self->host = host;
        return &self->plugin;
    }
    static const hub_entry entry = {HUB_MAGIC, sizeof(hub_entry), HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count, descriptor,
        create};
    HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
    """

@Suite("Recording and playing back", .serialized)
struct CaptureTests {
    private nonisolated(unsafe) static let libraries = Result { try PluginFolder() }
    private static func library(_ version: String) throws -> PluginLibrary {
        try PluginLibrary.open(
            libraries.get().compile(
                adderSource.replacingOccurrences(of: "VERSION", with: version), to: "adder-\(version).so"))
    }
    private static let first = Result { try library("1.0.0") }
    private static let second = Result { try library("1.1.0") }

    private static func registry(_ library: PluginLibrary) -> PluginRegistry {
        PluginRegistry(
            libraries: [
                ScannedLibrary(
                    file: library.path, sha256: library.sha256, isBundled: false, content: .plugins(library.descriptors)
                )
            ], problems: [])
    }

    private static let quiet = Logger(label: "adder") { _ in SwiftLogNoOpLogHandler() }
    private static let secrets: [String] = ["the key of all", "s/cr\"t", "token-of-the-day"]

    private func book(_ folder: PluginFolder? = nil) -> SecretBook {
        let logins = LoginFile(path: nil, onProblem: { _ in })
        logins.keep("access_token", Self.secrets[2], expiresNanoseconds: 0, insteadOf: nil)
        return SecretBook(settings: Self.settings, hosts: [], logins: logins)
    }

    private static let settings = PluginSettings(
        [
            "api_key": .text(secrets[0]), "api_secret": .text(secrets[1]), "mode": "full",
            "url": "redis://user:pass-word@127.0.0.1/1",
        ], secrets: ["/api_key", "/api_secret"])

    private func tap(
        _ folder: String, _ secrets: SecretBook, mostBytes: Int = 1 << 20, maximumBytes: Int64 = 1 << 30,
        retryNanoseconds: Int64 = 1_000_000
    ) -> CaptureTap {
        let setup = CaptureSetup(
            ProviderConfiguration(
                name: "adder", plugin: PluginDescription(id: "adder", kind: .provider, version: "1.0.0"),
                settings: Self.settings, isRequired: true, staleAfterNanoseconds: 0, finalizeAfterNanoseconds: 0))
        return CaptureTap(
            folder: folder,
            header: CaptureHeader(
                provider: "adder", plugin: "adder", pluginVersion: "1.0.0", hub: "test", sessionNanoseconds: 1),
            setup: setup.text, limits: CaptureLimits(keepNanoseconds: .max, maximumBytes: maximumBytes),
            secrets: secrets, logger: Self.quiet,
            mostBytes: mostBytes, retryNanoseconds: retryNanoseconds)
    }

    private func at(_ nanoseconds: Int64) -> hub_now { hub_now(wall_ns: nanoseconds, mono_ns: nanoseconds + 7) }

    /// Streams into an instance that is recorded, and answers the lines of what it made.
    private func record(_ folder: String, _ messages: Int) throws -> [String] {
        let secrets = book()
        let context = InstanceContext(
            name: "adder", settings: Self.settings, isSimulated: false, logger: Self.quiet, secrets: secrets,
            takes: { $0.hasPrefix("SIM:") })
        context.instanceStore = InstanceStore(
            text: { $0 == "note" ? "tfour" : nil }, setText: { _, _ in false })
        let tap = tap(folder, secrets)
        tap.start()
        context.tap = tap
        let instance = try ProviderInstance(
            try PluginInstance(entry: Self.first.get().entry, id: "adder", context: context), name: "adder",
            maximumLines: 100)
        var lines: [String] = []
        var encoder = EventEncoder()
        var definitions = DefinitionTable()
        try instance.start(wanted: [("SIM:A", 2)], now: at(1000))
        instance.deliver(.opened(connection: 4), now: at(1001))
        for number in 0..<messages {
            let now = at(2000 + Int64(number) * 1000)
            if number % 10 == 9 { instance.fire(1, now: now, marksUnits: false) }
            // One fails, and one repeats a secret.
            let text =
                number % 17 == 5 ? "-1" : "\(number).5 " + (number == 3 ? Self.secrets.joined(separator: ",") : "")
            instance.deliver(
                .message(connection: 4, isText: number % 3 != 0, bytes: Array(text.utf8) + [0]), now: now)
            let waiting = instance.waiting(limit: .max)
            for offset in stride(from: 0, to: waiting.count, by: 64) {
                let record = (waiting.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                var definition = instance.definition(of: record.pointee.stream)
                definition.id = record.pointee.stream
                definitions.learn(definition)
                record.pointee.seq = UInt64(lines.count + 1)
                var line = TextBuffer()
                encoder.encode(record, definitions: definitions, into: &line)
                lines.append(line.string)
            }
            instance.consume(waiting.count)
        }
        instance.stop()
        instance.destroy()
        tap.stop()
        #expect(tap.status.lostFrames == 0 && tap.status.stopped == nil)
        return lines
    }

    private func play(
        _ source: CaptureSource, _ library: PluginLibrary? = nil, takesAnyVersion: Bool = false
    ) throws -> (lines: [String], summary: CapturePlayer.Summary) {
        var text = ""
        let player = CapturePlayer(
            plugins: Self.registry(try library ?? Self.first.get()), takesAnyVersion: takesAnyVersion,
            logger: Self.quiet)
        let summary = try player.run(source) { buffer in
            text += buffer.string
            return true
        }
        return (text.split(separator: "\n").map(String.init), summary)
    }

    @Test("what is played back is what was made when it was recorded, twice, and by way of a copy")
    func playedBack() throws {
        let folder = try PluginFolder()
        let made = try record(folder.file("ring"), 200)
        #expect(made.count == 188)
        for _ in 0..<2 {
            let (lines, summary) = try play(try CaptureSource(folder: folder.file("ring")))
            #expect(lines == made)
            #expect(summary.differenceCount == 0, "\(summary.differences)")
            #expect(summary.lost == 0 && summary.missing == 0 && !summary.isBeheaded && summary.problems.isEmpty)
        }
        let copy = folder.file("copy.hubcap")
        _ = try CaptureCopy.run(try CaptureSource(folder: folder.file("ring")), to: copy)
        #expect(try play(try CaptureSource(file: copy)).lines == made)
    }

    @Test("no secret stands in a recording, in whatever form a vendor repeats it")
    func noSecrets() throws {
        let folder = try PluginFolder()
        _ = try record(folder.file("ring"), 20)
        let files = CaptureFile.all(in: folder.file("ring"))
        #expect(files.count == 2)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file.path)))
            for secret in Self.secrets + ["pass-word", "token=abc", "u:p@"] {
                #expect(!bytes.contains(secret), "\(secret) in \(file.path)")
            }
        }
        let all = try files.reduce(into: "") {
            $0 += String(decoding: try Data(contentsOf: URL(fileURLWithPath: $1.path)), as: UTF8.self)
        }
        #expect(all.contains("**************,******,****************"))
        #expect(all.contains("wss://vendor.example/feed") && all.contains("redis://127.0.0.1/1"))
    }

    @Test("secrets are blank as they are, in addresses and in JSON; one-time addresses lose their queries")
    func mask() {
        var mask = CaptureMask(book())
        mask.refresh()
        var bytes = Array(#"the key of all|the%20key%20of%20all|s/cr\"t|s%2Fcr%22t|nothing"#.utf8)
        let length = bytes.count
        mask.apply(to: &bytes, from: 0)
        #expect(bytes.count == length)
        #expect(
            String(decoding: bytes, as: UTF8.self) == "**************|********************|*******|**********|nothing")
        let answer = #"{"uri":"wss:\/\/a.example\/f?id=17&code=x-1","b":"https://x/?q=1"}"#
        #expect(
            String(decoding: CaptureMask.withoutOneTimeAddresses(Array(answer.utf8)), as: UTF8.self)
                == #"{"uri":"wss:\/\/a.example\/f?**=**&****=***","b":"https://x/?q=1"}"#)
        #expect(CaptureMask.address("https://u:p@a.example:8/x/y?z=1#f") == "https://a.example:8/x/y")
        #expect(CaptureMask.address("https://a.example/@x") == "https://a.example/@x")
    }

    @Test("of the answer to a login only the places of the credentials are recorded")
    func login() {
        var answer = VendorAnswer(httpStatus: 200)
        answer.headers = [("Set-Cookie", "session=1"), ("Content-Type", "application/json")]
        answer.body = Array(#"{"data":{"access_token":"x","refresh_token":"y"}}"#.utf8)
        answer.loginPointers = ["/data/access_token", "/data/a~1b"]
        let recorded = CaptureAnswer(answer)
        #expect(recorded.isWithheld && recorded.headers == [.init("Content-Type", "application/json")])
        #expect(recorded.body == Array("/data/access_token\n/data/a~1b".utf8))
        let seen = CapturePlayback.answer(recorded)
        let token = CaptureSetup.placeholder
        #expect(
            String(decoding: seen.body, as: UTF8.self) == #"{"data":{"access_token":"\#(token)","a/b":"\#(token)"}}"#)
    }

    @Test("another version of the plugin is refused, or plays where that is wanted")
    func otherVersion() throws {
        let folder = try PluginFolder()
        let made = try record(folder.file("ring"), 30)
        let other = try Self.second.get()
        let error = #expect(throws: CaptureError.self) {
            try play(try CaptureSource(folder: folder.file("ring")), other)
        }
        #expect(error?.description.contains("recorded with adder 1.0.0, and 1.1.0 is installed") == true)
        #expect(
            try play(try CaptureSource(folder: folder.file("ring")), other, takesAnyVersion: true).lines == made)
        let none = PluginRegistry(libraries: [], problems: [])
        let missing = #expect(throws: CaptureError.self) {
            try CapturePlayer(plugins: none, logger: Self.quiet).run(try CaptureSource(folder: folder.file("ring"))) {
                _ in true
            }
        }
        #expect(missing?.description.contains("'adder', which is not installed") == true)
    }

    @Test("a piece out of the middle gives the records of its range only")
    func middle() throws {
        let folder = try PluginFolder()
        let made = try record(folder.file("ring"), 100)
        let copy = folder.file("copy.hubcap")
        _ = try CaptureCopy.run(
            try CaptureSource(folder: folder.file("ring")), to: copy, from: 50_000, until: 60_000)
        let (lines, summary) = try play(try CaptureSource(file: copy))
        // The plugin's own sum misses what came before, and the summary says so.
        #expect(summary.missing > 0 && !summary.isBeheaded && summary.differenceCount == 0)
        #expect(lines.count < 12 && lines.count > 7)
        #expect(lines.allSatisfy { line in made.contains { Self.price($0) == Self.price(line) } })
    }

    private static func price(_ line: String) -> Substring? {
        line.split(separator: "\"price\":").last?.prefix { $0 != "," }
    }

    @Test("a recorder that cannot keep up loses frames, counts them, and the file says where; the feed never waits")
    func overflow() throws {
        let folder = try PluginFolder()
        let tap = tap(folder.file("ring"), book(), mostBytes: 10_000)
        // Nobody writes yet.
        for number in 0..<200 {
            tap.take(
                .message(connection: 1, isText: true, bytes: [UInt8](repeating: 1, count: 1000)), at(Int64(number)))
        }
        let lost = tap.status.lostFrames
        #expect(lost > 150 && lost < 200)
        tap.start()
        while tap.status.frames < 200 - lost { usleep(1000) }
        tap.take(.timer(1), at(500))
        tap.stop()
        let source = try CaptureSource(folder: folder.file("ring"))
        var found: [CaptureFrame] = []
        while let frame = source.next() { found.append(frame) }
        #expect(found.count == 200 - Int(lost) + 2)
        #expect(found[found.count - 2].input == .lost(frames: lost, bytes: lost * 1064))
        #expect(found.last?.input == .timer(1) && found.last?.ordinal == 201)
    }

    @Test("a folder that cannot be written stops the recording, says why, and the recording goes on when it can")
    func brokenDisk() throws {
        let folder = try PluginFolder()
        // A file stands where the folder should be.
        try folder.write("in the way", to: "ring")
        let tap = tap(folder.file("ring"), book())
        tap.start()
        tap.take(.timer(1), at(1))
        while tap.status.stopped == nil { usleep(1000) }
        #expect(tap.status.stopped?.contains("ring") == true)
        try FileManager.default.removeItem(atPath: folder.file("ring"))
        var number: Int64 = 2
        while tap.status.frames == 0 {
            tap.take(.timer(2), at(number))
            number += 1
            usleep(1000)
        }
        tap.stop()
        #expect(tap.status.stopped == nil && tap.status.lostFrames > 0)
        let source = try CaptureSource(folder: folder.file("ring"))
        guard case .lost(let frames, _)? = source.next()?.input else {
            Issue.record("no marker of what was lost")
            return
        }
        #expect(frames == tap.status.lostFrames)
    }
}
