// The removal of masks from a sum: a_j is expanded, multiplied with the key's evaluations and
// transformed back without leaving the chip. Launch as in forward/kernel.cu.
#include "../include/expand.cuh"

// values: coefficients t + 256 e of a_index key, canonical.
__device__ __forceinline__ void masked_key(u64* values, const StreamKey& stream, u64 index, const u64* __restrict__ key,
                                           u32 t, u64* shared, const u64* __restrict__ inverse_twiddles)
{
    expand_mask(values, stream, index, t, shared);
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        values[e] = multiply(values[e], __ldg(key + EIGHT * t + e));
    }
    inverse_transform(values, t, shared, inverse_twiddles);
}

// words V of a sum, any u64 -> rounded sums in place, as i64. With y = 2^tau V - mask mod q centred
// in (-q/2, q/2]: sum = floor((y + 2^(delta - 1)) / 2^delta), and `largest_residual` becomes at
// least every |y - 2^delta sum|. tau in [1, 32], delta in [1, 62].
extern "C" __global__ void __launch_bounds__(512)
    unmask(StreamKey stream, u64 first, const u64* __restrict__ key, u64* __restrict__ words, u64 count, u32 tau, u32 delta,
           u64* largest_residual, const u64* __restrict__ inverse_twiddles)
{
    LAUNCH_SHARED(shared);
    const u64 block = static_cast<u64>(blockIdx.x) * blockDim.y + threadIdx.y;
    const u32 t = threadIdx.x;
    u64 masks[EIGHT];
    masked_key(masks, stream, first + block, key, t, shared + threadIdx.y * TEAM_WORDS, inverse_twiddles);
    u64 largest = 0;
    if (block < count) {
        u64* const place = words + block * DEGREE;
#pragma unroll
        for (u32 e = 0; e < EIGHT; ++e) {
            const u64 word = place[t + TEAM * e];
            const u64 shifted = canonical(reduce_wide(word << tau, word >> (64 - tau)));
            const u64 difference = subtract(shifted, masks[e]);
            const i64 y = static_cast<i64>(difference - (difference > MODULUS / 2 ? MODULUS : 0));
            const i64 round_up = (y >> (delta - 1)) & 1;
            place[t + TEAM * e] = static_cast<u64>((y >> delta) + round_up);
            const i64 residual = (y & ((1LL << delta) - 1)) - (round_up << delta);
            const u64 magnitude = static_cast<u64>(residual < 0 ? -residual : residual);
            largest = largest > magnitude ? largest : magnitude;
        }
    }
    for (u32 distance = 16; distance > 0; distance /= 2) {
        const u64 other = __shfl_xor_sync(0xffffffffu, largest, distance);
        largest = largest > other ? largest : other;
    }
    if (t % 32 == 0) {
        atomicMax(largest_residual, largest);
    }
}
