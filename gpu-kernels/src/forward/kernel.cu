// Many blocks in place: coefficients, lazy -> evaluations, canonical. Launch: teams of 256 threads
// along x, one or two of them along y, each with TEAM_WORDS of shared memory and one block.
#include "../include/ntt.cuh"

extern "C" __global__ void __launch_bounds__(512)
    forward(u64* __restrict__ blocks, u64 count, const u64* __restrict__ twiddles)
{
    LAUNCH_SHARED(shared);
    u64* const team = shared + threadIdx.y * TEAM_WORDS;
    const u64 block = static_cast<u64>(blockIdx.x) * blockDim.y + threadIdx.y;
    const u32 t = threadIdx.x;
    const bool present = block < count;
    u64* const place = blocks + block * DEGREE;
    u64 values[EIGHT] = {};
    if (present) {
#pragma unroll
        for (u32 e = 0; e < EIGHT; ++e) {
            values[e] = place[t + TEAM * e];
        }
    }
    forward_transform(values, t, team, twiddles);
    // Through shared memory, so that neighbouring threads write neighbouring words. Each thread
    // overwrites words that it alone has read since the last barrier.
    store_group<8, 3>(team, t, values);
    __syncthreads();
    if (present) {
#pragma unroll
        for (u32 e = 0; e < EIGHT; ++e) {
            place[t + TEAM * e] = team[padded(t + TEAM * e)];
        }
    }
}
