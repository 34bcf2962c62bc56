/// Fills in `${…}` in values. The results are texts, never read as YAML again.
///
/// One for a load: files and commands are read once, whatever number of values refers to them.
final class Expander {
    /// Something in a value that could not be filled in.
    struct Failure {
        /// Which `${` of the value it is, from 0.
        var reference: Int
        var message: String
        /// What is meant is not there: a variable is unset, a file or command cannot be had. (Not: it is written wrongly.)
        var isAbsence: Bool
        /// In few words, for the reason why a component was left out.
        var summary: String
    }

    struct Result {
        var text: String
        /// The text holds something that does not stand in the file.
        var isExpanded = false
        var failures: [Failure] = []
        /// `$NAME` without braces, which stays as it is.
        var bareNames: [String] = []
    }

    private let environment: [String: String]
    /// Of `env_file`, looked up after the environment.
    private(set) var fileVariables: [String: String] = [:]
    private var files: [String: Lookup] = [:]
    private var commands: [String: Lookup] = [:]

    private enum Lookup {
        case found(String)
        case failed(String)
    }

    init(environment: [String: String]) { self.environment = environment }

    func learn(_ name: String, _ value: String) { fileVariables[name] = value }

    static func hasReference(_ text: String) -> Bool { text.utf8.contains(UInt8(ascii: "$")) }

    /// - Parameter folder: where relative paths start.
    func expand(_ text: String, folder: String) -> Result {
        var result = Result(text: "")
        var reference = 0
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result.text += rest[..<dollar]
            let after = rest.index(after: dollar)
            let next = after < rest.endIndex ? rest[after] : " "
            if next == "$" {
                result.text += "$"
                rest = rest[rest.index(after: after)...]
            } else if next == "{" {
                guard let close = rest[after...].firstIndex(of: "}") else {
                    result.failures.append(
                        Failure(
                            reference: reference,
                            message: "'${' is never closed with '}' (a dollar is written $$)",
                            isAbsence: false, summary: "a reference is not closed"))
                    return result
                }
                let body = String(rest[rest.index(after: after)..<close])
                switch lookUp(body, folder: folder) {
                case .success(let value):
                    result.text += value
                    result.isExpanded = true
                case .failure(var failure):
                    failure.reference = reference
                    result.failures.append(failure)
                }
                reference += 1
                rest = rest[rest.index(after: close)...]
            } else {
                result.text += "$"
                let name = rest[after...].prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
                if let first = name.first, first == "_" || first.isLetter {
                    result.bareNames.append(String(name))
                }
                rest = rest[after...]
            }
        }
        result.text += rest
        return result
    }

    private enum Outcome {
        case success(String)
        case failure(Failure)
    }

    private func lookUp(_ body: String, folder: String) -> Outcome {
        if body.contains("${") { return misuse("a reference cannot stand inside another") }
        if let path = body.withoutPrefix("file:") { return file(path, folder) }
        if let words = body.withoutPrefix("command:") { return command(words) }
        let name = body.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        let rest = body[name.endIndex...]
        let isName = name.first.map { !$0.isNumber } ?? false
        guard isName, rest.isEmpty || rest.hasPrefix(":-") else {
            return misuse(
                "'${\(PathText.shortened(body))}' is no reference; there are ${NAME}, ${NAME:-text}, ${file:PATH} and ${command:WORDS}"
            )
        }
        let value = environment[String(name)] ?? fileVariables[String(name)]
        if rest.isEmpty {
            if let value { return .success(value) }
            let known = Suggestion.sentence(
                String(name), among: (Array(fileVariables.keys) + Array(environment.keys)).sorted())
            let cure =
                known.isEmpty
                ? "; set it in the environment or an env_file, or give a default: ${\(name):-text}" : known
            return absence("the variable \(name) is not set\(cure)", "\(name) is not set")
        }
        if let value, !value.isEmpty { return .success(value) }
        return .success(String(rest.dropFirst(2).replacing("$$", with: "$")))
    }

    private func file(_ path: String, _ folder: String) -> Outcome {
        guard !path.isEmpty else { return misuse("'${file:}' names no file") }
        let absolute = FileBytes.absolute(path, in: folder)
        let shown = PathText.shortened(path)
        switch cached(absolute, in: &files, { self.contents(absolute) }) {
        case .found(let text): return .success(text)
        case .failed(let reason):
            return absence("cannot read the file '\(shown)': \(reason)", "\(shown): \(reason)")
        }
    }

    private func contents(_ path: String) -> Lookup {
        do throws(FileError) { return text(try FileBytes.read(path, atMost: 1 << 20)) } catch {
            return .failed(error.reason)
        }
    }

    private func command(_ text: String) -> Outcome {
        guard let words = CommandOutput.words(text), let program = words.first else {
            return misuse("'${command:\(PathText.shortened(text))}' is no command")
        }
        switch cached(text, in: &commands, { self.output(words) }) {
        case .found(let text): return .success(text)
        case .failed(let reason):
            let shown = PathText.shortened(program)
            return absence("the command '\(shown)' failed: \(reason)", "'\(shown)' failed")
        }
    }

    private func output(_ words: [String]) -> Lookup {
        do throws(CommandOutput.Failure) {
            return text(try CommandOutput.run(words, environment: environment))
        } catch {
            return .failed(error.reason)
        }
    }

    /// The last newline is cut.
    private func text(_ bytes: [UInt8]) -> Lookup {
        var bytes = bytes
        if bytes.last == 0x0a { bytes.removeLast() }
        if bytes.last == 0x0d { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return .failed("it is not UTF-8 text")
        }
        return .found(text)
    }

    private func cached(_ key: String, in cache: inout [String: Lookup], _ make: () -> Lookup)
        -> Lookup
    {
        if let known = cache[key] { return known }
        let made = make()
        cache[key] = made
        return made
    }

    private func misuse(_ message: String) -> Outcome {
        .failure(Failure(reference: 0, message: message, isAbsence: false, summary: message))
    }

    private func absence(_ message: String, _ summary: String) -> Outcome {
        .failure(Failure(reference: 0, message: message, isAbsence: true, summary: summary))
    }
}

extension String {
    func withoutPrefix(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}

extension SourceSpan {
    /// The n-th `${…}` in this value, if it can be found as it was written; else the value.
    func reference(_ number: Int) -> SourceSpan {
        var left = number
        for line in line...max(endLine, line) {
            let scalars = source.scalars(line)
            let end = line == endLine ? min(endColumn - 1, scalars.count) : scalars.count
            var at = line == self.line ? column - 1 : 0
            while at + 1 < end {
                guard scalars[at] == "$" else {
                    at += 1
                    continue
                }
                if scalars[at + 1] == "{" {
                    if left == 0 {
                        let close = scalars[at..<end].firstIndex(of: "}") ?? end - 1
                        return SourceSpan(source, line: line, column: at + 1, length: close - at + 1)
                    }
                    left -= 1
                }
                at += 2
            }
        }
        return self
    }
}
