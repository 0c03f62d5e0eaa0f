// The rows R folded with the powers of two challenges, and applied to both parts of a contribution.
// Neither R nor the folded vector r ever leaves the chip. Launch: one team of 256 threads, with
// shared memory for TEAM_WORDS, the tables, and for both challenges r in one block and the sum of
// adjoints so far.
#include "../include/expand.cuh"
#include "../include/packing.cuh"
#include "../include/reduction.cuh"

#define FOLD_ROWS 256

// Each table covers four powers of a challenge. Entry m of table c is the sum of z^(4 c + i) over
// the bits i of m. All threads of a warp read the same table at a time. Its 16 entries fill the 32
// banks once, so no two of them collide.
#define TABLE_ENTRIES 16
#define TABLES (FOLD_ROWS / 4)
#define TABLE_WORDS (TABLES * TABLE_ENTRIES)

// The entries of r for both challenges, from the words of one column. The words of the positive
// signs come first.
//
// The low and the high halves of the table entries are summed as integers: 64 terms of either sign
// stay below 2^39.
__device__ __forceinline__ void fold_column(const u32* column, const u64* tables, u64* folded)
{
    i64 low[2] = {};
    i64 high[2] = {};
#pragma unroll
    for (u32 word = 0; word < FOLD_ROWS / 32; ++word) {
        const u32 plus = column[word];
        const u32 minus = column[FOLD_ROWS / 32 + word];
#pragma unroll 2
        for (u32 nibble = 0; nibble < 8; ++nibble) {
            const u32 table = (word * 8 + nibble) * TABLE_ENTRIES;
            const u32 added = table + (plus >> (4 * nibble) & 15);
            const u32 subtracted = table + (minus >> (4 * nibble) & 15);
#pragma unroll
            for (u32 z = 0; z < 2; ++z) {
                const u64 gain = tables[z * TABLE_WORDS + added];
                const u64 loss = tables[z * TABLE_WORDS + subtracted];
                low[z] += static_cast<i64>(gain & EPSILON) - static_cast<i64>(loss & EPSILON);
                high[z] += static_cast<i64>(gain >> 32) - static_cast<i64>(loss >> 32);
            }
        }
    }
#pragma unroll
    for (u32 z = 0; z < 2; ++z) {
        folded[z] = join_halves(low[z], high[z]);
    }
}

// For block of threads p: partial_adjoints_p = two blocks of evaluations, partial_inners_p = two
// inner products, of the polynomials p, p + gridDim, .... `packed` may be null. `refused` becomes 0
// if a packed word is not canonical.
extern "C" __global__ void __launch_bounds__(256, 2)
    fold_rows(StreamKey rows, StreamKey masks, u64 first, u64 count, const u64* __restrict__ power_tables,
              const u64* __restrict__ packed, u32 width, u64* __restrict__ partial_adjoints,
              u64* __restrict__ partial_inners, u32* refused, const u64* __restrict__ twiddles)
{
    LAUNCH_SHARED(shared);
    __shared__ u64 warp_sums[2][32];
    u64* const tables = shared + TEAM_WORDS;
    // A thread reads only those words of these two arrays that it wrote itself. Evaluation 8 t + e
    // of a sum is at t + 256 e.
    u64* const folded = tables + 2 * TABLE_WORDS;
    u64* const adjoints = folded + 2 * DEGREE;
    const u32 t = threadIdx.x;
    for (u32 k = t; k < 2 * TABLE_WORDS; k += TEAM) {
        tables[k] = power_tables[k];
    }
    for (u32 k = t; k < 2 * DEGREE; k += TEAM) {
        adjoints[k] = 0;
    }
    __syncthreads();
    u64 inner[2] = {};
    for (u64 block = blockIdx.x; block < count; block += gridDim.x) {
#pragma unroll 1
        for (u32 k = t; k < DEGREE; k += TEAM) {
            u32 column[16];
            chacha8(rows, k, first + block, PURPOSE_PROJECTION, column);
            u64 both[2];
            fold_column(column, tables, both);
            folded[k] = both[0];
            folded[DEGREE + k] = both[1];
            if (packed != nullptr) {
                const PackedPlace place = packed_place(width, block * DEGREE + k);
                const u64 word = unpack(read_packed(packed, place), width, place);
                if (word > largest_word(width)) {
                    atomicMin(refused, 0u);
                }
                inner[0] = add_lazy(inner[0], canonical(multiply(both[0], word)));
                inner[1] = add_lazy(inner[1], canonical(multiply(both[1], word)));
            }
        }
#pragma unroll 1
        for (u32 z = 0; z < 2; ++z) {
            u64 terms[EIGHT];
#pragma unroll
            for (u32 e = 0; e < EIGHT; ++e) {
                terms[e] = folded[z * DEGREE + t + TEAM * e];
            }
            forward_transform(terms, t, shared, twiddles);
            // Both challenges use the same mask. It overwrites the r of the first challenge, which
            // is no longer needed.
            if (z == 0) {
                u64 mask[EIGHT];
                expand_adjoint(mask, masks, first + block, t, shared);
#pragma unroll
                for (u32 e = 0; e < EIGHT; ++e) {
                    folded[t + TEAM * e] = mask[e];
                }
            }
#pragma unroll
            for (u32 e = 0; e < EIGHT; ++e) {
                u64* const sum = adjoints + z * DEGREE + t + TEAM * e;
                *sum = add(*sum, canonical(multiply(terms[e], folded[t + TEAM * e])));
            }
            // The next transform overwrites words that the last pass of this one reads.
            __syncthreads();
        }
    }
#pragma unroll
    for (u32 z = 0; z < 2; ++z) {
        u64* const sums = partial_adjoints + (static_cast<u64>(blockIdx.x) * 2 + z) * DEGREE;
#pragma unroll
        for (u32 e = 0; e < EIGHT; ++e) {
            sums[EIGHT * t + e] = adjoints[z * DEGREE + t + TEAM * e];
        }
        const u64 sum = block_sum(canonical(inner[z]), t, TEAM, warp_sums[z]);
        if (t == 0) {
            partial_inners[static_cast<u64>(blockIdx.x) * 2 + z] = sum;
        }
    }
}
