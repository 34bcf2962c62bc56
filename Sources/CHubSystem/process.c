#define _GNU_SOURCE
#include "hub_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int fail_closing(int descriptor) {
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}

int hub_memory_file(const char *name, const void *bytes, size_t count) {
    int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return -1;
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = write(file, at, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fail_closing(file);
        at += written;
        count -= (size_t)written;
    }
    if (fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return fail_closing(file);
    return file;
}

/* What a program needs to start, and nothing else of the environment: a configuration's secrets may stand in it. Swift's
 * own crash reports are off: they take seconds and bury what the program said last. */
static char **bare_environment(void) {
    static const char *const kept[] = {"PATH=", "HOME=", "TMPDIR=", "TZ=", "LANG=", "LC_ALL=", "LD_LIBRARY_PATH="};
    size_t count = 0, size = sizeof kept / sizeof *kept;
    char **result = malloc((size + 2) * sizeof *result);
    if (!result) return NULL;
    for (size_t index = 0; index < size; index++)
        for (char **variable = environ; *variable; variable++)
            if (strncmp(*variable, kept[index], strlen(kept[index])) == 0) {
                result[count++] = *variable;
                break;
            }
    result[count++] = "SWIFT_BACKTRACE=enable=no";
    result[count] = NULL;
    return result;
}

pid_t hub_spawn(char *const arguments[], int *output, int *error) {
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) < 0) return -1;
    if (pipe2(err, O_CLOEXEC) < 0) {
        fail_closing(out[0]);
        return fail_closing(out[1]);
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigfillset(&usual);
    pid_t child = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char **environment = bare_environment();
    int reason = environment ? posix_spawn(&child, arguments[0], &actions, &attributes, arguments, environment) : ENOMEM;
    free(environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    if (reason != 0) {
        close(out[0]);
        close(err[0]);
        errno = reason;
        return -1;
    }
    struct rlimit core = {0, 0};
    prlimit(child, RLIMIT_CORE, &core, NULL);
    *output = out[0];
    *error = err[0];
    return child;
}

int hub_wait_readable(int first, int second, int timeout_ms) {
    struct pollfd entries[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
    if (poll(entries, 2, timeout_ms) <= 0) return 0;
    return (entries[0].revents ? 1 : 0) | (entries[1].revents ? 2 : 0);
}

int hub_reap(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

int hub_claim_output(void) {
    int claimed = fcntl(1, F_DUPFD_CLOEXEC, 3);
    if (claimed < 0 || dup2(2, 1) < 0) return -1;
    return claimed;
}
