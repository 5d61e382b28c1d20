// A luma model's output and the chroma of its input to a frame that halves no chroma, in one launch: as scale_chroma.cu
// and pack_luma.cu do in two, but what is between stays in shared memory. For frames whose chroma is as large as their
// luma it would otherwise be more than all that is read and written.
//
// A block makes 256 columns of 16 rows. Its threads first scale one column each of all rows of input chroma that these
// are made of, then make 8 columns of two rows each.
//
// The two frames may be one where a sample of chroma is made of the one in its place alone: a block then reads only what
// it will write itself.

#include "chroma_columns.cuh"
#include "chroma_rows.cuh"

static constexpr int BLOCK_WARPS = 8;
static constexpr int BLOCK_COLUMNS = LANES * PIXELS;
static_assert(BLOCK_COLUMNS == LANES * BLOCK_WARPS, "a thread scales one column");
/// Rows of a thread, and of a block.
static constexpr int THREAD_ROWS = 2, BLOCK_ROWS = BLOCK_WARPS * THREAD_ROWS;
/// Scaled rows that there is room for: 40 KiB.
static constexpr int MOST_ROWS = 20;
/// Blocks that a multiprocessor should hold at least, which limits registers to 64.
static constexpr int LEAST_BLOCKS = 4;

/// Scaled chroma of a block, four columns in a word.
struct ScaledRows {
    float4 words[2][MOST_ROWS][BLOCK_COLUMNS / 4];

    /// Where the word of columns `4 * word` on lies. Threads read every other word; exchanging neighbours in every second
    /// group of eight gives eight threads eight different groups of banks.
    static __device__ __forceinline__ int place(int word) { return word ^ (word >> 3 & 1); }

    __device__ __forceinline__ void store(int row, int column, float cb, float cr)
    {
        const int at = 4 * place(column >> 2) + (column & 3);
        reinterpret_cast<float *>(words[0][row])[at] = cb;
        reinterpret_cast<float *>(words[1][row])[at] = cr;
    }
};

/// Eight columns of it, from a multiple of 8 on.
struct SharedRows {
    const ScaledRows &scaled;
    /// The input's row that is the first in `scaled`.
    int first;
    int word;

    __device__ __forceinline__ void load(int row, Levels<8> &b, Levels<8> &r) const
    {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const int at = ScaledRows::place(word + i);
            const float4 cb = scaled.words[0][row - first][at], cr = scaled.words[1][row - first][at];
            b.v[4 * i] = cb.x, b.v[4 * i + 1] = cb.y, b.v[4 * i + 2] = cb.z, b.v[4 * i + 3] = cb.w;
            r.v[4 * i] = cr.x, r.v[4 * i + 1] = cr.y, r.v[4 * i + 2] = cr.z, r.v[4 * i + 3] = cr.w;
        }
    }
};

/// Planes of luma, Cb and Cr.
template <typename Sample> struct Planes {
    static __device__ __forceinline__ void store(const PackLumaParams &p, int x, int y, const float (&luma)[8],
                                                 const Levels<8> &cb, const Levels<8> &cr)
    {
        store_luma<Sample>(p.frame, x, y, luma);
        store_chroma<Sample, PLANAR>(p.frame, x, y, p.frame.width, cb.v, cr.v);
    }
};

/// Pixels of four bytes.
struct Pixels {
    static __device__ __forceinline__ void store(const PackLumaParams &p, int x, int y, const float (&luma)[8],
                                                 const Levels<8> &cb, const Levels<8> &cr)
    {
        store_as_packed(p, x, y, luma, cb, cr);
    }
};

template <typename Source, typename Target, typename Element>
__device__ __forceinline__ void pack_luma_whole(const PackLumaWholeParams &p, ScaledRows &scaled)
{
    const PackLumaParams &out = p.pack;
    const int x = (block_x() * LANES + thread_x()) * PIXELS, top = block_y() * BLOCK_ROWS;
    const int end = least(top + BLOCK_ROWS, out.frame.height);
    // Loaded first, so that it is on its way while chroma is scaled.
    float luma[THREAD_ROWS][8];
    const Element *elements[THREAD_ROWS];
#pragma unroll
    for (int i = 0; i < THREAD_ROWS; i++)
        elements[i] = channel_row<Element>(out.frame, 0, least(top + thread_y() + i * BLOCK_WARPS, end - 1));
    load_rows(out.frame, x, elements, luma);

    const int *starts = reinterpret_cast<const int *>(out.starts);
    const int first = clamped(starts[top], 0, out.chroma_rows - 1);
    const int last = clamped(starts[end - 1] + out.taps - 1, 0, out.chroma_rows - 1);
    const int index = thread_y() * LANES + thread_x();
    for (int row = first; row <= last; row += COLUMN_ROWS) {
        Column column = {};
        column.top = row;
        // Columns after the last are copies of it.
        column.k = least(block_x() * BLOCK_COLUMNS + index, p.scale.columns - 1);
        column.start = reinterpret_cast<const int *>(p.scale.starts)[column.k];
        if (p.scale.flags & FRAME_ALIGNED)
            column.add_all<Source, true>(p.scale);
        else
            column.add_all<Source, false>(p.scale);
#pragma unroll
        for (int i = 0; i < COLUMN_ROWS; i++)
            if (row + i <= last)
                scaled.store(row + i - first, index, column.cb[i], column.cr[i]);
    }
    block_barrier();

    if (x >= out.frame.width)
        return;
    const SharedRows rows = {scaled, first, thread_x() * PIXELS / 4};
#pragma unroll
    for (int i = 0; i < THREAD_ROWS; i++) {
        const int y = top + thread_y() + i * BLOCK_WARPS;
        if (y >= end)
            return;
        Levels<PIXELS> cb, cr;
        interpolate_rows(out, rows, y, cb, cr);
        const float one[1][8] = {{luma[i][0], luma[i][1], luma[i][2], luma[i][3], luma[i][4], luma[i][5], luma[i][6],
                                  luma[i][7]}};
        count_non_finite(out.frame, x, one);
        Target::store(out, x, y, one[0], cb, cr);
    }
}

// The entry points: one for each way of storing pixels and each element type. src/pixels/layout.rs has their names.
#define ENTRY(name, element, ...)                                                                                      \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_WARPS, LEAST_BLOCKS)                                     \
        pack_luma_whole_##name##_##element(const PackLumaWholeParams p)                                                \
    {                                                                                                                  \
        __shared__ ScaledRows scaled;                                                                                  \
        pack_luma_whole<__VA_ARGS__>(p, scaled);                                                                       \
    }

ENTRY(planar_444_8, f32, Planar<u8>, Planes<u8>, float)
ENTRY(planar_444_8, f16, Planar<u8>, Planes<u8>, f16)
ENTRY(planar_444_16, f32, Planar<u16>, Planes<u16>, float)
ENTRY(planar_444_16, f16, Planar<u16>, Planes<u16>, f16)
ENTRY(packed_8, f32, Packed, Pixels, float)
ENTRY(packed_8, f16, Packed, Pixels, f16)

RAVE_HOST_LAUNCHER(pack_luma_whole, PackLumaWholeParams)
