// The chroma of a frame at an output frame's chroma columns, as levels in scratch memory: the horizontal half of
// rave_core::pixels, "Chroma beside a luma model", operation for operation. pack_luma.cu has the rest, for which this
// must be done: the two frames may be one.
//
// A warp makes 32 columns, a thread one of them in 4 rows, whose weights it loads once.

#include "chroma_levels.cuh"

static constexpr int BLOCK_WARPS = 8;
/// Rows of a thread.
static constexpr int ROWS = 4;

/// A column in some rows.
struct Column {
    int k, start, top;
    float cb[ROWS], cr[ROWS];

    /// Adds the products of taps `tap` to `tap + TAPS`.
    template <typename Source, bool ALIGNED, int TAPS>
    __device__ __forceinline__ void add(const ScaleChromaParams &p, int tap)
    {
        float weight[TAPS];
        typename Source::Stored sample[TAPS][ROWS];
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            weight[t] = reinterpret_cast<const float *>(p.weights)[(u64)(tap + t) * p.columns + k];
            const int x = p.first_x + clamped(start + tap + t, 0, p.samples - 1);
#pragma unroll
            for (int i = 0; i < ROWS; i++)
                sample[t][i] = Source::template load<ALIGNED>(p, x, p.first_y + least(top + i, p.rows - 1));
        }
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                const Chroma<float> level = Source::levels(p, sample[t][i]);
                cb[i] += weight[t] * level.b;
                cr[i] += weight[t] * level.r;
            }
        }
    }

    template <typename Source, bool ALIGNED> __device__ __forceinline__ void add_all(const ScaleChromaParams &p)
    {
        if (p.taps == 1) {
            add<Source, ALIGNED, 1>(p, 0);
        } else {
            for (int tap = 0; tap < p.taps; tap += TAPS_AT_ONCE)
                add<Source, ALIGNED, TAPS_AT_ONCE>(p, tap);
        }
    }
};

template <typename Source> __device__ __forceinline__ void scale_chroma(const ScaleChromaParams &p)
{
    const int x = block_x() * LANES + thread_x();
    Column column = {};
    column.top = (block_y() * BLOCK_WARPS + thread_y()) * ROWS;
    if (column.top >= p.rows)
        return;
    // Columns after the last, up to the pitch, are copies of it, so that pack_luma can read several at a time.
    column.k = least(x, p.columns - 1);
    column.start = reinterpret_cast<const int *>(p.starts)[column.k];
    if (p.flags & FRAME_ALIGNED)
        column.add_all<Source, true>(p);
    else
        column.add_all<Source, false>(p);
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        if (column.top + i < p.rows) {
            const u64 at = (u64)(column.top + i) * p.chroma_pitch + x;
            reinterpret_cast<float *>(p.chroma[0])[at] = column.cb[i];
            reinterpret_cast<float *>(p.chroma[1])[at] = column.cr[i];
        }
    }
}

// The entry points: one for each way of storing chroma. src/pixels/layout.rs has their names.
#define ENTRY(name, ...)                                                                                               \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_WARPS) scale_chroma_##name(const ScaleChromaParams p)   \
    {                                                                                                                  \
        scale_chroma<__VA_ARGS__>(p);                                                                                  \
    }

ENTRY(semi_planar_8, SemiPlanar8)
ENTRY(semi_planar_16, SemiPlanar16)
ENTRY(planar_8, Planar<u8>)
ENTRY(planar_16, Planar<u16>)
ENTRY(packed_8, Packed)

RAVE_HOST_LAUNCHER(scale_chroma, ScaleChromaParams)
