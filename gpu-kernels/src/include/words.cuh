// Word types, the sizes of the ring, and the one difference between CUDA and the emulator. It is
// the access to shared memory whose size the launch chooses.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
typedef unsigned __int128 u128;
typedef __int128 i128;

// N: coefficients of a block.
#define DEGREE 2048
#define LOG_DEGREE 11

// Threads that share a polynomial, each with EIGHT of its values in registers.
#define TEAM 256
#define EIGHT 8

#ifdef KERNEL_EMULATOR
#define LAUNCH_SHARED(name) u64* const name = static_cast<u64*>(emulator::launch_shared())
#else
#define LAUNCH_SHARED(name) extern __shared__ u64 name[]
#endif

// The 256-bit key of a stream, as the little-endian words of its bytes. Passed by value.
struct StreamKey {
    u32 words[8];
};
