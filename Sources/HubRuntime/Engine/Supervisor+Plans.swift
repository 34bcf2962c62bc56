import EventFormat
import HubModel

extension Supervisor {
    /// What is fixed about one source.
    struct SourcePlan {
        var name: String
        /// Its time is in the data: it is never stale, and no clock closes its bars.
        var isRecorded: Bool
        /// What it makes up is not what another missed.
        var isSimulated = false
        /// It goes on where it stopped, so a stop of the hub loses nothing of it.
        var resumes: Bool
        var staleAfterNanoseconds: Int64
        /// 0 = it is never too late.
        var lateAfterNanoseconds: Int64 = 0
        var symbols: [String]
        var kinds: UInt32
        var calendars: [TradingCalendar]
        /// Of its instruments.
        var venues: [String] = []
    }

    /// What is fixed about one pipeline.
    struct PipelinePlan {
        var name: String
        /// Indices of its sources, in order of preference.
        var sources: [Int]
        var afterNanoseconds: Int64
        var backAfterNanoseconds: Int64
        /// Kinds that are wanted of each of `sources`.
        var kinds: [UInt32] = []
        /// Instruments that are always streamed, in the order of the file.
        var instruments: [String] = []
        /// Globs among them.
        var globs: [String] = []
        /// The next source is connected and subscribed already.
        var isWarm = false
        /// What the serving source does not have is taken from the next that has it.
        var isPerInstrument = true
    }

    /// A hole that is not over.
    struct OpenGap {
        /// `seq` of the record that opened it; 0 = it waits for room.
        var number: UInt64
        var reason: UInt8
        var fromNanoseconds: Int64
        var symbols: [String]
        var kinds: UInt32
        /// Whether the plugin told of it; else the hub found it, and there is one at a time.
        var isPlugins: Bool
        /// Who serves now in the place of the source that lost it: what that delivers first ends the hole.
        var successor: Int?
        /// Instruments that the source served when it began; `nil` = not known.
        var served: [String]?
        /// Pipelines that another source took over meanwhile, and when.
        var leftAt: [String: Int64] = [:]
    }
}
