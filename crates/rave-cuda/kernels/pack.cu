// A tensor to a frame: rave_core::pixels, "Tensor to frame", operation for operation.
// RV-CUDA-1001
//
// A warp takes 256 columns of a row, a thread 8 of them. Chroma is halved horizontally with what the neighbouring lanes
// hold, then vertically through shared memory: a block makes 16 rows of luma and reads up to 3 rows around them.

#include "codes.cuh"

static constexpr int TILE_ROWS = 16;
static constexpr int TILE_HALO = 3;
/// Warps of a block that halves rows: 19 rows take two rounds.
static constexpr int TILE_WARPS = 10;
/// Warps of a block that does not.
static constexpr int ROW_WARPS = 8;
/// Blocks that a multiprocessor should hold at least, which limits registers to 64 in both.
static constexpr int TILE_BLOCKS = 3;
static constexpr int ROW_BLOCKS = 4;
/// Chroma columns of a block.
static constexpr int TILE_COLUMNS = LANES * PIXELS / 2;

/// R, G and B of eight columns from `x` on; those outside the frame are copies of the last.
template <typename Element>
__device__ __forceinline__ void load_rgb(const PackParams &p, int x, int y, float (&rgb)[3][8])
{
    load_rows<Element>(
        p, x, {channel_row<Element>(p, 0, y), channel_row<Element>(p, 1, y), channel_row<Element>(p, 2, y)}, rgb);
}

__device__ __forceinline__ float luma_of(const PackParams &p, float r, float g, float b)
{
    return (p.weight_r * r + p.weight_g * g) + p.weight_b * b;
}

/// B - Y and R - Y of one pixel inside the frame.
struct Differences {
    float b, r;
};

/// Elements of one pixel as they are stored, which nothing waits for until they are used.
template <typename Element> struct Pixel {
    Element rgb[3];
};

template <typename Element> __device__ __forceinline__ Pixel<Element> pixel_at(const PackParams &p, int x, int y)
{
    return {{channel_row<Element>(p, 0, y)[x], channel_row<Element>(p, 1, y)[x], channel_row<Element>(p, 2, y)[x]}};
}

template <typename Element>
__device__ __forceinline__ Differences differences_of(const PackParams &p, const Pixel<Element> &pixel)
{
    const float r = element(pixel.rgb, 0), g = element(pixel.rgb, 1), b = element(pixel.rgb, 2);
    const float luma = luma_of(p, r, g, b);
    return {b - luma, r - luma};
}

template <typename Element> __device__ __forceinline__ Differences differences_at(const PackParams &p, int x, int y)
{
    return differences_of(p, pixel_at<Element>(p, x, y));
}

/// What a warp needs of a row beside its own columns: its first lane the two before them, its last lane the one after.
template <typename Element> struct Beside {
    Pixel<Element> far, near;
};

/// Loads it where it is inside the frame. Called before the warp's own columns are loaded, so that all arrive together.
template <typename Element>
__device__ __forceinline__ Beside<Element> load_beside(const PackParams &p, int x, int y)
{
    Beside<Element> beside = {};
    if (thread_x() == 0 && x > 0) {
        beside.far = pixel_at<Element>(p, x - 2, y);
        beside.near = pixel_at<Element>(p, x - 1, y);
    }
    if (thread_x() == LANES - 1 && x + PIXELS < p.width)
        beside.near = pixel_at<Element>(p, x + PIXELS, y);
    return beside;
}

/// What stands after the last column.
template <typename Element> __device__ __forceinline__ Differences after_last(const PackParams &p, int y)
{
    const Differences last = differences_at<Element>(p, p.width - 1, y);
    if (!p.extrapolate_x)
        return last;
    const Differences before = differences_at<Element>(p, p.width - 2, y);
    return {p.near_x * last.b + p.far_x * before.b, p.near_x * last.r + p.far_x * before.r};
}

/// The midway filter, times 4.
__device__ __forceinline__ float midway(float a, float b, float c, float d) { return 3.0f * (b + c) - (a + d); }

/// The filter on a sample, times 8.
__device__ __forceinline__ float on_sample(float a, float b, float c, float d, float e)
{
    return (6.0f * c + 2.0f * (b + d)) - (a + e);
}

/// Four chroma samples of eight columns, the two before them and the one after them.
__device__ __forceinline__ void halve_columns(const PackParams &p, float left_2, float left_1, const float (&d)[8],
                                              float right, float (&out)[4])
{
    if (p.half_steps_x == 1) {
        out[0] = midway(left_1, d[0], d[1], d[2]);
        out[1] = midway(d[1], d[2], d[3], d[4]);
        out[2] = midway(d[3], d[4], d[5], d[6]);
        out[3] = midway(d[5], d[6], d[7], right);
    } else {
        out[0] = on_sample(left_2, left_1, d[0], d[1], d[2]);
        out[1] = on_sample(d[0], d[1], d[2], d[3], d[4]);
        out[2] = on_sample(d[2], d[3], d[4], d[5], d[6]);
        out[3] = on_sample(d[4], d[5], d[6], d[7], right);
    }
}

