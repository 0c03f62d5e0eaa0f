// Many blocks in place: evaluations, lazy -> coefficients, canonical. Launch as in
// forward/kernel.cu.
#include "../include/ntt.cuh"

extern "C" __global__ void __launch_bounds__(512)
    inverse(u64* __restrict__ blocks, u64 count, const u64* __restrict__ inverse_twiddles)
{
    LAUNCH_SHARED(shared);
    u64* const team = shared + threadIdx.y * TEAM_WORDS;
    const u64 block = static_cast<u64>(blockIdx.x) * blockDim.y + threadIdx.y;
    const u32 t = threadIdx.x;
    const bool present = block < count;
    u64* const place = blocks + block * DEGREE;
#pragma unroll
    for (u32 e = 0; e < EIGHT; ++e) {
        team[padded(t + TEAM * e)] = present ? place[t + TEAM * e] : 0;
    }
    __syncthreads();
    u64 values[EIGHT];
    load_group<8, 3>(team, t, values);
    inverse_transform(values, t, team, inverse_twiddles);
    if (present) {
#pragma unroll
        for (u32 e = 0; e < EIGHT; ++e) {
            place[t + TEAM * e] = values[e];
        }
    }
}
