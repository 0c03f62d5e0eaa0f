// A stack of its own for each thread, and what the sanitizers must be told when stacks are changed.
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

// Forgets where the fiber stands: it will call main() anew.
void restart(Fiber& fiber, void (*main)());

// The calling thread is the host from now on.
void host_enters();

// From the host to the fiber, and back.
void enter(Fiber& fiber);
void leave(Fiber& fiber);

// Orders what happened before a release of the tag before what happens after an acquire of it, for
// the race detector.
void race_release(void* tag);
void race_acquire(void* tag);

}
