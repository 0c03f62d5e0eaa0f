// sums_j += lhs_j rhs for many blocks in evaluation form, all canonical. Any launch along x.
#include "../include/field.cuh"

extern "C" __global__ void multiply_accumulate(u64* __restrict__ sums, const u64* __restrict__ lhs,
                                               const u64* __restrict__ rhs, u64 length)
{
    const u64 step = static_cast<u64>(gridDim.x) * blockDim.x;
    for (u64 k = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x; k < length; k += step) {
        sums[k] = add(sums[k], canonical(multiply(lhs[k], __ldg(rhs + k % DEGREE))));
    }
}
