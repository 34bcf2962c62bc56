#define _GNU_SOURCE
#include "hub_system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older headers do not name it */
#endif

void *hub_map_file(int descriptor, size_t count, int writable) {
    int protection = PROT_READ | (writable ? PROT_WRITE : 0);
    void *bytes = mmap(NULL, count, protection, MAP_SHARED, descriptor, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

int hub_populate_for_writing(void *bytes, size_t count) {
    if (madvise(bytes, count, MADV_POPULATE_WRITE) == 0) return 0;
    if (errno != EINVAL) return -1;
    /* Older kernels: a store of what is already there makes each page present and writable. */
    volatile unsigned char *page = bytes;
    for (size_t at = 0; at < count; at += 4096) page[at] = page[at];
    return 0;
}

int hub_ring_file(const char *label) { return memfd_create(label, MFD_CLOEXEC); }

int hub_allocate(int descriptor, int64_t count) {
    int failure;
    do failure = posix_fallocate(descriptor, 0, (off_t)count);
    while (failure == EINTR);
    return failure;
}

size_t hub_used_bytes(const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    while (count > 0) {
        uint64_t value;
        memcpy(&value, at + count - 8, 8);
        if (value) break;
        count -= 8;
    }
    return count;
}

int hub_zero(void *bytes, size_t count) {
    int changed = 0;
    unsigned char *at = bytes;
    while (count > 0) {
        size_t part = count < 4096 ? count : 4096;
        uint64_t any = 0;
        for (size_t word = 0; word < part; word += 8) {
            uint64_t value;
            memcpy(&value, at + word, 8);
            any |= value;
        }
        if (any) {
            memset(at, 0, part);
            changed = 1;
        }
        at += part;
        count -= part;
    }
    return changed;
}

int64_t hub_free_bytes(const char *path) {
    struct statvfs info;
    int failed;
    do failed = statvfs(path, &info);
    while (failed != 0 && errno == EINTR);
    return failed ? -1 : (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

int hub_try_lock(int descriptor) {
    int failed;
    do failed = flock(descriptor, LOCK_EX | LOCK_NB);
    while (failed != 0 && errno == EINTR);
    if (failed == 0) return 1;
    return errno == EWOULDBLOCK ? 0 : -1;
}

int hub_event_open(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void hub_event_signal(int descriptor) {
    uint64_t one = 1;
    /* EAGAIN means that the counter is full, so whoever waits is awake already. */
    while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void hub_event_drain(int descriptor) {
    uint64_t count;
    while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

int hub_event_wait(int descriptor, int timeout_ms) {
    struct pollfd waited = {.fd = descriptor, .events = POLLIN, .revents = 0};
    int count = poll(&waited, 1, timeout_ms);
    if (count > 0) return 1;
    return count == 0 || errno == EINTR ? 0 : -1;
}

int hub_event_wait_ns(int descriptor, int64_t timeout_ns) {
    struct pollfd waited = {.fd = descriptor, .events = POLLIN, .revents = 0};
    struct timespec time = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int count = ppoll(&waited, 1, timeout_ns < 0 ? NULL : &time, NULL);
    if (count > 0) return 1;
    return count == 0 || errno == EINTR ? 0 : -1;
}

void hub_name_thread(const char *name) {
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    pthread_setname_np(pthread_self(), cut);
}
