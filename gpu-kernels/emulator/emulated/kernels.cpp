// The kernels' own text, compiled as C++, and their launch by name with the arguments as cuLaunchKernel takes them.
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
    KERNEL(forward_blocks)
    KERNEL(inverse_blocks)
    KERNEL(multiply_accumulate)
    KERNEL(add_packed)
    KERNEL(inner_product)
    KERNEL(mask_product)
    KERNEL(unmask)
    KERNEL(adjoint_accumulate)
    KERNEL(add_partial_sums)
    KERNEL(project)
    KERNEL(fold_rows)
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

// Runs a kernel to its end. 0 when all went well, 1 when there is none of this name, 2 when it is wrong, with the reason in
// `reason`.
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
