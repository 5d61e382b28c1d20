// A tensor to a frame: rave_core::pixels, "Tensor to frame", operation for operation.
//
// A warp takes 256 columns of a row, a thread 8 of them. Chroma is halved horizontally with what the neighbouring lanes
// hold, then vertically through shared memory: a block makes 16 rows of luma and reads up to 3 rows around them.

#include "params.h"

enum Layout { SEMI_PLANAR, PLANAR };

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

static constexpr float TWO_23 = 8388608.0f;

/// (k + 1/2) / 64 for the k of rave_core::pixels::BAYER, by row and column.
#define B(k) ((k + 0.5f) / 64.0f)
__constant__ float DITHER_BIAS[8][8] = {
    {B(0), B(32), B(8), B(40), B(2), B(34), B(10), B(42)},     {B(48), B(16), B(56), B(24), B(50), B(18), B(58), B(26)},
    {B(12), B(44), B(4), B(36), B(14), B(46), B(6), B(38)},    {B(60), B(28), B(52), B(20), B(62), B(30), B(54), B(22)},
    {B(3), B(35), B(11), B(43), B(1), B(33), B(9), B(41)},     {B(51), B(19), B(59), B(27), B(49), B(17), B(57), B(25)},
    {B(15), B(47), B(7), B(39), B(13), B(45), B(5), B(37)},    {B(63), B(31), B(55), B(23), B(61), B(29), B(53), B(21)},
};
#undef B

/// What is added before rounding down to N codes from column `x` (a multiple of N) of row `y` of a plane.
template <int N> __device__ __forceinline__ void load_bias(const PackParams &p, int x, int y, float (&bias)[N])
{
    if (p.flags & DITHER) {
#pragma unroll
        for (int i = 0; i < N; i++)
            bias[i] = DITHER_BIAS[y & 7][(x & (8 - N)) + i];
    } else {
#pragma unroll
        for (int i = 0; i < N; i++)
            bias[i] = 0.5f;
    }
}

/// `floor(value * scale + offset + bias)`, clamped to the codes; NaN gives 0. The bits above the lowest 16 are not zero.
__device__ __forceinline__ u32 code_of(float value, float scale, float offset, float bias, float max_code)
{
    const float code = value * scale + offset + bias;
    return as_bits(add_towards_zero(min_of(max_of(code, 0.0f), max_code), TWO_23));
}

__device__ __forceinline__ void unpack_halves(uint4 words, float (&v)[8])
{
    const u32 word[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        v[2 * i] = of_f16_bits((u16)word[i]);
        v[2 * i + 1] = of_f16_bits((u16)(word[i] >> 16));
    }
}

__device__ __forceinline__ void load_whole(const f16 *row, float (&v)[8])
{
    unpack_halves(*reinterpret_cast<const uint4 *>(row), v);
}

__device__ __forceinline__ void load_whole(const float *row, float (&v)[8])
{
    const float4 low = reinterpret_cast<const float4 *>(row)[0], high = reinterpret_cast<const float4 *>(row)[1];
    v[0] = low.x, v[1] = low.y, v[2] = low.z, v[3] = low.w;
    v[4] = high.x, v[5] = high.y, v[6] = high.z, v[7] = high.w;
}

__device__ __forceinline__ float element(const f16 *row, int x) { return of_f16_bits(row[x].bits); }
__device__ __forceinline__ float element(const float *row, int x) { return row[x]; }

/// The first element of row `y` of a channel.
template <typename Element>
__device__ __forceinline__ const Element *channel_row(const PackParams &p, int channel, int y)
{
    return reinterpret_cast<const Element *>(p.tensor) + ((u64)channel * p.tensor_height + y) * p.tensor_width;
}

/// R, G and B of eight columns from `x` on; those outside the frame are copies of the last.
template <typename Element>
__device__ __forceinline__ void load_rgb(const PackParams &p, int x, int y, float (&rgb)[3][8])
{
    const bool whole = (p.flags & TENSOR_ALIGNED) && x + PIXELS <= p.width;
#pragma unroll
    for (int channel = 0; channel < 3; channel++) {
        const Element *row = channel_row<Element>(p, channel, y);
        if (whole) {
            load_whole(row + x, rgb[channel]);
        } else {
#pragma unroll
            for (int i = 0; i < 8; i++)
                rgb[channel][i] = element(row, least(x + i, p.width - 1));
        }
    }
}

/// Adds the elements of columns inside the frame that are NaN or infinite to the counter.
__device__ __forceinline__ void count_non_finite(const PackParams &p, int x, const float (&rgb)[3][8])
{
    // A finite number times 0 adds 0, anything else makes the sum NaN.
    float sum = 0.0f;
#pragma unroll
    for (int channel = 0; channel < 3; channel++)
#pragma unroll
        for (int i = 0; i < 8; i++)
            sum = fused(rgb[channel][i], 0.0f, sum);
    if (sum == 0.0f || p.non_finite == 0)
        return;
    u32 count = 0;
#pragma unroll
    for (int channel = 0; channel < 3; channel++)
#pragma unroll
        for (int i = 0; i < 8; i++)
            count += x + i < p.width && (as_bits(rgb[channel][i]) & 0x7f800000) == 0x7f800000;
    if (count > 0)
        count_up(p.non_finite, count);
}

template <typename T> __device__ __forceinline__ T *row_of(u64 plane, u32 pitch, int y)
{
    return reinterpret_cast<T *>(plane + (u64)y * pitch);
}

