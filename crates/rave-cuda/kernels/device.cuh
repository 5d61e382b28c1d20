// What the kernels need of CUDA C++, so that clang compiles them to PTX without a CUDA toolkit (-nocudainc -nocudalib)
// and nvcc compiles the same source. Registers and instructions are named in PTX where clang has no portable builtin.
#pragma once

#if defined(RAVE_ON_HOST)
#include "on_host.h"
#else

#if defined(__clang__)
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
typedef unsigned int uint2 __attribute__((ext_vector_type(2)));
typedef unsigned int uint4 __attribute__((ext_vector_type(4)));
typedef float float4 __attribute__((ext_vector_type(4)));
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

/// An IEEE 754 binary16 in memory.
struct f16 {
    u16 bits;
};

__device__ __forceinline__ int thread_x()
{
    int value;
    asm("mov.u32 %0, %%tid.x;" : "=r"(value));
    return value;
}

__device__ __forceinline__ int thread_y()
{
    int value;
    asm("mov.u32 %0, %%tid.y;" : "=r"(value));
    return value;
}

__device__ __forceinline__ int block_x()
{
    int value;
    asm("mov.u32 %0, %%ctaid.x;" : "=r"(value));
    return value;
}

__device__ __forceinline__ int block_y()
{
    int value;
    asm("mov.u32 %0, %%ctaid.y;" : "=r"(value));
    return value;
}

__device__ __forceinline__ void block_barrier()
{
    asm volatile("bar.sync 0;" ::: "memory");
}

/// Whether `value` holds in any thread of the block. Every thread of the block must call it.
__device__ __forceinline__ bool block_any(bool value)
{
    u32 any;
    asm volatile("{\n\t.reg .pred here, anywhere;\n\tsetp.ne.u32 here, %1, 0;\n\tbar.red.or.pred anywhere, 0, here;\n\t"
                 "selp.u32 %0, 1, 0, anywhere;\n\t}"
                 : "=r"(any)
                 : "r"((u32)value)
                 : "memory");
    return any != 0;
}

/// `value` of the lane before this one; lane 0 gets its own. Every lane of the warp must call it.
__device__ __forceinline__ float of_lane_before(float value)
{
    float result;
    asm volatile("shfl.sync.up.b32 %0, %1, 1, 0, 0xffffffff;" : "=f"(result) : "f"(value));
    return result;
}

/// `value` of the lane after this one; lane 31 gets its own. Every lane of the warp must call it.
__device__ __forceinline__ float of_lane_after(float value)
{
    float result;
    asm volatile("shfl.sync.down.b32 %0, %1, 1, 31, 0xffffffff;" : "=f"(result) : "f"(value));
    return result;
}

/// Adds to a counter in the host's memory.
__device__ __forceinline__ void count_up(u64 counter, u32 by)
{
    asm volatile("red.relaxed.gpu.global.add.u32 [%0], %1;" ::"l"(counter), "r"(by) : "memory");
}

/// Sets a word in the host's memory to 1.
__device__ __forceinline__ void raise_flag(u64 flag)
{
    asm volatile("st.relaxed.sys.global.u32 [%0], %1;" ::"l"(flag), "r"(1) : "memory");
}

__device__ __forceinline__ float as_float(u32 bits)
{
    float value;
    asm("mov.b32 %0, %1;" : "=f"(value) : "r"(bits));
    return value;
}

__device__ __forceinline__ u32 as_bits(float value)
{
    u32 bits;
    asm("mov.b32 %0, %1;" : "=r"(bits) : "f"(value));
    return bits;
}

__device__ __forceinline__ float max_of(float a, float b)
{
    float value;
    asm("max.f32 %0, %1, %2;" : "=f"(value) : "f"(a), "f"(b));
    return value;
}

__device__ __forceinline__ float min_of(float a, float b)
{
    float value;
    asm("min.f32 %0, %1, %2;" : "=f"(value) : "f"(a), "f"(b));
    return value;
}

/// Multiplication and addition in one rounding. Only for sums that are exact either way.
__device__ __forceinline__ float fused(float a, float b, float c)
{
    float value;
    asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(value) : "f"(a), "f"(b), "f"(c));
    return value;
}

__device__ __forceinline__ float add_towards_zero(float a, float b)
{
    float value;
    asm("add.rz.f32 %0, %1, %2;" : "=f"(value) : "f"(a), "f"(b));
    return value;
}

/// Rounds to nearest even.
__device__ __forceinline__ u16 f16_bits(float value)
{
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

__device__ __forceinline__ float of_f16_bits(u16 bits)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

/// Four codes of one byte each in a word, the first lowest; of each argument only the lowest byte counts.
__device__ __forceinline__ u32 bytes(u32 a, u32 b, u32 c, u32 d)
{
    u32 low, high, word;
    asm("prmt.b32 %0, %1, %2, 0x0040;" : "=r"(low) : "r"(a), "r"(b));
    asm("prmt.b32 %0, %1, %2, 0x0040;" : "=r"(high) : "r"(c), "r"(d));
    asm("prmt.b32 %0, %1, %2, 0x5410;" : "=r"(word) : "r"(low), "r"(high));
    return word;
}

#endif

/// Two codes in the lower and the upper half of a word.
__device__ __forceinline__ u32 halves(u32 low, u32 high)
{
    return (low & 0xffff) | high << 16;
}

__device__ __forceinline__ int least(int a, int b) { return a < b ? a : b; }
__device__ __forceinline__ int most(int a, int b) { return a > b ? a : b; }
__device__ __forceinline__ int clamped(int value, int low, int high) { return most(low, least(value, high)); }

/// Pixels of a row that one thread handles: a 16-byte access of fp16 elements.
static constexpr int PIXELS = 8;
/// Threads of a warp, which share a row of a block.
static constexpr int LANES = 32;

// After a kernel file's entry points: NAME_on_host runs one of them over a grid, for the tests.
#if defined(RAVE_ON_HOST)
#define RAVE_HOST_LAUNCHER(name, Params)                                                                               \
    extern "C" void name##_on_host(void (*kernel)(const Params), const Params *params, int grid_x, int grid_y,         \
                                   int width, int height)                                                              \
    {                                                                                                                  \
        run_on_host(kernel, *params, grid_x, grid_y, width, height);                                                   \
    }
#else
#define RAVE_HOST_LAUNCHER(name, Params)
#endif
