// Kernels that are wrong on purpose. The emulator or a sanitizer must find each fault. One more is
// planted_race, among the probes. `out` holds a word for each thread.
#include "../../src/include/words.cuh"

// Writes one word too far.
extern "C" __global__ void planted_overflow(u64* __restrict__ out)
{
    out[threadIdx.x + 1] = threadIdx.x;
}

// Reads one word beyond shared memory, which has a word for each thread.
extern "C" __global__ void planted_shared_overflow(u64* __restrict__ out)
{
    LAUNCH_SHARED(shared);
    shared[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = shared[threadIdx.x + 1];
}

// Shifts by as many bits as a word has.
extern "C" __global__ void planted_shift(u64* __restrict__ out)
{
    out[threadIdx.x] = out[threadIdx.x] << (64 + threadIdx.x);
}

// Threads of one block wait at two barriers.
extern "C" __global__ void planted_divergence(u64* __restrict__ out)
{
    if (threadIdx.x % 2 == 0) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = 1;
}

// A thread ends while the others wait for it.
extern "C" __global__ void planted_deadlock(u64* __restrict__ out)
{
    if (threadIdx.x != 7) {
        __syncthreads();
        out[threadIdx.x] = 1;
    }
}
