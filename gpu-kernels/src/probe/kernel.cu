// Probes of a card's highest rates of copying, adding and multiplying. The times of the other
// kernels are compared with them. There is also a fault that a sanitizer must find. Any launch
// along x.
#include "../include/words.cuh"

// Independent operations of a thread that are in flight together.
#define CHAINS 8

extern "C" __global__ void probe_copy(u64* __restrict__ to, const u64* __restrict__ from, u64 length)
{
    const u64 step = static_cast<u64>(gridDim.x) * blockDim.x;
    u64 k = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; k + (CHAINS - 1) * step < length; k += CHAINS * step) {
        u64 words[CHAINS];
#pragma unroll
        for (u32 i = 0; i < CHAINS; ++i) {
            words[i] = from[k + i * step];
        }
#pragma unroll
        for (u32 i = 0; i < CHAINS; ++i) {
            to[k + i * step] = words[i];
        }
    }
    for (; k < length; k += step) {
        to[k] = from[k];
    }
}

// 2 CHAINS rounds operations of 32 bits in each thread, shifts and logic, which only one pipe does.
// (The compiler would give half of a run of additions to the pipe of multiplications.) `out` holds
// a word for each thread.
extern "C" __global__ void probe_alu(u64* __restrict__ out, u32 rounds, u32 operand)
{
    const u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    u32 chains[CHAINS];
#pragma unroll
    for (u32 i = 0; i < CHAINS; ++i) {
        chains[i] = thread + i;
    }
    for (u32 round = 0; round < rounds; ++round) {
#pragma unroll
        for (u32 i = 0; i < CHAINS; ++i) {
            chains[i] = (chains[i] << 7 | chains[i] >> 25) ^ operand;
        }
    }
    u64 sum = 0;
#pragma unroll
    for (u32 i = 0; i < CHAINS; ++i) {
        sum += chains[i];
    }
    out[thread] = sum;
}

// CHAINS rounds multiplications with addition of 32 bits in each thread. `out` holds a word for
// each thread.
extern "C" __global__ void probe_multiply(u64* __restrict__ out, u32 rounds, u32 operand)
{
    const u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    u32 chains[CHAINS];
#pragma unroll
    for (u32 i = 0; i < CHAINS; ++i) {
        chains[i] = thread + i;
    }
    for (u32 round = 0; round < rounds; ++round) {
#pragma unroll
        for (u32 i = 0; i < CHAINS; ++i) {
            chains[i] = chains[i] * operand + thread;
        }
    }
    u64 sum = 0;
#pragma unroll
    for (u32 i = 0; i < CHAINS; ++i) {
        sum += chains[i];
    }
    out[thread] = sum;
}

// Wrong on purpose, for sanitizers of races to find: it lacks the barrier between writing and
// reading shared memory. `out` and the shared memory of the launch hold a word for each thread of
// its one block.
extern "C" __global__ void planted_race(u64* __restrict__ out)
{
    LAUNCH_SHARED(shared);
    shared[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}
