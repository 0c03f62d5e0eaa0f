// Words of `width` bits, 32 to 63, packed without gaps: word k is bits [k width, (k + 1) width) of
// little-endian u64s.
#pragma once

#include "field.cuh"

// The position of a packed word. It begins at bit `shift` of the u64 at `index`. If it `straddles`,
// it ends in the next u64.
struct PackedPlace {
    u64 index;
    u32 shift;
    bool straddles;
};

__device__ __forceinline__ PackedPlace packed_place(u32 width, u64 k)
{
    const u64 bit = k * width;
    const u32 shift = static_cast<u32>(bit & 63);
    return {bit >> 6, shift, shift + width > 64};
}

// The two u64s that hold a packed word. If the word does not straddle, both are the same u64.
struct PackedPair {
    u64 low;
    u64 high;
};

// Reads no u64 beyond the one with the last bit of the word at `place`.
__device__ __forceinline__ PackedPair read_packed(const u64* __restrict__ packed, PackedPlace place)
{
    const u64* const words = packed + place.index;
    return {words[0], words[place.straddles ? 1 : 0]};
}

// The word of `width` bits at `place`, from the result of read_packed.
__device__ __forceinline__ u64 unpack(PackedPair pair, u32 width, PackedPlace place)
{
    // If a word straddles, its shift is above 1, because the width is below 64.
    const u64 word = pair.low >> place.shift | (place.straddles ? pair.high << (64 - place.shift) : 0);
    return word & ((1ULL << width) - 1);
}

// The largest word v with v 2^(64 - width) < q.
__device__ __forceinline__ u64 largest_word(u32 width)
{
    return (MODULUS - 1) >> (64 - width);
}
