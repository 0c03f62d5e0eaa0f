// The functions of include/field.cuh one by one, for tests. One thread for each pair of operands.
#include "../../src/include/field.cuh"

#define ARITHMETIC_RESULTS 7

// out holds ARITHMETIC_RESULTS words for each thread. The last three take only what they are made for: b made canonical where
// it has to be, an exponent of 1 to 95 made from b, halves below 2^39 made from a and b.
extern "C" __global__ void test_arithmetic(const u64* __restrict__ a, const u64* __restrict__ b, u64* __restrict__ out)
{
    const u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    u64* const results = out + ARITHMETIC_RESULTS * thread;
    const u64 x = a[thread];
    const u64 y = b[thread];
    results[0] = canonical(x);
    results[1] = add_lazy(x, canonical(y));
    results[2] = subtract_lazy(x, canonical(y));
    results[3] = multiply(x, y);
    results[4] = reduce_wide(x, y);
    results[5] = multiply_by_power(x, static_cast<u32>(y % 95) + 1);
    results[6] = join_halves(static_cast<i64>(x) >> 25, static_cast<i64>(y) >> 25);
}
