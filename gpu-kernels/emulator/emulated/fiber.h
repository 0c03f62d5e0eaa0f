// A stack for each thread, and calls that tell the sanitizers of a change of stacks.
#pragma once

#include <cstddef>

namespace emulator {

struct Fiber {
    char* stack;
    void* stack_pointer;
    void* race_fiber;
    void* fake_stack;
};

// A fiber that will call main(), which never returns.
void create(Fiber& fiber, void (*main)());

// Ends the fiber where it stands. It will call main() again.
void restart(Fiber& fiber, void (*main)());

// Makes the calling thread the host.
void host_enters();

// From the host to the fiber, and back.
void enter(Fiber& fiber);
void leave(Fiber& fiber);

// For the race detector: all work before a release of the tag comes before all work after an
// acquire of it.
void race_release(void* tag);
void race_acquire(void* tag);

}
