// Sums and maxima over the threads of a block.
#pragma once

#include "field.cuh"

// Sum mod q of a canonical value of each thread, valid in the first thread. All threads of the
// block call it together. The block has whole warps. `warp_sums` is 32 words of shared memory,
// free before and after a barrier.
__device__ __forceinline__ u64 block_sum(u64 value, u32 thread, u32 threads, u64* warp_sums)
{
    for (u32 distance = 16; distance > 0; distance /= 2) {
        value = add(value, __shfl_xor_sync(0xffffffffu, value, distance));
    }
    if (thread % 32 == 0) {
        warp_sums[thread / 32] = value;
    }
    __syncthreads();
    if (thread == 0) {
        for (u32 warp = 1; warp < threads / 32; ++warp) {
            value = add(value, warp_sums[warp]);
        }
    }
    return value;
}
