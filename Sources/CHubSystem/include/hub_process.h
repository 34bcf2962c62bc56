/* What loading plugins needs from Linux: files in memory and child processes.
 *
 * Every function may be called from any thread. Functions that can fail answer -1 (or NULL) and leave the reason in
 * errno.
 */
#ifndef HUB_PROCESS_H
#define HUB_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* A file that exists in memory only, closed on exec, holding a copy of the bytes and sealed: nobody can change it any
 * more. */
int hub_memory_file(const char *name, const void *bytes, size_t count);

/* ---- children --------------------------------------------------------------------------------------------------- */

/* Starts a program (`arguments` ends with NULL, its first is the path) with pipes on its standard output and error,
 * nothing on its standard input, no other descriptors, no core dumps, and of the environment only what it needs to
 * start. Answers its process id. */
pid_t hub_spawn(char *const arguments[], int *output, int *error);

/* Waits until one of two pipes can be read, at most so long: bit 0 and bit 1 for which, 0 the time is over. A negative
 * descriptor is not waited for. */
int hub_wait_readable(int first, int second, int timeout_ms);

/* Waits for the end of a child: its exit code, or 1000 + the signal that ended it. */
int hub_reap(pid_t child);

/* Moves standard output to a descriptor of its own, closed on exec, and sends what else is written there to standard
 * error. Answers the descriptor. For a child whose answers must not be mixed with what a library prints. */
int hub_claim_output(void);

#ifdef __cplusplus
}
#endif
#endif
