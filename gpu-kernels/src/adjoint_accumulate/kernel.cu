// Sums of adjoint(a_j) r_j: forward transform, expansion and product fused. Each block of threads
// adds up the products of its polynomials in registers and writes one partial sum. Launch: one team
// of 256 threads with TEAM_WORDS of shared memory.
#include "../include/expand.cuh"

// values: coefficients t + 256 e of r, canonical -> evaluations 8 t + e of adjoint(a_index) r,
// canonical. The mask is expanded after the transform, because the transform then needs no
// registers.
//
// `shared` is free before and afterwards: the expansion's barrier follows the last reads of the
// transform.
__device__ __forceinline__ void adjoint_product(u64* values, const StreamKey& stream, u64 index, u32 t, u64* shared,
                                                const u64* __restrict__ twiddles)
{
    forward_transform(values, t, shared, twiddles);
    u64 mask[EIGHT];
    expand_adjoint(mask, stream, index, t, shared);
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        values[e] = canonical(multiply(mask[e], values[e]));
    }
}

extern "C" __global__ void __launch_bounds__(256)
    adjoint_accumulate(StreamKey stream, u64 first, const u64* __restrict__ blocks, u64 count,
                       u64* __restrict__ partial_sums, const u64* __restrict__ twiddles)
{
    LAUNCH_SHARED(shared);
    const u32 t = threadIdx.x;
    u64 sums[EIGHT] = {};
    for (u64 block = blockIdx.x; block < count; block += gridDim.x) {
        u64 values[EIGHT];
#pragma unroll
        for (u32 e = 0; e < EIGHT; ++e) {
            values[e] = blocks[block * DEGREE + t + TEAM * e];
        }
        adjoint_product(values, stream, first + block, t, shared, twiddles);
#pragma unroll
        for (u32 e = 0; e < EIGHT; ++e) {
            sums[e] = add(sums[e], values[e]);
        }
    }
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        partial_sums[static_cast<u64>(blockIdx.x) * DEGREE + EIGHT * t + e] = sums[e];
    }
}
