#include "fiber.h"

#include <cstdlib>
#include <sys/mman.h>

#ifndef __x86_64__
#include <ucontext.h>
#endif

// The race detector follows fibers, although it does not instrument this file. EMULATOR_RACES says
// that it is present.
#ifdef EMULATOR_RACES
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif
#ifdef __SANITIZE_ADDRESS__
extern "C" {
void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, size_t size);
void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, size_t* size);
}
#endif

namespace emulator {

namespace {

constexpr size_t STACK_BYTES = 256 * 1024;
constexpr size_t GUARD_BYTES = 4096;

void* host_pointer;
#ifdef EMULATOR_RACES
void* host_race_fiber;
#endif
#ifdef __SANITIZE_ADDRESS__
void* host_fake_stack;
const void* host_stack;
size_t host_stack_bytes;
#endif
void (*start_main)();

void first_entry()
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &host_stack, &host_stack_bytes);
#endif
    start_main();
    abort();
}

#ifdef __x86_64__

// Saves the registers that a call preserves on the old stack, saves its pointer in *from, and
// continues where `to` was saved.
extern "C" void emulator_switch(void** from, void* to);
asm(R"(
.text
.globl emulator_switch
.hidden emulator_switch
.type emulator_switch,@function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emulator_switch,.-emulator_switch
)");

void* fresh_pointer(Fiber& fiber)
{
    // A function is entered with the stack pointer 8 below a multiple of 16.
    void** top = reinterpret_cast<void**>(fiber.stack + STACK_BYTES);
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(first_entry);
    for (int saved = 0; saved < 6; ++saved) {
        *--top = nullptr;
    }
    return top;
}

void change(void** from, void* to)
{
    emulator_switch(from, to);
}

#else

void* fresh_pointer(Fiber& fiber)
{
    // Kept at the low end of the stack, beside the guard.
    ucontext_t* const context = reinterpret_cast<ucontext_t*>(fiber.stack);
    getcontext(context);
    context->uc_stack.ss_sp = fiber.stack + sizeof(ucontext_t);
    context->uc_stack.ss_size = STACK_BYTES - sizeof(ucontext_t);
    context->uc_link = nullptr;
    makecontext(context, first_entry, 0);
    return context;
}

ucontext_t host_context;

void change(void** from, void* to)
{
    if (*from == nullptr) {
        *from = &host_context;
    }
    swapcontext(static_cast<ucontext_t*>(*from), static_cast<ucontext_t*>(to));
}

#endif

}

void create(Fiber& fiber, void (*main)())
{
    const int protection = PROT_READ | PROT_WRITE;
    void* const memory = mmap(nullptr, STACK_BYTES + GUARD_BYTES, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD_BYTES, PROT_NONE) != 0) {
        abort();
    }
    fiber.stack = static_cast<char*>(memory) + GUARD_BYTES;
#ifdef EMULATOR_RACES
    fiber.race_fiber = __tsan_create_fiber(0);
#endif
    restart(fiber, main);
}

void restart(Fiber& fiber, void (*main)())
{
    start_main = main;
    fiber.fake_stack = nullptr;
    fiber.stack_pointer = fresh_pointer(fiber);
}

void host_enters()
{
#ifdef EMULATOR_RACES
    host_race_fiber = __tsan_get_current_fiber();
#endif
}

void enter(Fiber& fiber)
{
#ifdef EMULATOR_RACES
    __tsan_switch_to_fiber(fiber.race_fiber, 1);
#endif
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&host_fake_stack, fiber.stack, STACK_BYTES);
#endif
    change(&host_pointer, fiber.stack_pointer);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(host_fake_stack, nullptr, nullptr);
#endif
}

void leave(Fiber& fiber)
{
#ifdef EMULATOR_RACES
    __tsan_switch_to_fiber(host_race_fiber, 1);
#endif
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&fiber.fake_stack, host_stack, host_stack_bytes);
#endif
    change(&fiber.stack_pointer, host_pointer);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fiber.fake_stack, &host_stack, &host_stack_bytes);
#endif
}

void race_release(void* tag)
{
#ifdef EMULATOR_RACES
    __tsan_release(tag);
#else
    static_cast<void>(tag);
#endif
}

void race_acquire(void* tag)
{
#ifdef EMULATOR_RACES
    __tsan_acquire(tag);
#else
    static_cast<void>(tag);
#endif
}

}
