// Runs the threads of a kernel's blocks as fibers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda.h"

namespace emulator {

struct Launch {
    Index grid, block;
    size_t shared_bytes;
    // 0: threads run in increasing order between barriers; 1: in turns of increasing and decreasing
    // order; any other: in a random order that changes after every barrier, from this seed.
    uint64_t schedule;
};

// Calls entry(argument) once for each thread. False when the kernel is wrong, with the reason in
// last_error().
bool run(void (*entry)(void*), void* argument, const Launch& launch);

const char* last_error();

}
