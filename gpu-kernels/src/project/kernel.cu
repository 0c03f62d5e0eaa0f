// Sums of a vector's coordinates by the signs of the 256 rows of R, whose columns are expanded 256 at a time: in the
// first half of a round each thread makes a column, in the second each thread is a row. The values are secret: they
// decide no branch and no address. Launch: 256 threads along x; each block of threads writes 256 partial sums mod 2^64.
#include "../include/chacha8.cuh"

#define ROWS 256
#define COLUMN_WORDS 16

extern "C" __global__ void __launch_bounds__(ROWS)
    project(StreamKey stream, u64 first, const u64* __restrict__ values, u64 count, u64* __restrict__ partial_sums)
{
    // A word more for each column, so that the threads which write a word each hit different banks.
    __shared__ u32 columns[ROWS * (COLUMN_WORDS + 1)];
    __shared__ u64 coordinates[ROWS];
    const u32 row = threadIdx.x;
    u64 sum = 0;
    const u64 tiles = count * (DEGREE / ROWS);
    for (u64 tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const u32 start = static_cast<u32>(tile % (DEGREE / ROWS)) * ROWS;
        u32 column[COLUMN_WORDS];
        chacha8(stream, start + threadIdx.x, first + tile / (DEGREE / ROWS), PURPOSE_PROJECTION, column);
#pragma unroll
        for (u32 word = 0; word < COLUMN_WORDS; ++word) {
            columns[threadIdx.x * (COLUMN_WORDS + 1) + word] = column[word];
        }
        coordinates[threadIdx.x] = values[tile * ROWS + threadIdx.x];
        __syncthreads();
        for (u32 i = 0; i < ROWS; ++i) {
            const u32* const words = columns + i * (COLUMN_WORDS + 1) + row / 32;
            const u64 plus = words[0] >> (row % 32) & 1;
            const u64 minus = words[COLUMN_WORDS / 2] >> (row % 32) & 1;
            const u64 value = coordinates[i];
            sum += (value & (0 - plus)) - (value & (0 - minus));
        }
        __syncthreads();
    }
    partial_sums[static_cast<u64>(blockIdx.x) * ROWS + row] = sum;
}
