// Arithmetic in F_q, q = 2^64 - 2^32 + 1, so 2^64 = EPSILON and 2^96 = -1 mod q.
//
// Two kinds of representative: *canonical* ones lie in [0, q), *lazy* ones are any u64 of the right residue. Each
// function says what it takes and gives. No branch or address depends on a value.
#pragma once

#include "words.cuh"

#define MODULUS 0xffffffff00000001ULL
#define EPSILON 0xffffffffULL

// Lazy -> canonical. x >= q exactly when x + EPSILON carries out of 64 bits, and then the wrapped sum is x - q.
__device__ __forceinline__ u64 canonical(u64 x)
{
    const u128 sum = static_cast<u128>(x) + EPSILON;
    return (sum >> 64) != 0 ? static_cast<u64>(sum) : x;
}

// a lazy, b canonical -> lazy. A carry is worth EPSILON. It leaves a + b - 2^64 <= 2^64 - 1 + q - 1 - 2^64
// = 2^64 - 2^32 - 1, so that adding EPSILON does not carry again.
__device__ __forceinline__ u64 add_lazy(u64 a, u64 b)
{
    const u128 sum = static_cast<u128>(a) + b;
    return static_cast<u64>(sum) + ((sum >> 64) != 0 ? EPSILON : 0);
}

// a lazy, b canonical -> lazy. A borrow costs EPSILON. It leaves a - b + 2^64 >= 2^64 - (q - 1) = 2^32, so that
// subtracting EPSILON does not borrow again.
__device__ __forceinline__ u64 subtract_lazy(u64 a, u64 b)
{
    return a - b - (a < b ? EPSILON : 0);
}

// Both canonical -> canonical.
__device__ __forceinline__ u64 add(u64 a, u64 b)
{
    return canonical(add_lazy(a, b));
}

// Both canonical -> canonical: without a borrow a - b <= a; with one the result is a - b + q in [1, q).
__device__ __forceinline__ u64 subtract(u64 a, u64 b)
{
    return subtract_lazy(a, b);
}

// low + 2^64 high -> lazy, for any two words. With high = 2^32 top + middle: 2^64 high = -top + middle EPSILON.
// top < 2^32 is canonical, and so is middle EPSILON <= (2^32 - 1)^2 < q.
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

// x 2^exponent, x lazy -> lazy, for an exponent in [1, 95]. Meant for exponents known to the compiler.
//
// From 64 on, with s = exponent - 64 < 32 and x = 2^32 upper + lower: x 2^exponent = (lower 2^s) 2^64 + (upper 2^s) 2^96,
// which is reduce_wide(0, lower 2^s) - upper 2^s; both lower 2^s and upper 2^s are below 2^63.
__device__ __forceinline__ u64 multiply_by_power(u64 x, u32 exponent)
{
    if (exponent < 64) {
        return reduce_wide(x << exponent, x >> (64 - exponent));
    }
    const u32 shift = exponent - 64;
    const u64 lower = x & EPSILON;
    const u64 upper = x >> 32;
    return subtract_lazy(reduce_wide(0, lower << shift), upper << shift);
}

// low + 2^32 high -> canonical, for signed sums of magnitude below 2^40.
//
// With high = 2^32 upper + lower, 0 <= lower < 2^32: 2^32 high = upper EPSILON + 2^32 lower, and 2^32 lower <= q - 1.
// The rest is of magnitude below 2^8 2^32 + 2^40 < 2^42 and becomes canonical by adding q when it is negative.
__device__ __forceinline__ u64 join_halves(i64 low, i64 high)
{
    const i64 upper = high >> 32;
    const u64 lower = static_cast<u64>(high) & EPSILON;
    const i64 rest = upper * static_cast<i64>(EPSILON) + low;
    const u64 representative = static_cast<u64>(rest) + (rest < 0 ? MODULUS : 0);
    return add(lower << 32, representative);
}
