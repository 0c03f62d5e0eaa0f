// Arithmetic in F_q, q = 2^64 - 2^32 + 1, so 2^64 = EPSILON and 2^96 = -1 mod q.
//
// Three kinds of representative: *canonical* ones lie in [0, q), *lazy* ones are any u64 of the
// right residue, *wide* ones any i128 within stated bounds. Each function says which kinds it takes
// and gives. No branch or address depends on a value.
#pragma once

#include "words.cuh"

#define MODULUS 0xffffffff00000001ULL
#define EPSILON 0xffffffffULL

// Lazy -> canonical. x >= q exactly when x + EPSILON carries out of 64 bits, and then the wrapped
// sum is x - q.
__device__ __forceinline__ u64 canonical(u64 x)
{
    const u128 sum = static_cast<u128>(x) + EPSILON;
    return (sum >> 64) != 0 ? static_cast<u64>(sum) : x;
}

// a lazy, b canonical -> lazy. A carry is worth EPSILON. It leaves a + b - 2^64, which is at most
// (2^64 - 1) + (q - 1) - 2^64 = 2^64 - 2^32 - 1, so that adding EPSILON does not carry again.
__device__ __forceinline__ u64 add_lazy(u64 a, u64 b)
{
    const u128 sum = static_cast<u128>(a) + b;
    return static_cast<u64>(sum) + ((sum >> 64) != 0 ? EPSILON : 0);
}

// a lazy, b canonical -> lazy. A borrow costs EPSILON. It leaves a - b + 2^64 >= 2^64 - (q - 1) =
// 2^32, so that subtracting EPSILON does not borrow again.
__device__ __forceinline__ u64 subtract_lazy(u64 a, u64 b)
{
    return a - b - (a < b ? EPSILON : 0);
}

// Both canonical -> canonical.
__device__ __forceinline__ u64 add(u64 a, u64 b)
{
    return canonical(add_lazy(a, b));
}

// Both canonical -> canonical. Without a borrow a - b <= a. With one the result is a - b + q in [1,
// q).
__device__ __forceinline__ u64 subtract(u64 a, u64 b)
{
    return subtract_lazy(a, b);
}

// low + 2^64 high -> lazy, for any two words. With high = 2^32 top + middle: 2^64 high = -top +
// middle EPSILON. top < 2^32 is canonical, and so is middle EPSILON <= (2^32 - 1)^2 < q.
__device__ __forceinline__ u64 reduce_wide(u64 low, u64 high)
{
    const u64 top = high >> 32;
    const u64 middle = high & EPSILON;
    return add_lazy(subtract_lazy(low, top), (middle << 32) - middle);
}

// Both lazy -> lazy.
__device__ __forceinline__ u64 multiply(u64 a, u64 b)
{
    const u128 product = static_cast<u128>(a) * b;
    return reduce_wide(static_cast<u64>(product), static_cast<u64>(product >> 64));
}

// The low 96 bits.
#define LOW_96 ((static_cast<u128>(EPSILON) << 64) | ~static_cast<u128>(0) >> 64)

// Both lazy -> wide in (-2^32, 2^96): with a b = 2^96 top + rest, a b = rest - top.
__device__ __forceinline__ i128 multiply_wide(u64 a, u64 b)
{
    const u128 product = static_cast<u128>(a) * b;
    return static_cast<i128>(product & LOW_96) - static_cast<i64>(product >> 96);
}

// x 2^exponent, x wide, |x| < 2^104 -> wide in (-2^(exponent + 8), 2^96 + 2^(exponent + 8)), for an
// exponent in [1, 95]. Meant for exponents known to the compiler.
//
// With x = 2^(96 - exponent) upper + lower, 0 <= lower: x 2^exponent = 2^96 upper + 2^exponent
// lower.
__device__ __forceinline__ i128 multiply_by_power(i128 x, u32 exponent)
{
    const i128 upper = x >> (96 - exponent);
    return static_cast<i128>((static_cast<u128>(x) << exponent) & LOW_96) - upper;
}

// Wide in [-2^127, 2^96) -> lazy. With x = 2^96 top + 2^64 middle + low, top <= 0: x = low + middle
// EPSILON - top, and middle EPSILON - top <= (2^32 - 1)^2 + 2^31 < q.
__device__ __forceinline__ u64 narrow(i128 x)
{
    const u64 high = static_cast<u64>(x >> 64);
    const u64 middle = high & EPSILON;
    const u64 minus_top = static_cast<u64>(-(static_cast<i64>(high) >> 32));
    return add_lazy(static_cast<u64>(x), middle * EPSILON + minus_top);
}

// low + 2^32 high -> canonical, for signed sums of magnitude below 2^40.
//
// With high = 2^32 upper + lower, 0 <= lower < 2^32: 2^32 high = upper EPSILON + 2^32 lower, and
// 2^32 lower <= q - 1. The rest is of magnitude below 2^8 2^32 + 2^40 < 2^42 and becomes canonical
// by adding q when it is negative.
__device__ __forceinline__ u64 join_halves(i64 low, i64 high)
{
    const i64 upper = high >> 32;
    const u64 lower = static_cast<u64>(high) & EPSILON;
    const i64 rest = upper * static_cast<i64>(EPSILON) + low;
    const u64 representative = static_cast<u64>(rest) + (rest < 0 ? MODULUS : 0);
    return add(lower << 32, representative);
}
