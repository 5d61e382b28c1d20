// Whether two frames hold the same bytes. A warp takes 2 KiB of a row, a thread 16 bytes of every 512.

#include "params.h"

/// Rows, and warps, of a block.
static constexpr int BLOCK_ROWS = 8;
/// Words of 16 bytes that a thread compares.
static constexpr int WORDS = 4;
/// Bytes of a row that a block covers.
static constexpr int BLOCK_BYTES = LANES * WORDS * 16;

__device__ __forceinline__ u32 difference(const uint4 &a, const uint4 &b)
{
    return (a.x ^ b.x) | (a.y ^ b.y) | (a.z ^ b.z) | (a.w ^ b.w);
}

/// Not 0 where bytes from `from` on, as many as a warp takes, differ.
// RV-CUDA-1007
__device__ __forceinline__ u32 compare_row(const u8 *a, const u8 *b, int from, int end)
{
    u32 found = 0;
    if ((((u64)a | (u64)b) & 15) != 0) {
        for (int at = from + thread_x(); at < least(from + BLOCK_BYTES, end); at += LANES)
            found |= a[at] ^ b[at];
        return found;
    }
#pragma unroll
    for (int i = 0; i < WORDS; i++) {
        const int at = from + (i * LANES + thread_x()) * 16;
        if (at + 16 <= end)
            found |= difference(*reinterpret_cast<const uint4 *>(a + at), *reinterpret_cast<const uint4 *>(b + at));
    }
    // What is left of the row after its last whole word.
    const int rest = most(end & ~15, from);
    if (rest < from + BLOCK_BYTES && rest + thread_x() < end)
        found |= a[rest + thread_x()] ^ b[rest + thread_x()];
    return found;
}

/// An element by a number that is not constant, without a copy of the array in memory.
template <typename T> __device__ __forceinline__ T of_plane(const T (&values)[3], int plane)
{
    return plane == 0 ? values[0] : plane == 1 ? values[1] : values[2];
}

extern "C" __global__ void __launch_bounds__(LANES *BLOCK_ROWS) compare(const CompareParams p)
{
    const int plane = block_y() >= p.first_block[2] ? 2 : block_y() >= p.first_block[1] ? 1 : 0;
    const int y = (block_y() - of_plane(p.first_block, plane)) * BLOCK_ROWS + thread_y();
    u32 found = 0;
    if (y < of_plane(p.rows, plane)) {
        const u64 a = of_plane(p.a, plane) + (u64)y * of_plane(p.pitch_a, plane);
        const u64 b = of_plane(p.b, plane) + (u64)y * of_plane(p.pitch_b, plane);
        found = compare_row(reinterpret_cast<const u8 *>(a), reinterpret_cast<const u8 *>(b),
                            block_x() * BLOCK_BYTES, of_plane(p.row_bytes, plane));
    }
    if (block_any(found != 0) && thread_x() == 0 && thread_y() == 0)
        raise_flag(p.differs);
}

RAVE_HOST_LAUNCHER(compare, CompareParams)
