// Runs the threads of a kernel's blocks as fibers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda.h"

namespace emulator {

struct Launch {
    Index grid, block;
    size_t shared_bytes;
    // The order in which threads run between barriers. 0: increasing. 1: increasing and decreasing
    // by turns. Any other value is the seed of a random order that changes after every barrier.
    uint64_t schedule;
};

// Calls entry(argument) once for each thread. False when the kernel is wrong, with the reason in
// last_error().
bool run(void (*entry)(void*), void* argument, const Launch& launch);

const char* last_error();

}
