// The negacyclic transform of one block by a team of 256 threads: evaluation k is the value at
// omega^(2 bitrev(k) + 1).
//
// A team's thread t holds eight values in registers. In coefficient form they are the coefficients
// t + 256 e, in evaluation form the evaluations 8 t + e. In between the values pass through shared
// memory. Each pass reads and writes the same positions there, so one barrier between passes is
// enough.
//
// A pass splits each polynomial mod X^(n m) - c, with n = 4 or 8, into n polynomials mod X^m - r
// z^j. Here r^n = c, and the z^j are the n-th roots of unity. The pass multiplies the coefficients
// of X^(e m) by r^e and transforms each n values. The roots of unity are powers of two, because
// 2^96 = -1. So a multiplication by one of them costs two shifts and a subtraction. Sums of
// products stay wide within a pass, and each value is reduced once at its end. The first pass has c
// = -1 = 2^96, so r = 2^12.
//
// FIRST counts the levels before a pass. Each level doubles the number of polynomials, so the pass
// splits 2^FIRST of them, its groups. Three passes have n = 8, and one has n = 4.
#pragma once

#include "field.cuh"

// Words of shared memory of a team. One extra word after every 16 spreads strides over the banks.
#define TEAM_WORDS (DEGREE + DEGREE / 16)

__device__ __forceinline__ u32 padded(u32 position)
{
    return position + (position >> 4);
}

// 16 (2^96 + 1), a multiple of q. Subtracting it from the first value of a pass subtracts it from
// each result. This makes the results negative, as narrow needs them: inputs are at most 2^96 +
// 2^32 in magnitude, and three doublings and shifts keep them below 2^100.
#define WIDE_MULTIPLE ((static_cast<i128>(1) << 100) + 16)

// Values times r^e -> their transform in bit-reversed order, by decimation in frequency.
template <u32 LEVELS>
__device__ __forceinline__ void forward_butterflies(i128* wide)
{
    wide[0] -= WIDE_MULTIPLE;
#pragma unroll
    for (u32 level = 0; level < LEVELS; ++level) {
        const u32 distance = 1u << (LEVELS - 1 - level);
#pragma unroll
        for (u32 pair = 0; pair < 1u << (LEVELS - 1); ++pair) {
            const u32 offset = pair % distance;
            const u32 low = pair / distance * 2 * distance + offset;
            const i128 x = wide[low];
            const i128 y = wide[low + distance];
            wide[low] = x + y;
            wide[low + distance] = offset == 0 ? x - y : multiply_by_power(x - y, offset * 96 / distance);
        }
    }
}

// Undoes forward_butterflies, except for a factor of 2^LEVELS. The inverse of 2^s is -2^(96 - s).
template <u32 LEVELS>
__device__ __forceinline__ void inverse_butterflies(i128* wide)
{
    wide[0] -= WIDE_MULTIPLE;
#pragma unroll
    for (u32 level = 0; level < LEVELS; ++level) {
        const u32 distance = 1u << level;
#pragma unroll
        for (u32 pair = 0; pair < 1u << (LEVELS - 1); ++pair) {
            const u32 offset = pair % distance;
            const u32 low = pair / distance * 2 * distance + offset;
            const i128 x = wide[low];
            const i128 y = wide[low + distance];
            const i128 minus_y = offset == 0 ? -y : multiply_by_power(y, 96 - offset * 96 / distance);
            wide[low] = x - minus_y;
            wide[low + distance] = x + minus_y;
        }
    }
}

// Applies the pass of LEVELS levels after the first FIRST to the values of one group. Lazy -> lazy.
//
// Word e 2^FIRST + group of the table is r^e. The words of the passes lie side by side.
template <u32 FIRST, u32 LEVELS>
__device__ __forceinline__ void forward_pass(u64* values, u32 group, const u64* __restrict__ twiddles)
{
    i128 wide[1u << LEVELS] = {values[0]};
#pragma unroll
    for (u32 e = 1; e < 1u << LEVELS; ++e) {
        wide[e] = FIRST == 0 ? multiply_by_power(values[e], 12 * e)
                             : multiply_wide(values[e], __ldg(twiddles + (e << FIRST) + group));
    }
    forward_butterflies<LEVELS>(wide);
#pragma unroll
    for (u32 e = 0; e < 1u << LEVELS; ++e) {
        values[e] = narrow(wide[e]);
    }
}

// Position of value `element` of radix group `index` in the pass of LEVELS levels after the first
// FIRST.
template <u32 FIRST, u32 LEVELS>
__device__ __forceinline__ u32 pass_position(u32 index, u32 element)
{
    const u32 log_stride = LOG_DEGREE - FIRST - LEVELS;
    const u32 group = index >> log_stride;
    const u32 offset = index & ((1u << log_stride) - 1);
    return (group << (LOG_DEGREE - FIRST)) + (element << log_stride) + offset;
}

// The groups of four values that thread t handles. The bits 3 to 5 of the index are rotated, so
// that 16 neighbouring threads take two groups whose values lie in different banks.
__device__ __forceinline__ u32 group_of_four(u32 t, u32 half)
{
    return (t & ~0x38u) + (t >> 1 & 0x18) + (t << 2 & 0x20) + half * TEAM;
}

