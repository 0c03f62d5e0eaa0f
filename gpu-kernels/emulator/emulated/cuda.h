// The part of CUDA's vocabulary that the kernels use, for a C++ compiler. Every thread of a block
// is a fiber of one operating system thread. Blocks run one after another.
#pragma once

#define KERNEL_EMULATOR 1

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
// A process runs one block at a time, so its shared variables are static ones.
#define __shared__ static

namespace emulator {

struct Index {
    unsigned x, y, z;
};

// The position of a thread.
struct Place {
    Index thread, block, block_size, grid_size;
};

extern const Place* place;

// Waits for every thread of the block. Returns the disjunction of the predicates.
int barrier(int predicate, const char* file, int line);

// Exchanges a value with the lane `source` of the same warp.
unsigned long long exchange(unsigned long long value, unsigned source, const char* file, int line);

unsigned lane();

// The shared memory whose size the launch gives.
void* launch_shared();

}

#define threadIdx (emulator::place->thread)
#define blockIdx (emulator::place->block)
#define blockDim (emulator::place->block_size)
#define gridDim (emulator::place->grid_size)

#define __syncthreads() static_cast<void>(emulator::barrier(0, __FILE__, __LINE__))
#define __syncthreads_or(predicate) emulator::barrier(predicate, __FILE__, __LINE__)
// The mask must name all lanes, as the emulator demands whole warps.
#define __shfl_xor_sync(mask, value, distance) \
    emulator::exchange(value, emulator::lane() ^ (distance), __FILE__, __LINE__)

template <class Word>
static inline Word __ldg(const Word* word)
{
    return *word;
}

template <class Word>
static inline Word atomicMin(Word* word, Word operand)
{
    Word seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    while (operand < seen && !__atomic_compare_exchange_n(word, &seen, operand, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return seen;
}

template <class Word>
static inline Word atomicMax(Word* word, Word operand)
{
    Word seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    while (operand > seen && !__atomic_compare_exchange_n(word, &seen, operand, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return seen;
}
