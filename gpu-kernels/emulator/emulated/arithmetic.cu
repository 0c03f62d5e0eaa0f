// The functions of include/field.cuh one by one, for tests. One thread for each pair of operands.
#include "../../src/include/field.cuh"

#define ARITHMETIC_RESULTS 12

__device__ __forceinline__ void two_words(u64* results, i128 x)
{
    results[0] = static_cast<u64>(x);
    results[1] = static_cast<u64>(x >> 64);
}

// out holds ARITHMETIC_RESULTS words for each thread. Wide results take two, the low one first.
// From the third on, functions get operands within their ranges: b is made canonical. Wide numbers
// come from the words a and b, shifted or given a sign. Exponents are 1 to 95, halves below 2^39.
extern "C" __global__ void test_arithmetic(const u64* __restrict__ a, const u64* __restrict__ b, u64* __restrict__ out)
{
    const u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    u64* const results = out + ARITHMETIC_RESULTS * thread;
    const u64 x = a[thread];
    const u64 y = b[thread];
    const u128 both = static_cast<u128>(y) << 64 | x;
    results[0] = canonical(x);
    results[1] = multiply(x, y);
    results[2] = reduce_wide(x, y);
    results[3] = add_lazy(x, canonical(y));
    results[4] = subtract_lazy(x, canonical(y));
    two_words(results + 5, multiply_wide(x, y));
    two_words(results + 7, multiply_by_power(static_cast<i128>(both) >> 23, static_cast<u32>((x ^ y) % 95) + 1));
    results[9] = narrow(static_cast<i128>(both | static_cast<u128>(1) << 127));
    results[10] = narrow(static_cast<i128>(both & LOW_96));
    results[11] = join_halves(static_cast<i64>(x) >> 25, static_cast<i64>(y) >> 25);
}
