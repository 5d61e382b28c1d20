// Tiles of a canvas, cut out of it and blended into it: rave_core::tiling, operation for operation.
//
// A thread handles columns that are a warp's width apart, so that every access of a warp is contiguous: tiles begin
// anywhere in a canvas, and nothing that is aligned in the one is in the other.

#include "params.h"

/// Columns of a thread.
static constexpr int COLUMNS = 4;
/// Rows, and warps, of a block.
static constexpr int BLOCK_ROWS = 8;

/// The half of AxisPoint::offsets that stands for no tile.
static constexpr u32 NO_TILE = 0xffff;

__device__ __forceinline__ void convert(float from, float &to) { to = from; }
__device__ __forceinline__ void convert(f16 from, f16 &to) { to = from; }
__device__ __forceinline__ void convert(float from, f16 &to) { to.bits = f16_bits(from); }
__device__ __forceinline__ void convert(f16 from, float &to) { to = of_f16_bits(from.bits); }

/// Cuts tiles `first` and following of a canvas into the slots of a batch.
template <typename From, typename To> __device__ __forceinline__ void cut(const CutParams &p)
{
    const int slot = block_x() / p.blocks_across;
    const int x = block_x() % p.blocks_across * (LANES * COLUMNS) + thread_x();
    const int y = block_y() * BLOCK_ROWS + thread_y();
    if (y >= p.tile_height)
        return;
    const int tile = p.first + slot;
    const int left = reinterpret_cast<const int *>(p.columns)[tile % p.tiles_across];
    const int top = reinterpret_cast<const int *>(p.rows)[tile / p.tiles_across];
    for (int channel = 0; channel < p.channels; channel++) {
        const From *from = reinterpret_cast<const From *>(p.canvas) +
                           ((u64)channel * p.canvas_height + top + y) * p.canvas_width + left;
        To *to = reinterpret_cast<To *>(p.batch) +
                 (((u64)slot * p.channels + channel) * p.tile_height + y) * p.tile_width;
        From value[COLUMNS];
#pragma unroll
        for (int i = 0; i < COLUMNS; i++)
            value[i] = from[least(x + i * LANES, p.tile_width - 1)];
#pragma unroll
        for (int i = 0; i < COLUMNS; i++)
            if (x + i * LANES < p.tile_width)
                convert(value[i], to[x + i * LANES]);
    }
}

__device__ __forceinline__ AxisPoint point(u64 points, int at)
{
    const uint4 words = reinterpret_cast<const uint4 *>(points)[at];
    return {words.x, words.y, as_float(words.z), as_float(words.w)};
}

/// One of the up to four tiles at a pixel of the canvas, in the order of their numbers: bit 0 is the next column of tiles,
/// bit 1 the next row.
struct Corner {
    const AxisPoint &column, &row;
    int which;

    __device__ __forceinline__ int offset_x() const
    {
        return which & 1 ? (int)(column.offsets >> 16) : (int)(column.offsets & 0xffff);
    }

    __device__ __forceinline__ int offset_y() const
    {
        return which & 2 ? (int)(row.offsets >> 16) : (int)(row.offsets & 0xffff);
    }

    __device__ __forceinline__ bool exists() const
    {
        return offset_x() != (int)NO_TILE && offset_y() != (int)NO_TILE;
    }

    __device__ __forceinline__ int tile(const BlendParams &p) const
    {
        return ((int)row.tile + (which >> 1)) * p.tiles_across + (int)column.tile + (which & 1);
    }

    /// The index of its element of channel 0 in the batch.
    __device__ __forceinline__ u64 index(const BlendParams &p) const
    {
        const u64 slot = (u64)(tile(p) - p.first);
        return (slot * p.channels * p.tile_height + offset_y()) * p.tile_width + offset_x();
    }

    __device__ __forceinline__ float weight() const
    {
        return (which & 1 ? column.next_weight : column.weight) * (which & 2 ? row.next_weight : row.weight);
    }
};