/// Writes N codes, of which `count` are inside the frame.
__device__ __forceinline__ void store_codes(u8 *row, const u32 (&code)[8], int count, bool aligned)
{
    if (count >= 8 && aligned) {
        *reinterpret_cast<uint2 *>(row) =
            uint2{bytes(code[0], code[1], code[2], code[3]), bytes(code[4], code[5], code[6], code[7])};
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++)
            if (i < count)
                row[i] = (u8)code[i];
    }
}

__device__ __forceinline__ void store_codes(u16 *row, const u32 (&code)[8], int count, bool aligned)
{
    if (count >= 8 && aligned) {
        *reinterpret_cast<uint4 *>(row) = uint4{halves(code[0], code[1]), halves(code[2], code[3]),
                                                halves(code[4], code[5]), halves(code[6], code[7])};
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++)
            if (i < count)
                row[i] = (u16)code[i];
    }
}

__device__ __forceinline__ void store_codes(u8 *row, const u32 (&code)[4], int count, bool aligned)
{
    if (count >= 4 && aligned) {
        *reinterpret_cast<u32 *>(row) = bytes(code[0], code[1], code[2], code[3]);
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (i < count)
                row[i] = (u8)code[i];
    }
}

__device__ __forceinline__ void store_codes(u16 *row, const u32 (&code)[4], int count, bool aligned)
{
    if (count >= 4 && aligned) {
        *reinterpret_cast<uint2 *>(row) = uint2{halves(code[0], code[1]), halves(code[2], code[3])};
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (i < count)
                row[i] = (u16)code[i];
    }
}

template <typename Sample>
__device__ __forceinline__ void store_luma(const PackParams &p, int x, int y, const float (&luma)[8])
{
    float bias[8];
    load_bias(p, x, y, bias);
    u32 code[8];
#pragma unroll
    for (int i = 0; i < 8; i++)
        code[i] = code_of(luma[i], p.luma_scale, p.luma_offset, bias[i], p.max_code) << p.shift;
    store_codes(row_of<Sample>(p.plane[0], p.pitch[0], y) + x, code, p.width - x, p.flags & FRAME_ALIGNED);
}

/// Writes N samples of Cb and Cr from chroma column `x` of chroma row `y` on, out of `columns`.
template <typename Sample, Layout LAYOUT, int N>
__device__ __forceinline__ void store_chroma(const PackParams &p, int x, int y, int columns, const float (&cb)[N],
                                             const float (&cr)[N])
{
    float bias[N];
    load_bias(p, x, y, bias);
    u32 b[N], r[N];
#pragma unroll
    for (int i = 0; i < N; i++) {
        b[i] = code_of(cb[i], p.cb_scale, p.chroma_offset, bias[i], p.max_code) << p.shift;
        r[i] = code_of(cr[i], p.cr_scale, p.chroma_offset, bias[i], p.max_code) << p.shift;
    }
    const bool aligned = p.flags & FRAME_ALIGNED;
    if constexpr (LAYOUT == SEMI_PLANAR) {
        static_assert(N == 4, "semi-planar formats halve columns");
        const u32 pairs[8] = {b[0], r[0], b[1], r[1], b[2], r[2], b[3], r[3]};
        store_codes(row_of<Sample>(p.plane[1], p.pitch[1], y) + 2 * x, pairs, 2 * (columns - x), aligned);
    } else {
        store_codes(row_of<Sample>(p.plane[1], p.pitch[1], y) + x, b, columns - x, aligned);
        store_codes(row_of<Sample>(p.plane[2], p.pitch[2], y) + x, r, columns - x, aligned);
    }
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

/// R, G and B into pixels of four bytes, the fourth 255.
template <typename Element> __device__ __forceinline__ void pack_packed(const PackParams &p)
{
    const int x = (block_x() * LANES + thread_x()) * PIXELS;
    const int y = block_y() * ROW_WARPS + thread_y();
    if (x >= p.width || y >= p.height)
        return;
    float rgb[3][8], bias[8];
    load_rgb<Element>(p, x, y, rgb);
    count_non_finite(p, x, rgb);
    load_bias(p, x, y, bias);
    u32 pixel[8];
    const u32 padding = ~(0xffu << 8 * p.byte[0] | 0xffu << 8 * p.byte[1] | 0xffu << 8 * p.byte[2]);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        pixel[i] = padding;
#pragma unroll
        for (int channel = 0; channel < 3; channel++) {
            const u32 code = code_of(rgb[channel][i], p.luma_scale, p.luma_offset, bias[i], p.max_code);
            pixel[i] |= (code & 0xff) << 8 * p.byte[channel];
        }
    }
    u8 *row = row_of<u8>(p.plane[0], p.pitch[0], y) + 4 * x;
    if (x + PIXELS <= p.width && (p.flags & FRAME_ALIGNED)) {
        reinterpret_cast<uint4 *>(row)[0] = uint4{pixel[0], pixel[1], pixel[2], pixel[3]};
        reinterpret_cast<uint4 *>(row)[1] = uint4{pixel[4], pixel[5], pixel[6], pixel[7]};
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++)
            if (x + i < p.width)
#pragma unroll
                for (int byte = 0; byte < 4; byte++)
                    row[4 * i + byte] = (u8)(pixel[i] >> 8 * byte);
    }
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
