// Kernels that are wrong on purpose: what the sanitizers must find.
#include "../../src/include/words.cuh"

// Lacks the barrier between writing and reading shared memory. `out` holds a word for each thread.
extern "C" __global__ void planted_race(u64* __restrict__ out)
{
    LAUNCH_SHARED(shared);
    shared[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

// Writes a word more than there are threads. `out` holds a word for each thread.
extern "C" __global__ void planted_overflow(u64* __restrict__ out)
{
    out[threadIdx.x + 1] = threadIdx.x;
}
