#pragma once

#include <stdint.h>

/// What happens at a step.
enum faulty_disk_fault {
    /// Nothing: the steps are counted.
    FAULTY_DISK_NONE = 0,
    /// The process is killed before it.
    FAULTY_DISK_KILL = 1,
    /// The process is killed in the middle of it: a write has written half.
    FAULTY_DISK_TEAR = 2,
    /// From then on the disk is full: what needs more room fails.
    FAULTY_DISK_FULL = 3,
};

/// From here on every call of this process that changes files in the folder is a step, whoever makes it: write, truncate, sync,
/// rename, remove, make. The first one is 1.
void faulty_disk_watch(const char *folder, int fault, int64_t step);
/// How many steps there were.
int64_t faulty_disk_steps(void);
/// Whether anything has failed for want of room.
int faulty_disk_was_full(void);
/// There is room again.
void faulty_disk_make_room(void);