/// What a pixel of the canvas is made of: bit N says that corner N lies in the batch.
static constexpr u32 CORNERS = 15;
/// And this, that tiles before the batch are in the canvas already.
static constexpr u32 BEGUN = 16;

__device__ __forceinline__ u32 parts(const BlendParams &p, const AxisPoint &column, const AxisPoint &row)
{
    u32 found = 0;
#pragma unroll
    for (int which = 0; which < 4; which++) {
        const Corner corner = {column, row, which};
        if (corner.exists() && corner.tile(p) < p.end)
            found |= corner.tile(p) < p.first ? BEGUN : 1u << which;
    }
    return found;
}

__device__ __forceinline__ int lowest(u32 corners) { return corners & 1 ? 0 : corners & 2 ? 1 : corners & 4 ? 2 : 3; }

__device__ __forceinline__ float element(const f16 *batch, u64 index) { return of_f16_bits(batch[index].bits); }
__device__ __forceinline__ float element(const float *batch, u64 index) { return batch[index]; }

/// Adds the tiles of a batch to the canvas: each pixel is written once, from the tiles at it in the order of their
/// numbers. The first of them starts from 0, not from what the canvas holds.
template <typename Element> __device__ __forceinline__ void blend(const BlendParams &p)
{
    const int x = p.left + block_x() * (LANES * COLUMNS) + thread_x();
    const int y = p.top + block_y() * BLOCK_ROWS + thread_y();
    if (y >= p.bottom)
        return;
    const Element *batch = reinterpret_cast<const Element *>(p.batch);
    u32 part[COLUMNS];
    u64 first[COLUMNS];
    float weight[COLUMNS];
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        const AxisPoint column = point(p.columns, least(x + i * LANES, p.right - 1)), row = point(p.rows, y);
        part[i] = x + i * LANES < p.right ? parts(p, column, row) : 0;
        const Corner corner = {column, row, lowest(part[i])};
        first[i] = part[i] & CORNERS ? corner.index(p) : 0;
        weight[i] = corner.weight();
    }
    const u64 plane = (u64)p.tile_height * p.tile_width;
    for (int channel = 0; channel < p.channels; channel++) {
        float *canvas = reinterpret_cast<float *>(p.canvas) + ((u64)channel * p.canvas_height + y) * p.canvas_width + x;
        // What most pixels need, all at once.
        float sum[COLUMNS], value[COLUMNS];
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            sum[i] = part[i] & CORNERS && part[i] & BEGUN ? canvas[i * LANES] : 0.0f;
            value[i] = part[i] & CORNERS ? element(batch, first[i] + channel * plane) : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            const u32 corners = part[i] & CORNERS;
            if (corners == 0)
                continue;
            // 0 + -0 is 0, as on the host.
            sum[i] = sum[i] + value[i] * weight[i];
            const u32 others = corners & (corners - 1);
            if (others != 0) {
                // Few come here: looking it up again is cheaper than keeping it in registers.
                const AxisPoint column = point(p.columns, x + i * LANES), row = point(p.rows, y);
#pragma unroll
                for (int which = 1; which < 4; which++) {
                    const Corner corner = {column, row, which};
                    if (others >> which & 1)
                        sum[i] = sum[i] + element(batch, corner.index(p) + channel * plane) * corner.weight();
                }
            }
            canvas[i * LANES] = sum[i];
        }
    }
}

// The entry points: from what to what. src/pixels/tiles.rs has their names.
#define CUT(name, From, To)                                                                                            \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_ROWS) cut_##name(const CutParams p) { cut<From, To>(p); }
#define BLEND(name, Element)                                                                                           \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_ROWS) blend_##name(const BlendParams p)                  \
    {                                                                                                                  \
        blend<Element>(p);                                                                                             \
    }

CUT(f32_f32, float, float)
CUT(f32_f16, float, f16)
CUT(f16_f32, f16, float)
CUT(f16_f16, f16, f16)
BLEND(f32, float)
BLEND(f16, f16)

RAVE_HOST_LAUNCHER(cut, CutParams)
RAVE_HOST_LAUNCHER(blend, BlendParams)
