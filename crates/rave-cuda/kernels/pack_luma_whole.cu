// A luma model's output and the chroma of its input to a frame that halves no chroma, in one launch: as scale_chroma.cu
// and pack_luma.cu do in two, but what is between stays in shared memory. For frames whose chroma is as large as their
// luma it would otherwise be more than all that is read and written.
//
// A block makes 256 columns of 16 rows. Some rows of input chroma at a time become levels, each sample once; of these every
// thread scales one column. Then threads make 8 columns of two rows each.
//
// The two frames may be one where a sample of chroma is made of the one in its place alone: a block then reads only what
// it will write itself.

#include "chroma_levels.cuh"
#include "chroma_rows.cuh"

static constexpr int BLOCK_WARPS = 8;
static constexpr int BLOCK_COLUMNS = LANES * PIXELS;
static_assert(BLOCK_COLUMNS == LANES * BLOCK_WARPS, "a thread scales one column");
/// Rows of a thread, and of a block.
static constexpr int THREAD_ROWS = 2, BLOCK_ROWS = BLOCK_WARPS * THREAD_ROWS;
/// Columns and rows of input chroma that a block may be made of.
static constexpr int MOST_COLUMNS = BLOCK_COLUMNS + 8, MOST_ROWS = BLOCK_ROWS;
/// Rows of input chroma that are scaled at a time.
static constexpr int STEP = 4;
/// Blocks that a multiprocessor should hold at least, which limits registers to 64.
static constexpr int LEAST_BLOCKS = 4;

/// Some rows of input chroma.
struct SourceRows {
    float cb[STEP][MOST_COLUMNS], cr[STEP][MOST_COLUMNS];

    /// Loads `columns` columns from `left` on of `rows` rows from `top` on, counted from the visible part's first.
    template <typename Source, bool ALIGNED>
    __device__ __forceinline__ void load(const ScaleChromaParams &p, int left, int columns, int top, int rows)
    {
        for (int column = thread_y() * LANES + thread_x(); column < columns; column += BLOCK_COLUMNS) {
            typename Source::Stored stored[STEP];
#pragma unroll
            for (int i = 0; i < STEP; i++)
                stored[i] = Source::template load<ALIGNED>(p, p.first_x + left + column,
                                                           p.first_y + top + least(i, rows - 1));
#pragma unroll
            for (int i = 0; i < STEP; i++) {
                const Chroma<float> level = Source::levels(p, stored[i]);
                cb[i][column] = level.b;
                cr[i][column] = level.r;
            }
        }
    }
};

/// The filter of a column.
struct ColumnFilter {
    int k, start;

    /// Adds the products of taps `tap` to `tap + TAPS`, whose samples lie in `rows` from column `left` of the input on.
    template <int TAPS>
    __device__ __forceinline__ void add(const ScaleChromaParams &p, const SourceRows &rows, int left, int tap,
                                        float (&cb)[STEP], float (&cr)[STEP]) const
    {
        float weight[TAPS];
        int at[TAPS];
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            weight[t] = reinterpret_cast<const float *>(p.weights)[(u64)(tap + t) * p.columns + k];
            at[t] = clamped(start + tap + t, 0, p.samples - 1) - left;
        }
#pragma unroll
        for (int i = 0; i < STEP; i++) {
#pragma unroll
            for (int t = 0; t < TAPS; t++) {
                cb[i] += weight[t] * rows.cb[i][at[t]];
                cr[i] += weight[t] * rows.cr[i][at[t]];
            }
        }
    }

    __device__ __forceinline__ void add_all(const ScaleChromaParams &p, const SourceRows &rows, int left,
                                            float (&cb)[STEP], float (&cr)[STEP]) const
    {
        if (p.taps == 1) {
            add<1>(p, rows, left, 0, cb, cr);
        } else {
            for (int tap = 0; tap < p.taps; tap += TAPS_AT_ONCE)
                add<TAPS_AT_ONCE>(p, rows, left, tap, cb, cr);
        }
    }
};

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

