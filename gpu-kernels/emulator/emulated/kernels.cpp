// The text of the kernels, compiled as C++, and their launch by name with arguments as
// cuLaunchKernel takes them.
#include "scheduler.h"

#include <cstdio>
#include <cstring>
#include <utility>

#include "../../src/kernels.cu"

#include "arithmetic.cu"
#include "planted.cu"

namespace {

template <class... Parameters>
struct Call {
    void (*kernel)(Parameters...);
    void** arguments;

    template <size_t... I>
    void unpack(std::index_sequence<I...>) const
    {
        kernel(*static_cast<Parameters*>(arguments[I])...);
    }

    static void enter(void* call)
    {
        static_cast<const Call*>(call)->unpack(std::index_sequence_for<Parameters...>());
    }
};

template <class... Parameters>
bool start(void (*kernel)(Parameters...), void** arguments, const emulator::Launch& launch)
{
    Call<Parameters...> call = {kernel, arguments};
    return emulator::run(&Call<Parameters...>::enter, &call, launch);
}

bool start(const char* name, void** arguments, const emulator::Launch& launch, bool& known)
{
#define KERNEL(kernel) \
    if (strcmp(name, #kernel) == 0) { \
        return start(kernel, arguments, launch); \
    }
    KERNEL(forward)
    KERNEL(inverse)
    KERNEL(add_packed)
    KERNEL(inner_product)
    KERNEL(unmask)
    KERNEL(adjoint_accumulate)
    KERNEL(fold_rows)
    KERNEL(add_partial_sums)
    KERNEL(probe_copy)
    KERNEL(probe_alu)
    KERNEL(probe_multiply)
    KERNEL(test_arithmetic)
    KERNEL(planted_race)
    KERNEL(planted_overflow)
    KERNEL(planted_shared_overflow)
    KERNEL(planted_shift)
    KERNEL(planted_divergence)
    KERNEL(planted_deadlock)
#undef KERNEL
    known = false;
    return false;
}

}

// Runs a kernel to its end. Returns 0 when all went well, 1 when no kernel has this name, and 2
// when the kernel is wrong. `reason` says how.
extern "C" int emulator_launch(const char* name, const unsigned* grid, const unsigned* block, size_t shared_bytes,
                               void** arguments, unsigned long long schedule, char* reason, size_t reason_bytes)
{
    const emulator::Launch launch = {
        {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, shared_bytes, schedule};
    bool known = true;
    if (start(name, arguments, launch, known)) {
        return 0;
    }
    snprintf(reason, reason_bytes, "%s", known ? emulator::last_error() : "there is no such kernel");
    return known ? 2 : 1;
}
