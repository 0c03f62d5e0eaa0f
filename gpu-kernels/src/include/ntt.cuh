// The negacyclic transform of one block by a team of 256 threads: evaluation k is the value at omega^(2 bitrev(k) + 1).
//
// A team's thread t holds eight values in registers. In coefficient form they are the coefficients t + 256 e, in
// evaluation form the evaluations 8 t + e. In between the values pass through shared memory, in which each radix pass
// reads and writes the same places, so that one barrier between passes suffices.
//
// Stage s = 0..10 pairs values at distance 2^(10 - s). Stages 0 to 2 use the 4th, 8th and 16th roots of unity, which
// are powers of two: omega^64 = 8. With omega^1024 = 2^48 the twiddle of entry i is 2^(3 bitrev(i) / 64).
#pragma once

#include "field.cuh"

// Words of shared memory of a team: a word more after every 16, to spread strides over the banks.
#define TEAM_WORDS (DEGREE + DEGREE / 16)

__device__ __forceinline__ u32 padded(u32 position)
{
    return position + (position >> 4);
}

// Exponent of two of the twiddle at entry 1 to 7.
__device__ __forceinline__ u32 twiddle_exponent(u32 entry)
{
    return entry == 1 ? 48 : entry == 2 ? 24 : entry == 3 ? 72 : entry == 4 ? 12 : entry == 5 ? 60 : entry == 6 ? 36 : 84;
}

// PASS stages from stage FIRST on the 2^PASS values of one group, lazy -> lazy: (x, y) -> (x + w y, x - w y).
template <u32 FIRST, u32 PASS>
__device__ __forceinline__ void forward_pass(u64* values, u32 group, const u64* __restrict__ twiddles)
{
#pragma unroll
    for (u32 stage = 0; stage < PASS; ++stage) {
        const u32 distance = 1u << (PASS - 1 - stage);
#pragma unroll
        for (u32 pair = 0; pair < 1u << (PASS - 1); ++pair) {
            const u32 run = pair / distance;
            const u32 low = run * 2 * distance + pair % distance;
            const u32 entry = (1u << (FIRST + stage)) + (group << stage) + run;
            const u64 x = values[low];
            const u64 y = values[low + distance];
            const u64 product = FIRST == 0 ? multiply_by_power(y, twiddle_exponent(entry)) : multiply(y, __ldg(twiddles + entry));
            const u64 term = canonical(product);
            values[low] = add_lazy(x, term);
            values[low + distance] = subtract_lazy(x, term);
        }
    }
}

// Undoes forward_pass but for a factor of 2^PASS, lazy -> lazy: (x, y) -> (x + y, (x - y) / w).
//
// For entries 1 to 7, 1/w = 2^-s = -2^(96 - s), so (x - y) / w = (y - x) 2^(96 - s).
template <u32 FIRST, u32 PASS>
__device__ __forceinline__ void inverse_pass(u64* values, u32 group, const u64* __restrict__ inverse_twiddles)
{
#pragma unroll
    for (u32 step = 0; step < PASS; ++step) {
        const u32 stage = PASS - 1 - step;
        const u32 distance = 1u << step;
#pragma unroll
        for (u32 pair = 0; pair < 1u << (PASS - 1); ++pair) {
            const u32 run = pair / distance;
            const u32 low = run * 2 * distance + pair % distance;
            const u32 entry = (1u << (FIRST + stage)) + (group << stage) + run;
            const u64 x = values[low];
            const u64 y = values[low + distance];
            if (FIRST == 0) {
                const u64 minuend = y;
                const u64 term = canonical(x);
                values[low] = add_lazy(minuend, term);
                values[low + distance] = multiply_by_power(subtract_lazy(minuend, term), 96 - twiddle_exponent(entry));
            } else {
                const u64 term = canonical(y);
                values[low] = add_lazy(x, term);
                values[low + distance] = multiply(subtract_lazy(x, term), __ldg(inverse_twiddles + entry));
            }
        }
    }
}

// Position of value `element` of radix group `index` in a pass of PASS stages from stage FIRST.
template <u32 FIRST, u32 PASS>
__device__ __forceinline__ u32 pass_position(u32 index, u32 element)
{
    const u32 log_stride = LOG_DEGREE - FIRST - PASS;
    const u32 group = index >> log_stride;
    const u32 offset = index & ((1u << log_stride) - 1);
    return (group << (LOG_DEGREE - FIRST)) + (element << log_stride) + offset;
}

// A pass from shared memory to shared memory, or to or from the thread's registers at an end.
template <u32 FIRST, u32 PASS>
__device__ __forceinline__ void load_group(const u64* shared, u32 index, u64* values)
{
#pragma unroll
    for (u32 element = 0; element < 1u << PASS; ++element) {
        values[element] = shared[padded(pass_position<FIRST, PASS>(index, element))];
    }
}

template <u32 FIRST, u32 PASS>
__device__ __forceinline__ void store_group(u64* shared, u32 index, const u64* values)
{
#pragma unroll
    for (u32 element = 0; element < 1u << PASS; ++element) {
        shared[padded(pass_position<FIRST, PASS>(index, element))] = values[element];
    }
}

// values: coefficients t + 256 e, lazy -> evaluations 8 t + e, canonical, for the thread t of the team.
//
// Every thread of the block calls it together. `shared` is the team's TEAM_WORDS words, free before and after a barrier.
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
        const u32 index = t + half * TEAM;
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

// values: evaluations 8 t + e, lazy -> coefficients t + 256 e, canonical. Otherwise as forward_transform.
//
// The factor 1/N = 2^-11 is -2^85, as 2^96 = -1.
__device__ __forceinline__ void inverse_transform(u64* values, u32 t, u64* shared, const u64* __restrict__ inverse_twiddles)
{
    inverse_pass<8, 3>(values, t, inverse_twiddles);
    store_group<8, 3>(shared, t, values);
    __syncthreads();
#pragma unroll
    for (u32 half = 0; half < 2; ++half) {
        u64 four[4];
        const u32 index = t + half * TEAM;
        load_group<6, 2>(shared, index, four);
        inverse_pass<6, 2>(four, index >> 3, inverse_twiddles);
        store_group<6, 2>(shared, index, four);
    }
    __syncthreads();
    load_group<3, 3>(shared, t, values);
    inverse_pass<3, 3>(values, t >> 5, inverse_twiddles);
    store_group<3, 3>(shared, t, values);
    __syncthreads();
    load_group<0, 3>(shared, t, values);
    inverse_pass<0, 3>(values, 0, inverse_twiddles);
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        values[e] = subtract(0, canonical(multiply_by_power(values[e], 85)));
    }
}