/// What a block keeps to itself.
struct Shared {
    SourceRows source;
    ScaledRows scaled;
};

/// Scales rows `first` to `last` of the input's chroma to the block's columns.
template <typename Source, bool ALIGNED>
__device__ __forceinline__ void scale_columns(const ScaleChromaParams &p, Shared &shared, int first, int last)
{
    const int index = thread_y() * LANES + thread_x();
    const int *starts = reinterpret_cast<const int *>(p.starts);
    // Columns after the last are copies of it.
    const int k = least(block_x() * BLOCK_COLUMNS + index, p.columns - 1);
    const int end = least((block_x() + 1) * BLOCK_COLUMNS, p.columns) - 1;
    const ColumnFilter filter = {k, starts[k]};
    const int left = clamped(starts[block_x() * BLOCK_COLUMNS], 0, p.samples - 1);
    const int right = clamped(starts[end] + p.taps - 1, 0, p.samples - 1);
    for (int row = first; row <= last; row += STEP) {
        if (row > first)
            block_barrier();
        shared.source.load<Source, ALIGNED>(p, left, right - left + 1, row, last - row + 1);
        block_barrier();
        float cb[STEP] = {}, cr[STEP] = {};
        filter.add_all(p, shared.source, left, cb, cr);
#pragma unroll
        for (int i = 0; i < STEP; i++)
            if (row + i <= last)
                shared.scaled.store(row + i - first, index, cb[i], cr[i]);
    }
    block_barrier();
}

template <typename Source, typename Target, typename Element>
__device__ __forceinline__ void pack_luma_whole(const PackLumaWholeParams &p, Shared &shared)
{
    const PackLumaParams &out = p.pack;
    const int x = (block_x() * LANES + thread_x()) * PIXELS, top = block_y() * BLOCK_ROWS;
    const int end = least(top + BLOCK_ROWS, out.frame.height);
    const int *starts = reinterpret_cast<const int *>(out.starts);
    const int first = clamped(starts[top], 0, out.chroma_rows - 1);
    const int last = clamped(starts[end - 1] + out.taps - 1, 0, out.chroma_rows - 1);
    if (p.scale.flags & FRAME_ALIGNED)
        scale_columns<Source, true>(p.scale, shared, first, last);
    else
        scale_columns<Source, false>(p.scale, shared, first, last);

    if (x >= out.frame.width)
        return;
    const SharedRows rows = {shared.scaled, first, thread_x() * PIXELS / 4};
#pragma unroll
    for (int i = 0; i < THREAD_ROWS; i++) {
        const int y = top + thread_y() + i * BLOCK_WARPS;
        if (y >= end)
            return;
        float luma[1][8];
        load_rows<Element>(out.frame, x, {channel_row<Element>(out.frame, 0, y)}, luma);
        Levels<PIXELS> cb, cr;
        interpolate_rows(out, rows, y, cb, cr);
        count_non_finite(out.frame, x, luma);
        Target::store(out, x, y, luma[0], cb, cr);
    }
}

// The entry points: one for each way of storing pixels and each element type. src/pixels/layout.rs has their names.
#define ENTRY(name, element, ...)                                                                                      \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_WARPS, LEAST_BLOCKS)                                     \
        pack_luma_whole_##name##_##element(const PackLumaWholeParams p)                                                \
    {                                                                                                                  \
        __shared__ Shared shared;                                                                                      \
        pack_luma_whole<__VA_ARGS__>(p, shared);                                                                       \
    }

ENTRY(planar_444_8, f32, Planar<u8>, Planes<u8>, float)
ENTRY(planar_444_8, f16, Planar<u8>, Planes<u8>, f16)
ENTRY(planar_444_16, f32, Planar<u16>, Planes<u16>, float)
ENTRY(planar_444_16, f16, Planar<u16>, Planes<u16>, f16)
ENTRY(packed_8, f32, Packed, Pixels, float)
ENTRY(packed_8, f16, Packed, Pixels, f16)

RAVE_HOST_LAUNCHER(pack_luma_whole, PackLumaWholeParams)
