import PluginKit

/// When a file is finished and the next one begun, and how many finished ones are kept.
struct Rotation: Equatable, Sendable {
    /// A file that has reached this size at the end of a batch is finished; nil = no limit.
    var sizeBytes: Int?
    /// Files are finished at multiples of this since the epoch, UTC, by the time of receipt; nil = never.
    var everyNanoseconds: Int64?
    /// Finished files beyond this number are deleted, oldest first; nil = none is.
    var keep: Int?

    static let standard = Rotation(sizeBytes: 256 << 20, everyNanoseconds: 86_400_000_000_000, keep: 30)
}

/// What finished files are packed with.
enum Compression: String, CaseIterable, Sendable {
    case none
    case gzip
}

/// The settings of one instance, read and checked.
struct FileSettings: Equatable, Sendable {
    var path = ""
    var rotation = Rotation.standard
    var compression = Compression.none

    /// JSON Schema of the settings.
    static let schema = """
        {"type":"object","additionalProperties":false,"required":["path"],"properties":{\
        "path":{"type":"string","minLength":1,"format":"path","x-reload":"restart",\
        "description":"folder for the files; made if it does not exist"},\
        "format":{"type":"string","enum":["ndjson"],"default":"ndjson","x-reload":"restart",\
        "description":"one event object a line"},\
        "rotate":{"type":"object","additionalProperties":false,"x-reload":"restart",\
        "description":"when a file is finished and the next begun","properties":{\
        "size":{"type":"string","format":"size","default":"256MiB","description":"none = no limit"},\
        "every":{"type":"string","format":"duration","default":"1d","description":"forever = never"},\
        "keep":{"type":"integer","minimum":0,"default":30,"description":"finished files; 0 = all"}}},\
        "compress":{"type":"string","enum":["none","gzip"],"default":"none","x-reload":"restart",\
        "description":"of finished files"}}}
        """

    init() {}

    /// Reads all settings, and adds what is wrong with them to `problems`, each with its JSON pointer.
    init(_ settings: Settings, problems: inout SettingsProblems) {
        if let text = settings.text("/path"), !text.isEmpty {
            path = text
        } else {
            problems.add("/path", "expected the folder to write into, found none")
        }
        if let text = settings.text("/format"), text != "ndjson" {
            problems.add("/format", "expected 'ndjson', found '\(text)'")
        }
        rotation.sizeBytes = Self.limit(settings, "/rotate/size", standard: Int64(256 << 20), &problems).map(Int.init)
        rotation.everyNanoseconds = Self.limit(settings, "/rotate/every", standard: 86_400_000_000_000, &problems)
        let keep = settings.integer("/rotate/keep") ?? 30
        if keep < 0 || keep > 1_000_000 {
            problems.add("/rotate/keep", "expected a number of files from 0 (all) to 1000000, found \(keep)")
        } else {
            rotation.keep = keep == 0 ? nil : Int(keep)
        }
        if let text = settings.text("/compress") {
            if let compression = Compression(rawValue: text) {
                self.compression = compression
            } else {
                problems.add("/compress", "expected 'none' or 'gzip', found '\(text)'")
            }
        }
    }

    /// A size or a duration; nil where it is `none`, `forever` or 0.
    private static func limit(
        _ settings: Settings, _ path: String, standard: Int64, _ problems: inout SettingsProblems
    ) -> Int64? {
        if let text = settings.text(path), text == "none" || text == "forever" { return nil }
        guard let value = settings.integer(path) else { return standard }
        if value < 0 { problems.add(path, "expected a positive \(path == "/rotate/size" ? "size" : "duration")") }
        return value <= 0 || value == .max ? nil : value
    }
}
