// A luma model's output and the chroma that scale_chroma.cu made of its input, to a frame: rave_core::pixels, "Chroma
// beside a luma model", operation for operation.
//
// A thread makes 8 luma columns of as many rows as a chroma row stands for, and the chroma beside them.

#include "codes.cuh"

static constexpr int BLOCK_WARPS = 8;
/// Blocks that a multiprocessor should hold at least, which limits registers to 64.
static constexpr int LEAST_BLOCKS = 4;

/// N columns of Cb or Cr.
template <int N> struct Levels {
    float v[N];

    __device__ __forceinline__ void load(const float *row)
    {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            const float4 four = *reinterpret_cast<const float4 *>(row + i);
            v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
        }
    }

    __device__ __forceinline__ void add(float weight, const Levels &other)
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            v[i] += weight * other.v[i];
    }
};

/// Adds the products of taps `tap` to `tap + TAPS`, which lie in chroma rows from `start + tap` on.
template <int TAPS, int N>
__device__ __forceinline__ void add_rows(const PackLumaParams &p, int x, int row, int start, int tap, Levels<N> &cb,
                                         Levels<N> &cr)
{
    float weight[TAPS];
    Levels<N> b[TAPS], r[TAPS];
#pragma unroll
    for (int t = 0; t < TAPS; t++) {
        weight[t] = reinterpret_cast<const float *>(p.weights)[(u64)(tap + t) * p.rows + row];
        const u64 at = (u64)clamped(start + tap + t, 0, p.chroma_rows - 1) * p.chroma_pitch + x;
        b[t].load(reinterpret_cast<const float *>(p.chroma[0]) + at);
        r[t].load(reinterpret_cast<const float *>(p.chroma[1]) + at);
    }
#pragma unroll
    for (int t = 0; t < TAPS; t++) {
        cb.add(weight[t], b[t]);
        cr.add(weight[t], r[t]);
    }
}

/// Cb and Cr at N columns from `x` (a multiple of N) on of chroma row `row` of the frame.
template <int N>
__device__ __forceinline__ void interpolate_rows(const PackLumaParams &p, int x, int row, Levels<N> &cb, Levels<N> &cr)
{
    const int start = reinterpret_cast<const int *>(p.starts)[row];
    cb = cr = {};
    if (p.taps == 1) {
        add_rows<1>(p, x, row, start, 0, cb, cr);
    } else {
        for (int tap = 0; tap < p.taps; tap += TAPS_AT_ONCE)
            add_rows<TAPS_AT_ONCE>(p, x, row, start, tap, cb, cr);
    }
}

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
    interpolate_rows(p, x >> HALF, row, cb, cr);
    count_non_finite(p.frame, x, luma, rows);
#pragma unroll
    for (int i = 0; i < LUMA_ROWS; i++)
        if (i < rows)
            store_luma<Sample>(p.frame, x, top + i, luma[i]);
    store_chroma<Sample, LAYOUT>(p.frame, x >> HALF, row, (p.frame.width + HALF) >> HALF, cb.v, cr.v);
}

/// Red, green and blue of luma and chroma, into pixels of four bytes.
template <typename Element> __device__ __forceinline__ void pack_luma_packed(const PackLumaParams &p)
{
    const int x = (block_x() * LANES + thread_x()) * PIXELS;
    const int y = block_y() * BLOCK_WARPS + thread_y();
    if (x >= p.frame.width || y >= p.frame.height)
        return;
    float luma[1][8], rgb[3][8];
    Levels<PIXELS> cb, cr;
    load_rows<Element>(p.frame, x, {channel_row<Element>(p.frame, 0, y)}, luma);
    interpolate_rows(p, x, y, cb, cr);
    count_non_finite(p.frame, x, luma);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const float level = luma[0][i] * p.to_level;
        rgb[0][i] = level + p.r_cr * cr.v[i];
        rgb[1][i] = (level + p.g_cb * cb.v[i]) + p.g_cr * cr.v[i];
        rgb[2][i] = level + p.b_cb * cb.v[i];
    }
    store_packed(p.frame, x, y, rgb);
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
