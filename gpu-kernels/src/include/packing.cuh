// Words of `width` bits, 32 to 63, packed without gaps: word k is bits [k width, (k + 1) width) of
// little-endian u64s.
#pragma once

#include "field.cuh"

// Where a word of packed words lies: in the u64 at `index`, from its bit `shift` on, and in the
// next one if `straddles`.
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

// The u64s that hold a packed word: the second one is the first once more where the word does not
// straddle.
struct PackedPair {
    u64 low;
    u64 high;
};

// Reads no word beyond the one in which the last bit of the word at `place` lies.
__device__ __forceinline__ PackedPair read_packed(const u64* __restrict__ packed, PackedPlace place)
{
    const u64* const words = packed + place.index;
    return {words[0], words[place.straddles ? 1 : 0]};
}

// The word of `width` bits at `place` in what read_packed gave.
__device__ __forceinline__ u64 unpack(PackedPair pair, u32 width, PackedPlace place)
{
    // A place that straddles has a shift above 1, as the width is below 64.
    const u64 word = pair.low >> place.shift | (place.straddles ? pair.high << (64 - place.shift) : 0);
    return word & ((1ULL << width) - 1);
}

// The largest word v with v 2^(64 - width) < q.
__device__ __forceinline__ u64 largest_word(u32 width)
{
    return (MODULUS - 1) >> (64 - width);
}
