/* A wall clock that starts elsewhere and runs faster, for a process that is started with it in LD_PRELOAD.
 *
 * FASTCLOCK_ANCHOR (real epoch seconds) is when the clock shows FASTCLOCK_START (epoch seconds); it runs FASTCLOCK_SPEED
 * times as fast. The same formula is the fakes' clock. Only the time of day is changed: monotonic clocks, and with them
 * the timeouts of sockets, stay real. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double start, anchor, speed;

__attribute__((constructor)) static void configure(void) {
    const char *given = getenv("FASTCLOCK_SPEED");
    speed = given ? atof(given) : 1;
    given = getenv("FASTCLOCK_ANCHOR");
    anchor = given ? atof(given) : 0;
    given = getenv("FASTCLOCK_START");
    start = given ? atof(given) : anchor;
}

static struct timespec shown(struct timespec real) {
    long long nanoseconds = (long long)(real.tv_sec - (time_t)anchor) * 1000000000LL + real.tv_nsec
        - (long long)((anchor - (double)(time_t)anchor) * 1e9);
    /* In halves: a product of doubles would lose the nanoseconds. */
    long long whole = nanoseconds / 1000000000LL, rest = nanoseconds % 1000000000LL;
    double seconds = (double)whole * speed;
    long long out = (long long)seconds * 1000000000LL + (long long)((seconds - (double)(long long)seconds) * 1e9)
        + (long long)((double)rest * speed) + (long long)start * 1000000000LL
        + (long long)((start - (double)(long long)start) * 1e9);
    return (struct timespec){.tv_sec = out / 1000000000LL, .tv_nsec = out % 1000000000LL};
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    /* The vDSO's function is behind the C library's own. */
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, out);
    if (result == 0 && speed != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) *out = shown(*out);
    return result;
}

int gettimeofday(struct timeval *out, void *zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

/* A moment on our clock that somebody waits for, on the real one. */
static struct timespec really(const struct timespec *until) {
    struct timespec now, real;
    clock_gettime(CLOCK_REALTIME, &now);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
    double wait = (double)(until->tv_sec - now.tv_sec) + (double)(until->tv_nsec - now.tv_nsec) * 1e-9;
    long long nanoseconds = real.tv_nsec + (long long)(wait * 1e9);
    if (wait > 1e8) return (struct timespec){.tv_sec = until->tv_sec, .tv_nsec = until->tv_nsec};
    real.tv_sec += nanoseconds / 1000000000LL;
    real.tv_nsec = nanoseconds % 1000000000LL;
    if (real.tv_nsec < 0) { real.tv_nsec += 1000000000LL; real.tv_sec -= 1; }
    return real;
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
    static int (*real)(pthread_mutex_t *, const struct timespec *);
    if (!real) real = (int (*)(pthread_mutex_t *, const struct timespec *))dlsym(RTLD_NEXT, "pthread_mutex_timedlock");
    struct timespec moment = really(until);
    return real(mutex, &moment);
}
