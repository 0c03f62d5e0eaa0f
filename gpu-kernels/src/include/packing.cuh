// Words of `width` bits, 32 to 63, packed without gaps: word k is bits [k width, (k + 1) width) of little-endian u64s.
#pragma once

#include "field.cuh"

// Word k. Reads no word beyond the one in which the last bit of word k lies.
__device__ __forceinline__ u64 unpack(const u64* __restrict__ packed, u32 width, u64 k)
{
    const u64 bit = k * width;
    const u64* const words = packed + (bit >> 6);
    const u32 shift = static_cast<u32>(bit & 63);
    u64 word = words[0] >> shift;
    if (shift + width > 64) {
        // shift > 1, as the width is below 64.
        word |= words[1] << (64 - shift);
    }
    return word & ((1ULL << width) - 1);
}

// The largest word v with v 2^(64 - width) < q.
__device__ __forceinline__ u64 largest_word(u32 width)
{
    return (MODULUS - 1) >> (64 - width);
}
