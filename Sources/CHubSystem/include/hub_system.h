/* What the hub needs from C: memory ordering on mapped files, CRC32C, and Linux calls that Swift does not import well.
 *
 * Nothing here keeps state; every function may be called from any thread. Functions that can fail answer -1 (or NULL)
 * and leave the reason in errno.
 */
#ifndef HUB_SYSTEM_H
#define HUB_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- memory ordering -------------------------------------------------------------------------------------------- */

/* Stores a 64-bit word after everything written before it has become visible: the commit word of a record. */
static inline void hub_store_release_u64(void *address, uint64_t value) {
    __atomic_store_n((uint64_t *)address, value, __ATOMIC_RELEASE);
}

/* Loads a 64-bit word; everything stored before the matching release is then visible. */
static inline uint64_t hub_load_acquire_u64(const void *address) {
    return __atomic_load_n((const uint64_t *)address, __ATOMIC_ACQUIRE);
}

/* ---- checksums -------------------------------------------------------------------------------------------------- */

/* CRC32C (Castagnoli polynomial, RFC 3720 appendix B.4), with the processor's instruction where there is one. Begin
 * with 0; give the result of one part as `crc` of the next. */
uint32_t hub_crc32c(uint32_t crc, const void *bytes, size_t count);

/* The same from a table: what processors without the instruction use, and what tests compare with. */
uint32_t hub_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/* ---- mapped files ----------------------------------------------------------------------------------------------- */

/* Maps `count` bytes of a file from its start, shared. */
void *hub_map_file(int descriptor, size_t count, int writable);

/* Brings every page of a shared writable mapping into memory, ready to be written without a fault. */
int hub_populate_for_writing(void *bytes, size_t count);

/* A file in memory without a name, closed on exec. */
int hub_ring_file(const char *label);

/* Allocates `count` bytes of a file, so that writing into its mapping never meets a full disk. Answers 0 or an errno
 * value; calls interrupted by a signal are repeated. */
int hub_allocate(int descriptor, int64_t count);

/* Number of bytes up to the last one that is not zero, rounded up to 8; `count` is a multiple of 8. */
size_t hub_used_bytes(const void *bytes, size_t count);

/* Makes all bytes zero, touching only pages that are not: 1 something was changed, 0 all was zero already. `bytes` and
 * `count` are multiples of 8. */
int hub_zero(void *bytes, size_t count);

/* Bytes of a folder's file system that this process may still take; -1 on failure. */
int64_t hub_free_bytes(const char *path);

/* Takes an exclusive lock on an open file, without waiting: 1 taken, 0 held by another, -1 failure. */
int hub_try_lock(int descriptor);

/* ---- waking ----------------------------------------------------------------------------------------------------- */

/* An event counter (eventfd), not blocking, closed on exec. */
int hub_event_open(void);

/* Wakes whoever waits on it. Never blocks. */
void hub_event_signal(int descriptor);

/* Takes back all signals so far. */
void hub_event_drain(int descriptor);

/* Waits for a signal: 1 it came, 0 the time is over, -1 failure. Negative `timeout_ms` waits without end. A call that a signal
 * of the system interrupts answers 0. */
int hub_event_wait(int descriptor, int timeout_ms);

/* The same in nanoseconds, for those who wait for less than a millisecond. */
int hub_event_wait_ns(int descriptor, int64_t timeout_ns);

/* ---- threads ---------------------------------------------------------------------------------------------------- */

/* Names the calling thread, as `top -H` and debuggers show it; cut to 15 bytes. */
void hub_name_thread(const char *name);

#ifdef __cplusplus
}
#endif
#endif