/// Halves a row's differences. Every lane of the warp must call it.
template <typename Element>
__device__ __forceinline__ void halve_row(const PackParams &p, int x, int y, const Beside<Element> &beside,
                                          float (&db)[8], float (&dr)[8], float (&cb)[4], float (&cr)[4])
{
    if (x + PIXELS > p.width) {
        const Differences after = after_last<Element>(p, y);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            if (x + i >= p.width) {
                db[i] = after.b;
                dr[i] = after.r;
            }
        }
    }
    float left_b2 = of_lane_before(db[6]), left_b1 = of_lane_before(db[7]);
    float left_r2 = of_lane_before(dr[6]), left_r1 = of_lane_before(dr[7]);
    float right_b = of_lane_after(db[0]), right_r = of_lane_after(dr[0]);
    if (thread_x() == 0) {
        if (x == 0) {
            left_b2 = left_b1 = db[0];
            left_r2 = left_r1 = dr[0];
        } else {
            const Differences two = differences_of(p, beside.far), one = differences_of(p, beside.near);
            left_b2 = two.b, left_b1 = one.b;
            left_r2 = two.r, left_r1 = one.r;
        }
    }
    if (thread_x() == LANES - 1) {
        const Differences after =
            x + PIXELS < p.width ? differences_of(p, beside.near) : after_last<Element>(p, y);
        right_b = after.b;
        right_r = after.r;
    }
    halve_columns(p, left_b2, left_b1, db, right_b, cb);
    halve_columns(p, left_r2, left_r1, dr, right_r, cr);
}

template <typename Element>
__device__ __forceinline__ void luma_and_differences(const PackParams &p, const float (&rgb)[3][8], float (&luma)[8],
                                                     float (&db)[8], float (&dr)[8])
{
#pragma unroll
    for (int i = 0; i < 8; i++) {
        luma[i] = luma_of(p, rgb[0][i], rgb[1][i], rgb[2][i]);
        db[i] = rgb[2][i] - luma[i];
        dr[i] = rgb[0][i] - luma[i];
    }
}

/// Chroma at every row: no shared memory.
template <typename Sample, Layout LAYOUT, bool HALVED_COLUMNS, typename Element>
__device__ __forceinline__ void pack_rows(const PackParams &p)
{
    const int x = (block_x() * LANES + thread_x()) * PIXELS;
    const int y = block_y() * ROW_WARPS + thread_y();
    if (y >= p.height)
        return;
    const Beside<Element> beside = HALVED_COLUMNS ? load_beside<Element>(p, x, y) : Beside<Element>{};
    float rgb[3][8] = {}, luma[8], db[8], dr[8];
    // Lanes after the last column only take part in the exchange.
    if (x < p.width)
        load_rgb<Element>(p, x, y, rgb);
    count_non_finite(p, x, rgb);
    luma_and_differences<Element>(p, rgb, luma, db, dr);
    store_luma<Sample>(p, x, y, luma);
    if constexpr (HALVED_COLUMNS) {
        float cb[4], cr[4];
        halve_row<Element>(p, x, y, beside, db, dr, cb, cr);
        store_chroma<Sample, LAYOUT>(p, x / 2, y, (p.width + 1) / 2, cb, cr);
    } else {
        store_chroma<Sample, LAYOUT>(p, x, y, p.width, db, dr);
    }
}

/// Horizontally halved rows of a block, from `first` on.
struct Tile {
    float (*rows)[2][TILE_COLUMNS];
    int first;

    __device__ __forceinline__ float4 &at(int y, int component, int lane) const
    {
        return reinterpret_cast<float4 *>(rows[y - first][component])[lane];
    }

    /// Row `y`, or what stands above the first row or below the last.
    __device__ __forceinline__ float4 tap(const PackParams &p, int y, int component, int lane) const
    {
        if (y < p.height)
            return at(most(y, 0), component, lane);
        const float4 last = at(p.height - 1, component, lane);
        if (!p.extrapolate_y)
            return last;
        const float4 before = at(p.height - 2, component, lane);
        return float4{p.near_y * last.x + p.far_y * before.x, p.near_y * last.y + p.far_y * before.y,
                      p.near_y * last.z + p.far_y * before.z, p.near_y * last.w + p.far_y * before.w};
    }
};

