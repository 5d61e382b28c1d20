// A luma model's output and the chroma that scale_chroma.cu made of its input, to a frame: chroma_rows.cuh.
//
// A thread makes 8 luma columns of as many rows as a chroma row stands for, and the chroma beside them.

#include "chroma_rows.cuh"

static constexpr int BLOCK_WARPS = 8;
/// Blocks that a multiprocessor should hold at least, which limits registers to 64.
static constexpr int LEAST_BLOCKS = 4;

/// What scale_chroma wrote, from a column on.
struct ScratchRows {
    const PackLumaParams &p;
    int x;

    template <int N> __device__ __forceinline__ void load(int row, Levels<N> &b, Levels<N> &r) const
    {
        const u64 at = (u64)row * p.chroma_pitch + x;
        b.load(reinterpret_cast<const float *>(p.chroma[0]) + at);
        r.load(reinterpret_cast<const float *>(p.chroma[1]) + at);
    }
};

template <typename Sample, Layout LAYOUT, bool HALVED_COLUMNS, bool HALVED_ROWS, typename Element>
__device__ __forceinline__ void pack_luma(const PackLumaParams &p)
{
    constexpr int LUMA_ROWS = HALVED_ROWS ? 2 : 1, HALF = HALVED_COLUMNS;
    const int x = (block_x() * LANES + thread_x()) * PIXELS;
    const int row = block_y() * BLOCK_WARPS + thread_y(), top = row * LUMA_ROWS;
    if (x >= p.frame.width || top >= p.frame.height)
        return;
    // Everything is loaded before anything is written, so that the loads overlap.
    const int rows = least(LUMA_ROWS, p.frame.height - top);
    const Element *elements[LUMA_ROWS];
#pragma unroll
    for (int i = 0; i < LUMA_ROWS; i++)
        elements[i] = channel_row<Element>(p.frame, 0, top + least(i, rows - 1));
    float luma[LUMA_ROWS][8];
    load_rows(p.frame, x, elements, luma);
    Levels<(PIXELS >> HALF)> cb, cr;
    interpolate_rows(p, ScratchRows{p, x >> HALF}, row, cb, cr);
    count_non_finite(p.frame, x, luma, rows);
#pragma unroll
    for (int i = 0; i < LUMA_ROWS; i++)
        if (i < rows)
            store_luma<Sample>(p.frame, x, top + i, luma[i]);
    store_chroma<Sample, LAYOUT>(p.frame, x >> HALF, row, (p.frame.width + HALF) >> HALF, cb.v, cr.v);
}

/// The same into pixels of four bytes.
template <typename Element> __device__ __forceinline__ void pack_luma_packed(const PackLumaParams &p)
{
    const int x = (block_x() * LANES + thread_x()) * PIXELS;
    const int y = block_y() * BLOCK_WARPS + thread_y();
    if (x >= p.frame.width || y >= p.frame.height)
        return;
    float luma[1][8];
    Levels<PIXELS> cb, cr;
    load_rows<Element>(p.frame, x, {channel_row<Element>(p.frame, 0, y)}, luma);
    interpolate_rows(p, ScratchRows{p, x}, y, cb, cr);
    count_non_finite(p.frame, x, luma);
    store_as_packed(p, x, y, luma[0], cb, cr);
}

// The entry points: one for each way of storing pixels and each element type. src/pixels/layout.rs has their names.
#define ENTRY(name, ...)                                                                                               \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_WARPS, LEAST_BLOCKS)                                     \
        pack_luma_##name##_f32(const PackLumaParams p)                                                                 \
    {                                                                                                                  \
        using Element = float;                                                                                         \
        __VA_ARGS__(p);                                                                                                \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_WARPS, LEAST_BLOCKS)                                     \
        pack_luma_##name##_f16(const PackLumaParams p)                                                                 \
    {                                                                                                                  \
        using Element = f16;                                                                                           \
        __VA_ARGS__(p);                                                                                                \
    }

ENTRY(semi_planar_420_8, pack_luma<u8, SEMI_PLANAR, true, true, Element>)
ENTRY(semi_planar_420_16, pack_luma<u16, SEMI_PLANAR, true, true, Element>)
ENTRY(planar_420_8, pack_luma<u8, PLANAR, true, true, Element>)
ENTRY(planar_420_16, pack_luma<u16, PLANAR, true, true, Element>)
ENTRY(semi_planar_422_8, pack_luma<u8, SEMI_PLANAR, true, false, Element>)
ENTRY(semi_planar_422_16, pack_luma<u16, SEMI_PLANAR, true, false, Element>)
ENTRY(planar_422_8, pack_luma<u8, PLANAR, true, false, Element>)
ENTRY(planar_422_16, pack_luma<u16, PLANAR, true, false, Element>)
ENTRY(planar_444_8, pack_luma<u8, PLANAR, false, false, Element>)
ENTRY(planar_444_16, pack_luma<u16, PLANAR, false, false, Element>)
ENTRY(packed_8, pack_luma_packed<Element>)

RAVE_HOST_LAUNCHER(pack_luma, PackLumaParams)
