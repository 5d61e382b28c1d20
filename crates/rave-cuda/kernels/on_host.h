// device.cuh for a CPU: the tests run the very kernels without a GPU, each thread of a block a fiber. Slow and exact.
#pragma once

#include <ucontext.h>

#define __global__
#define __device__
#define __constant__ static const
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
typedef unsigned int uint2 __attribute__((ext_vector_type(2)));
typedef unsigned int uint4 __attribute__((ext_vector_type(4)));
typedef float float4 __attribute__((ext_vector_type(4)));

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct f16 {
    u16 bits;
};

/// The block that is being run: its fibers, and what they exchange.
struct HostBlock {
    static constexpr int MOST_THREADS = 1024;
    static constexpr int STACK = 1 << 16;

    int block_x, block_y, width, threads;
    int current, alive, waiting, generation;
    // What block_any was given before the barrier that ends a generation, and before the one after it.
    bool any[2];
    ucontext_t scheduler, fiber[MOST_THREADS];
    bool done[MOST_THREADS];
    // What each thread last offered its warp; two, since a lane may offer the next value before the others have read.
    float offered[2][MOST_THREADS];
    int turn[MOST_THREADS];
    char stack[MOST_THREADS][STACK];

    void yield() { swapcontext(&fiber[current], &scheduler); }
};

static HostBlock host;

static int thread_x() { return host.current % host.width; }
static int thread_y() { return host.current / host.width; }
static int block_x() { return host.block_x; }
static int block_y() { return host.block_y; }

static void block_barrier()
{
    const int generation = host.generation;
    host.waiting++;
    while (host.generation == generation)
        host.yield();
}

static bool block_any(bool value)
{
    const int turn = host.generation & 1;
    host.any[turn] |= value;
    block_barrier();
    return host.any[turn];
}

static float exchanged(float value, int source)
{
    const int self = host.current;
    const int turn = host.turn[self]++ & 1;
    host.offered[turn][self] = value;
    host.yield();
    return host.offered[turn][source];
}

static float of_lane_before(float value)
{
    return exchanged(value, host.current % 32 == 0 ? host.current : host.current - 1);
}

static float of_lane_after(float value)
{
    return exchanged(value, host.current % 32 == 31 ? host.current : host.current + 1);
}

static void count_up(u64 counter, u32 by) { *reinterpret_cast<u32 *>(counter) += by; }
static void raise_flag(u64 flag) { *reinterpret_cast<u32 *>(flag) = 1; }

static inline float as_float(u32 bits)
{
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}

static inline u32 as_bits(float value)
{
    u32 bits;
    __builtin_memcpy(&bits, &value, 4);
    return bits;
}

static inline float max_of(float a, float b) { return a > b || b != b ? a : b; }
static inline float min_of(float a, float b) { return a < b || b != b ? a : b; }
static inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

/// For sums of 0 or more.
static inline float add_towards_zero(float a, float b)
{
    const double sum = (double)a + (double)b;
    const float nearest = (float)sum;
    return nearest > sum ? as_float(as_bits(nearest) - 1) : nearest;
}

static inline float of_f16_bits(u16 bits)
{
    const u32 sign = (u32)(bits & 0x8000) << 16, exponent = bits >> 10 & 31, mantissa = bits & 0x3ff;
    if (exponent == 31)
        return as_float(sign | 0x7f800000 | mantissa << 13);
    const float magnitude = exponent == 0 ? (float)mantissa * 0x1p-24f : as_float((exponent + 112) << 23 | mantissa << 13);
    return as_float(sign | as_bits(magnitude));
}

/// Rounds to nearest even. Every NaN becomes the one that a GPU makes of it.
static inline u16 f16_bits(float value)
{
    const u32 sign = as_bits(value) >> 16 & 0x8000, magnitude = as_bits(value) & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return 0x7fff;
    if (magnitude >= 0x477ff000) // 65520, half way from the largest to what would come next
        return (u16)(sign | 0x7c00);
    if (magnitude < 0x38800000) // below the smallest normal number: a multiple of 2^-24
        return (u16)(sign | as_bits(as_float(magnitude) + 0.5f) - as_bits(0.5f));
    const u32 even = magnitude >> 13 & 1;
    return (u16)(sign | (magnitude - (112u << 23) + 0xfff + even) >> 13);
}

static inline u32 bytes(u32 a, u32 b, u32 c, u32 d) { return (a & 255) | (b & 255) << 8 | (c & 255) << 16 | d << 24; }

/// Runs a kernel over a grid.
template <typename Params>
static void run_on_host(void (*kernel)(const Params), const Params &params, int grid_x, int grid_y, int width, int height)
{
    static void (*entry)(const Params);
    static const Params *argument;
    entry = kernel;
    argument = &params;
    void (*body)() = [] {
        entry(*argument);
        host.done[host.current] = true;
        host.alive--;
        host.yield();
    };
    for (int block = 0; block < grid_x * grid_y; block++) {
        host.block_x = block % grid_x;
        host.block_y = block / grid_x;
        host.width = width;
        host.threads = host.alive = width * height;
        host.waiting = 0;
        host.any[0] = host.any[1] = false;
        for (int thread = 0; thread < host.threads; thread++) {
            host.done[thread] = false;
            host.turn[thread] = 0;
            getcontext(&host.fiber[thread]);
            host.fiber[thread].uc_stack.ss_sp = host.stack[thread];
            host.fiber[thread].uc_stack.ss_size = HostBlock::STACK;
            host.fiber[thread].uc_link = nullptr;
            makecontext(&host.fiber[thread], body, 0);
        }
        while (host.alive > 0) {
            for (host.current = 0; host.current < host.threads; host.current++)
                if (!host.done[host.current])
                    swapcontext(&host.scheduler, &host.fiber[host.current]);
            if (host.waiting == host.alive) {
                host.waiting = 0;
                host.generation++;
                host.any[host.generation & 1] = false;
            }
        }
    }
}