__device__ __forceinline__ void halve_rows(const PackParams &p, const Tile &tile, int row, int component, int lane,
                                           float (&out)[4])
{
    const int first = 2 * row - (p.half_steps_y == 0 ? 2 : 1);
    const float4 a = tile.tap(p, first, component, lane), b = tile.tap(p, first + 1, component, lane);
    const float4 c = tile.tap(p, first + 2, component, lane), d = tile.tap(p, first + 3, component, lane);
    if (p.half_steps_y == 1) {
        out[0] = midway(a.x, b.x, c.x, d.x);
        out[1] = midway(a.y, b.y, c.y, d.y);
        out[2] = midway(a.z, b.z, c.z, d.z);
        out[3] = midway(a.w, b.w, c.w, d.w);
    } else {
        const float4 e = tile.tap(p, first + 4, component, lane);
        out[0] = on_sample(a.x, b.x, c.x, d.x, e.x);
        out[1] = on_sample(a.y, b.y, c.y, d.y, e.y);
        out[2] = on_sample(a.z, b.z, c.z, d.z, e.z);
        out[3] = on_sample(a.w, b.w, c.w, d.w, e.w);
    }
}

/// Chroma halved both ways.
template <typename Sample, Layout LAYOUT, typename Element> __device__ __forceinline__ void pack_420(const PackParams &p)
{
    __shared__ __attribute__((aligned(16))) float shared_rows[TILE_ROWS + TILE_HALO][2][TILE_COLUMNS];
    const int lane = thread_x(), warp = thread_y();
    const int x = (block_x() * LANES + lane) * PIXELS;
    const int top = block_y() * TILE_ROWS;
    const Tile tile = {shared_rows, top - (p.half_steps_y == 0 ? 2 : 1)};
    const int end = least(top + TILE_ROWS + (p.half_steps_y == 2 ? 2 : 1), p.height);

    for (int y = tile.first + warp; y < end; y += TILE_WARPS) {
        if (y < 0)
            continue;
        const Beside<Element> beside = load_beside<Element>(p, x, y);
        float rgb[3][8] = {}, luma[8], db[8], dr[8], cb[4], cr[4];
        // Lanes after the last column only take part in the exchange.
        if (x < p.width)
            load_rgb<Element>(p, x, y, rgb);
        luma_and_differences<Element>(p, rgb, luma, db, dr);
        if (y >= top && y < top + TILE_ROWS) {
            count_non_finite(p, x, rgb);
            store_luma<Sample>(p, x, y, luma);
        }
        halve_row<Element>(p, x, y, beside, db, dr, cb, cr);
        tile.at(y, 0, lane) = float4{cb[0], cb[1], cb[2], cb[3]};
        tile.at(y, 1, lane) = float4{cr[0], cr[1], cr[2], cr[3]};
    }
    block_barrier();

    const int row = top / 2 + warp;
    if (warp >= TILE_ROWS / 2 || 2 * row >= p.height)
        return;
    float cb[4], cr[4];
    halve_rows(p, tile, row, 0, lane, cb);
    halve_rows(p, tile, row, 1, lane, cr);
    store_chroma<Sample, LAYOUT>(p, x / 2, row, (p.width + 1) / 2, cb, cr);
}

template <typename Element> __device__ __forceinline__ void pack_packed(const PackParams &p)
{
    const int x = (block_x() * LANES + thread_x()) * PIXELS;
    const int y = block_y() * ROW_WARPS + thread_y();
    if (x >= p.width || y >= p.height)
        return;
    float rgb[3][8];
    load_rgb<Element>(p, x, y, rgb);
    count_non_finite(p, x, rgb);
    store_packed(p, x, y, rgb);
}

// The entry points: one for each way of storing pixels and each element type. src/pixels/layout.rs has their names.
#define ENTRY(kind, name, ...)                                                                                         \
    extern "C" __global__ void __launch_bounds__(LANES *kind##_WARPS, kind##_BLOCKS) pack_##name##_f32(const PackParams p) \
    {                                                                                                                  \
        using Element = float;                                                                                         \
        __VA_ARGS__(p);                                                                                                \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(LANES *kind##_WARPS, kind##_BLOCKS) pack_##name##_f16(const PackParams p) \
    {                                                                                                                  \
        using Element = f16;                                                                                           \
        __VA_ARGS__(p);                                                                                                \
    }

ENTRY(TILE, semi_planar_420_8, pack_420<u8, SEMI_PLANAR, Element>)
ENTRY(TILE, semi_planar_420_16, pack_420<u16, SEMI_PLANAR, Element>)
ENTRY(TILE, planar_420_8, pack_420<u8, PLANAR, Element>)
ENTRY(TILE, planar_420_16, pack_420<u16, PLANAR, Element>)
ENTRY(ROW, semi_planar_422_8, pack_rows<u8, SEMI_PLANAR, true, Element>)
ENTRY(ROW, semi_planar_422_16, pack_rows<u16, SEMI_PLANAR, true, Element>)
ENTRY(ROW, planar_422_8, pack_rows<u8, PLANAR, true, Element>)
ENTRY(ROW, planar_422_16, pack_rows<u16, PLANAR, true, Element>)
ENTRY(ROW, planar_444_8, pack_rows<u8, PLANAR, false, Element>)
ENTRY(ROW, planar_444_16, pack_rows<u16, PLANAR, false, Element>)
ENTRY(ROW, packed_8, pack_packed<Element>)

RAVE_HOST_LAUNCHER(pack, PackParams)
