// Mask polynomials: the first 2048 words of a stream. Words that are not below q are replaced in
// increasing order. The replacements are the next words after the 2048 that are below q.
#pragma once

#include "chacha8.cuh"
#include "field.cuh"
#include "ntt.cuh"

// Blocks of the stream that hold the first 2048 words: one for each thread of the team.
#define MASK_STREAM_BLOCKS (DEGREE / EIGHT)

// Replaces the words of `shared` (padded positions) that are not canonical. One thread.
__device__ inline void replace_refused(u64* shared, const StreamKey& key, u64 index)
{
    u32 block[16];
    u32 counter = MASK_STREAM_BLOCKS;
    u32 used = EIGHT;
    for (u32 position = 0; position < DEGREE; ++position) {
        u64 word = shared[padded(position)];
        while (word >= MODULUS) {
            if (used == EIGHT) {
                chacha8(key, counter, index, PURPOSE_MASK_POLYNOMIAL, block);
                counter += 1;
                used = 0;
            }
            word = static_cast<u64>(block[2 * used + 1]) << 32 | block[2 * used];
            used += 1;
        }
        shared[padded(position)] = word;
    }
}

// values: evaluations 8 t + e of a_index, canonical, for the thread t of the team.
//
// Every thread of the block calls it together. `shared` is the team's TEAM_WORDS words, free before
// and after a barrier.
__device__ __forceinline__ void expand_mask(u64* values, const StreamKey& key, u64 index, u32 t, u64* shared)
{
    u32 block[16];
    chacha8(key, t, index, PURPOSE_MASK_POLYNOMIAL, block);
    int refused = 0;
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        values[e] = static_cast<u64>(block[2 * e + 1]) << 32 | block[2 * e];
        refused |= values[e] >= MODULUS;
    }
    // One word in 2^32 is refused.
    if (__syncthreads_or(refused)) {
        store_group<8, 3>(shared, t, values);
        __syncthreads();
        if (t == 0) {
            replace_refused(shared, key, index);
        }
        __syncthreads();
        load_group<8, 3>(shared, t, values);
        __syncthreads();
    }
}

// values: evaluations 8 t + e of adjoint(a_index). They are the evaluations of a_index in reverse,
// because complementing k inverts the odd powers of omega. Otherwise like expand_mask.
__device__ __forceinline__ void expand_adjoint(u64* values, const StreamKey& key, u64 index, u32 t, u64* shared)
{
    u64 mirrored[EIGHT];
    expand_mask(mirrored, key, index, TEAM - 1 - t, shared);
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        values[e] = mirrored[EIGHT - 1 - e];
    }
}
