/* The C library's calls that change files, defined once more: a definition in the program itself goes before the library's, also for
 * what SQLite calls. So journal and store are stopped by the same count, and nothing of either can pass by it. */
#define _GNU_SOURCE
#include "faulty_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char watched[PATH_MAX];
static size_t watched_length;
static int planned_fault;
static int64_t planned_step;
static _Atomic int64_t steps;
static _Atomic int is_full;
static _Atomic int was_full;

void faulty_disk_watch(const char *folder, int fault, int64_t step) {
    planned_fault = fault;
    planned_step = step;
    snprintf(watched, sizeof watched, "%s/", folder);
    watched_length = strlen(watched);
}

int64_t faulty_disk_steps(void) { return atomic_load(&steps); }
int faulty_disk_was_full(void) { return atomic_load(&was_full); }
void faulty_disk_make_room(void) { atomic_store(&is_full, 0); }

static int is_watched(const char *path) { return watched_length && strncmp(path, watched, watched_length) == 0; }

static int is_watched_file(int descriptor) {
    if (!watched_length) return 0;
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_watched(path);
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

enum outcome { GOES_ON, IS_TORN, IS_REFUSED };

/* Counts a step; does not return if the process ends before it. */
static enum outcome step(int needs_room) {
    int64_t number = atomic_fetch_add(&steps, 1) + 1;
    if (number == planned_step) {
        if (planned_fault == FAULTY_DISK_KILL) die();
        if (planned_fault == FAULTY_DISK_TEAR) return IS_TORN;
        if (planned_fault == FAULTY_DISK_FULL) atomic_store(&is_full, 1);
    }
    if (!needs_room || !atomic_load(&is_full)) return GOES_ON;
    atomic_store(&was_full, 1);
    return IS_REFUSED;
}

static int refused(void) {
    errno = ENOSPC;
    return -1;
}

static int grows(int descriptor, off_t end) {
    struct stat info;
    return fstat(descriptor, &info) == 0 && end > info.st_size;
}

static ssize_t write_at(int descriptor, const void *bytes, size_t count, off_t offset) {
    if (!is_watched_file(descriptor)) return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
    switch (step(grows(descriptor, offset + (off_t)count))) {
    case IS_REFUSED: return refused();
    case IS_TORN: syscall(SYS_pwrite64, descriptor, bytes, count / 2, offset); die();
    case GOES_ON: break;
    }
    return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return write_at(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return write_at(descriptor, bytes, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (is_watched_file(descriptor)) {
        switch (step(1)) {
        case IS_REFUSED: return refused();
        case IS_TORN: syscall(SYS_write, descriptor, bytes, count / 2); die();
        case GOES_ON: break;
        }
    }
    return syscall(SYS_write, descriptor, bytes, count);
}

static int truncate_file(int descriptor, off_t count) {
    if (is_watched_file(descriptor)) {
        switch (step(grows(descriptor, count))) {
        case IS_REFUSED: return refused();
        case IS_TORN: syscall(SYS_ftruncate, descriptor, count); die();
        case GOES_ON: break;
        }
    }
    return (int)syscall(SYS_ftruncate, descriptor, count);
}

int ftruncate(int descriptor, off_t count) { return truncate_file(descriptor, count); }
int ftruncate64(int descriptor, off64_t count) { return truncate_file(descriptor, count); }

static int allocate(int descriptor, off_t offset, off_t count) {
    if (is_watched_file(descriptor)) {
        switch (step(grows(descriptor, offset + count))) {
        case IS_REFUSED: return ENOSPC;
        case IS_TORN: syscall(SYS_ftruncate, descriptor, offset + count / 2); die();
        case GOES_ON: break;
        }
    }
    static int (*library)(int, off_t, off_t);
    if (!library) library = (int (*)(int, off_t, off_t))dlsym(RTLD_NEXT, "posix_fallocate");
    return library(descriptor, offset, count);
}

int posix_fallocate(int descriptor, off_t offset, off_t count) { return allocate(descriptor, offset, count); }
int posix_fallocate64(int descriptor, off64_t offset, off64_t count) { return allocate(descriptor, offset, count); }

static int sync_file(int descriptor, long call) {
    if (is_watched_file(descriptor) && step(0) == IS_TORN) {
        syscall(call, descriptor);
        die();
    }
    return (int)syscall(call, descriptor);
}

int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }

int rename(const char *from, const char *to) {
    int is_last = is_watched(to) && step(0) == IS_TORN;
    int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (is_last) die();
    return result;
}

int unlink(const char *path) {
    int is_last = is_watched(path) && step(0) == IS_TORN;
    int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (is_last) die();
    return result;
}

int mkdir(const char *path, mode_t mode) {
    enum outcome outcome = is_watched(path) ? step(1) : GOES_ON;
    if (outcome == IS_REFUSED) return refused();
    int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (outcome == IS_TORN) die();
    return result;
}

static int open_file(const char *path, int flags, mode_t mode) {
    enum outcome outcome = GOES_ON;
    if (flags & O_CREAT && is_watched(path) && faccessat(AT_FDCWD, path, F_OK, 0) != 0) outcome = step(1);
    if (outcome == IS_REFUSED) return refused();
    int result = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (outcome == IS_TORN) die();
    return result;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_file(path, flags | O_LARGEFILE, mode);
}
