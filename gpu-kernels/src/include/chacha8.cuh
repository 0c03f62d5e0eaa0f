// ChaCha8 as RFC 8439 lays out its state: key, block counter, and the nonce `u64 index || u32
// purpose`.
#pragma once

#include "words.cuh"

// The purposes of lattice::expand::Purpose that kernels use.
#define PURPOSE_MASK_POLYNOMIAL 0
#define PURPOSE_PROJECTION 5

__device__ __forceinline__ u32 rotate_left(u32 x, u32 bits)
{
    return x << bits | x >> (32 - bits);
}

__device__ __forceinline__ void quarter_round(u32& a, u32& b, u32& c, u32& d)
{
    a += b;
    d = rotate_left(d ^ a, 16);
    c += d;
    b = rotate_left(b ^ c, 12);
    a += b;
    d = rotate_left(d ^ a, 8);
    c += d;
    b = rotate_left(b ^ c, 7);
}

// Block `counter` of the stream, 16 words.
__device__ __forceinline__ void chacha8(const StreamKey& key, u32 counter, u64 index, u32 purpose, u32* block)
{
    const u32 initial[16] = {
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key.words[0], key.words[1], key.words[2], key.words[3],
        key.words[4], key.words[5], key.words[6], key.words[7],
        counter, static_cast<u32>(index), static_cast<u32>(index >> 32), purpose,
    };
#pragma unroll
    for (u32 i = 0; i < 16; ++i) {
        block[i] = initial[i];
    }
#pragma unroll
    for (u32 round = 0; round < 4; ++round) {
        quarter_round(block[0], block[4], block[8], block[12]);
        quarter_round(block[1], block[5], block[9], block[13]);
        quarter_round(block[2], block[6], block[10], block[14]);
        quarter_round(block[3], block[7], block[11], block[15]);
        quarter_round(block[0], block[5], block[10], block[15]);
        quarter_round(block[1], block[6], block[11], block[12]);
        quarter_round(block[2], block[7], block[8], block[13]);
        quarter_round(block[3], block[4], block[9], block[14]);
    }
#pragma unroll
    for (u32 i = 0; i < 16; ++i) {
        block[i] += initial[i];
    }
}
