import Testing

@testable import HubConfig

@Suite("References in values")
struct ExpansionTests {
    private func expand(_ text: String, _ environment: [String: String] = [:]) -> Expander.Result {
        Expander(environment: environment).expand(text, folder: "/nowhere")
    }

    @Test("every form of reference, alone and as a part")
    func forms() {
        let environment = ["A": "one", "EMPTY": "", "B": "${A} is not read again"]
        #expect(expand("${A}", environment).text == "one")
        #expect(expand("x${A}y${A}z", environment).text == "xoneyonez")
        #expect(expand("${NONE:-default}", environment).text == "default")
        #expect(expand("${EMPTY:-default}", environment).text == "default")
        #expect(expand("${EMPTY}", environment).text == "")
        #expect(expand("${NONE:-}", environment).text == "")
        #expect(expand("$$5 and $$${A}", environment).text == "$5 and $one")
        #expect(expand("${B}", environment).text == "${A} is not read again")
        #expect(expand("${command:printf 'a  b'}").text == "a  b")
        #expect(expand("100$").text == "100$")
        #expect(expand("$5").failures.isEmpty)
        #expect(expand("$NAME").bareNames == ["NAME"])
    }

    @Test("what cannot be filled in says which reference it is")
    func failures() {
        let result = expand("${A} ${B} ${C", ["A": "x"])
        #expect(result.failures.map(\.reference) == [1, 2])
        #expect(result.failures.map(\.isAbsence) == [true, false])
        for bad in [
            "${}", "${1A}", "${A-b}", "${A:b}", "${file:}", "${command:}", "${command:'}", "${A:-${B}}", "${ A }",
        ] {
            #expect(expand(bad).failures.first?.isAbsence == false, "\(bad)")
        }
    }

    @Test("files are read relative to the folder, and only their last newline is cut")
    func files() {
        TestFiles.withFolder { folder in
            TestFiles.write("secret\n\n", to: "\(folder)/key")
            #expect(Expander(environment: [:]).expand("${file:key}", folder: folder).text == "secret\n")
            #expect(Expander(environment: [:]).expand("${file:\(folder)/key}", folder: "/").text == "secret\n")
            let missing = Expander(environment: [:]).expand("${file:none}", folder: folder)
            #expect(missing.failures.first?.message == "cannot read the file 'none': No such file or directory")
            let itself = Expander(environment: [:]).expand("${file:.}", folder: folder)
            #expect(itself.failures.first?.message == "cannot read the file '.': it is a folder")
        }
    }

    @Test("a command that does not end is killed with everything it started")
    func commandTimeout() {
        #expect {
            try CommandOutput.run(["sh", "-c", "sleep 30 & sleep 30"], environment: [:], timeoutMilliseconds: 100)
        } throws: { error in
            (error as? CommandOutput.Failure)?.reason == "it did not end within 0 s"
        }
    }

    @Test("a command that fails says how, without its output")
    func commandFailures() {
        func reason(_ words: [String]) -> String? {
            do throws(CommandOutput.Failure) {
                _ = try CommandOutput.run(words, environment: ["PATH": "/usr/bin:/bin"])
                return nil
            } catch {
                return error.reason
            }
        }
        #expect(reason(["true"]) == nil)
        #expect(reason(["sh", "-c", "echo secret; exit 4"]) == "it ended with status 4")
        #expect(reason(["sh", "-c", "kill -9 $$"]) == "signal 9 ended it")
        #expect(reason(["/no/such/program"]) == "No such file or directory")
        #expect(reason(["sh", "-c", "yes"]) == "it wrote more than 1024 KiB")
    }

    @Test("a command sees the variables that were given, and empty standard input")
    func commandSurroundings() throws {
        let output = try CommandOutput.run(["sh", "-c", "cat; printf %s \"$GIVEN\""], environment: ["GIVEN": "yes"])
        #expect(String(decoding: output, as: UTF8.self) == "yes")
    }

    @Test("words of a command are separated by blanks, quotes keep them together")
    func words() {
        #expect(CommandOutput.words("a  b 'c d' \"e f\" g''") == ["a", "b", "c d", "e f", "g"])
        #expect(CommandOutput.words("'' x") == ["", "x"])
        #expect(CommandOutput.words("'open") == nil)
    }
}
