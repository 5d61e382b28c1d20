// The chroma of a frame, scaled along its rows into scratch memory: chroma_columns.cuh. pack_luma.cu has the rest, for
// which this must be done: the two frames may be one.
//
// A warp makes 32 columns, a thread one of them.

#include "chroma_columns.cuh"

static constexpr int BLOCK_WARPS = 8;

template <typename Source> __device__ __forceinline__ void scale_chroma(const ScaleChromaParams &p)
{
    const int x = block_x() * LANES + thread_x();
    Column column = {};
    column.top = (block_y() * BLOCK_WARPS + thread_y()) * COLUMN_ROWS;
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
    for (int i = 0; i < COLUMN_ROWS; i++) {
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