// These two copy the values of a group between shared memory and the thread's registers.
template <u32 FIRST, u32 LEVELS>
__device__ __forceinline__ void load_group(const u64* shared, u32 index, u64* values)
{
#pragma unroll
    for (u32 element = 0; element < 1u << LEVELS; ++element) {
        values[element] = shared[padded(pass_position<FIRST, LEVELS>(index, element))];
    }
}

template <u32 FIRST, u32 LEVELS>
__device__ __forceinline__ void store_group(u64* shared, u32 index, const u64* values)
{
#pragma unroll
    for (u32 element = 0; element < 1u << LEVELS; ++element) {
        shared[padded(pass_position<FIRST, LEVELS>(index, element))] = values[element];
    }
}

// Wide, as a pass leaves them -> lazy.
template <u32 FIRST, u32 LEVELS>
__device__ __forceinline__ void store_narrowed(u64* shared, u32 index, const i128* wide)
{
#pragma unroll
    for (u32 element = 0; element < 1u << LEVELS; ++element) {
        shared[padded(pass_position<FIRST, LEVELS>(index, element))] = narrow(wide[element]);
    }
}

// values: coefficients t + 256 e, lazy -> evaluations 8 t + e, canonical, for the thread t of the
// team.
//
// Every thread of the block calls it together. `shared` is the team's TEAM_WORDS words, free before
// and after a barrier.
__device__ __forceinline__ void forward_transform(u64* values, u32 t, u64* shared, const u64* __restrict__ twiddles)
{
    forward_pass<0, 3>(values, 0, twiddles);
    store_group<0, 3>(shared, t, values);
    __syncthreads();
    load_group<3, 3>(shared, t, values);
    forward_pass<3, 3>(values, t >> 5, twiddles);
    store_group<3, 3>(shared, t, values);
    __syncthreads();
#pragma unroll
    for (u32 half = 0; half < 2; ++half) {
        u64 four[4];
        const u32 index = group_of_four(t, half);
        load_group<6, 2>(shared, index, four);
        forward_pass<6, 2>(four, index >> 3, twiddles);
        store_group<6, 2>(shared, index, four);
    }
    __syncthreads();
    load_group<8, 3>(shared, t, values);
    forward_pass<8, 3>(values, t, twiddles);
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        values[e] = canonical(values[e]);
    }
}

// Loads the values of a group for a pass of the inverse transform. Divides them by the r^e of the
// pass that was undone before. DONE counts the levels up to the end of that pass. Word 2^DONE + k
// of the table is for the positions from k 2^(11 - DONE) on. Lazy -> wide.
template <u32 FIRST, u32 LEVELS, u32 DONE>
__device__ __forceinline__ void load_divided(const u64* shared, u32 index, i128* wide, const u64* __restrict__ inverse_twiddles)
{
#pragma unroll
    for (u32 element = 0; element < 1u << LEVELS; ++element) {
        const u32 position = pass_position<FIRST, LEVELS>(index, element);
        const u64 inverse = __ldg(inverse_twiddles + (1u << DONE) + (position >> (LOG_DEGREE - DONE)));
        wide[element] = multiply_wide(shared[padded(position)], inverse);
    }
}

// Undoes a pass in place, except for a factor of 2^LEVELS and the division by r^e. Lazy -> lazy.
template <u32 FIRST, u32 LEVELS, u32 DONE>
__device__ __forceinline__ void inverse_pass(u64* shared, u32 index, const u64* __restrict__ inverse_twiddles)
{
    i128 wide[1u << LEVELS];
    load_divided<FIRST, LEVELS, DONE>(shared, index, wide, inverse_twiddles);
    inverse_butterflies<LEVELS>(wide);
    store_narrowed<FIRST, LEVELS>(shared, index, wide);
}

// values: evaluations 8 t + e, lazy -> coefficients t + 256 e, canonical. Otherwise like
// forward_transform.
//
// At the end the values must still be divided by r^e = 2^(12 e) and by N = 2^11. A multiplication
// by -2^(85 - 12 e) does both, because 2^96 = -1.
__device__ __forceinline__ void inverse_transform(u64* values, u32 t, u64* shared, const u64* __restrict__ inverse_twiddles)
{
    i128 wide[EIGHT];
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        wide[e] = values[e];
    }
    inverse_butterflies<3>(wide);
    store_narrowed<8, 3>(shared, t, wide);
    __syncthreads();
#pragma unroll
    for (u32 half = 0; half < 2; ++half) {
        inverse_pass<6, 2, 11>(shared, group_of_four(t, half), inverse_twiddles);
    }
    __syncthreads();
    inverse_pass<3, 3, 8>(shared, t, inverse_twiddles);
    __syncthreads();
    load_divided<0, 3, 6>(shared, t, wide, inverse_twiddles);
    inverse_butterflies<3>(wide);
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        values[e] = canonical(narrow(-multiply_by_power(wide[e], 85 - 12 * e)));
    }
}
