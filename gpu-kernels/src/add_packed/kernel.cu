// Adds packed bodies to integer sums. Each sum is read and written once, however many bodies are
// added. Any launch along x. `packed` holds `bodies` runs of `stride` words, one for each
// body. `refused` starts beyond every position and becomes the least position of a body with a word
// that is not canonical.
#include "../include/packing.cuh"

// Bodies whose words a thread reads together. Only many reads in flight keep the memory busy.
#define TOGETHER 4

extern "C" __global__ void add_packed(u64* __restrict__ sums, u64 length, const u64* __restrict__ packed, u64 stride,
                                      u32 bodies, u32 width, u32* refused)
{
    const u64 step = static_cast<u64>(gridDim.x) * blockDim.x;
    const u64 largest = largest_word(width);
    for (u64 k = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x; k < length; k += step) {
        const PackedPlace place = packed_place(width, k);
        u64 sum = sums[k];
        u32 first_refused = ~0u;
        for (u32 first = 0; first < bodies; first += TOGETHER) {
            PackedPair pairs[TOGETHER];
#pragma unroll
            for (u32 i = 0; i < TOGETHER; ++i) {
                // Past the end the last body is read again, so that the read stays in bounds.
                const u32 c = first + i < bodies ? first + i : bodies - 1;
                pairs[i] = read_packed(packed + c * stride, place);
            }
#pragma unroll
            for (u32 i = 0; i < TOGETHER; ++i) {
                if (first + i < bodies) {
                    const u64 word = unpack(pairs[i], width, place);
                    if (word > largest && first_refused == ~0u) {
                        first_refused = first + i;
                    }
                    sum += word;
                }
            }
        }
        sums[k] = sum;
        if (first_refused != ~0u) {
            atomicMin(refused, first_refused);
        }
    }
}
