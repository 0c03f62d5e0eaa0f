// The last step of an operation that sums over polynomials. It adds up the partial sums that the
// blocks of threads have written.
#include "../include/field.cuh"

// sums_k = the sum over p < count of partial_sums_(p length + k), canonical. Launch: a block of
// threads along x, whole warps, for each 32 sums. Each of its warps adds up a share of the terms.
extern "C" __global__ void add_partial_sums(const u64* __restrict__ partial_sums, u64 count, u64 length,
                                            u64* __restrict__ sums)
{
    __shared__ u64 shares[32][32];
    const u32 lane = threadIdx.x % 32;
    const u32 warp = threadIdx.x / 32;
    const u32 warps = blockDim.x / 32;
    const u64 k = static_cast<u64>(blockIdx.x) * 32 + lane;
    u64 sum = 0;
    if (k < length) {
#pragma unroll 8
        for (u64 p = warp; p < count; p += warps) {
            sum = add_lazy(sum, partial_sums[p * length + k]);
        }
    }
    shares[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && k < length) {
        for (u32 other = 1; other < warps; ++other) {
            sum = add_lazy(sum, canonical(shares[other][lane]));
        }
        sums[k] = canonical(sum);
    }
}
