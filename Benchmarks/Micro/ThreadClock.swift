import Glibc

/// What this thread has worked: what others take of its core says nothing.
enum ThreadClock {
    /// Seconds.
    static var worked: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
