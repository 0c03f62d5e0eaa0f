// Inner products mod q of canonical vectors: one partial sum for each block of threads. Whole warps
// along x.
#include "../include/reduction.cuh"

// Words of each vector that a thread reads together. Only many reads in flight keep the memory
// busy.
#define READS 4

extern "C" __global__ void inner_product(const u64* __restrict__ lhs, const u64* __restrict__ rhs, u64 length,
                                         u64* __restrict__ partial_sums)
{
    __shared__ u64 warp_sums[32];
    const u64 step = static_cast<u64>(gridDim.x) * blockDim.x;
    u64 k = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x;
    u64 sum = 0;
    for (; k + (READS - 1) * step < length; k += READS * step) {
        u64 left[READS];
        u64 right[READS];
#pragma unroll
        for (u32 i = 0; i < READS; ++i) {
            left[i] = lhs[k + i * step];
            right[i] = rhs[k + i * step];
        }
#pragma unroll
        for (u32 i = 0; i < READS; ++i) {
            sum = add_lazy(sum, canonical(multiply(left[i], right[i])));
        }
    }
    for (; k < length; k += step) {
        sum = add_lazy(sum, canonical(multiply(lhs[k], rhs[k])));
    }
    sum = block_sum(canonical(sum), threadIdx.x, blockDim.x, warp_sums);
    if (threadIdx.x == 0) {
        partial_sums[blockIdx.x] = sum;
    }
}
