// Tensors' elements to a frame's codes: what the kernels that write frames share.
#pragma once

#include "samples.cuh"

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

/// Eight columns from `x` on of some rows; those outside the frame are copies of the last. One branch for all rows, so
/// that their loads are under way together.
template <typename Element, int ROWS>
__device__ __forceinline__ void load_rows(const PackParams &p, int x, const Element *const (&row)[ROWS],
                                          float (&v)[ROWS][8])
{
    if ((p.flags & TENSOR_ALIGNED) && x + PIXELS <= p.width) {
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            load_whole(row[r] + x, v[r]);
    } else {
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int i = 0; i < 8; i++)
                v[r][i] = element(row[r], least(x + i, p.width - 1));
    }
}

/// Adds the elements of columns inside the frame and of the first `rows` rows that are NaN or infinite to the counter.
template <int ROWS>
__device__ __forceinline__ void count_non_finite(const PackParams &p, int x, const float (&v)[ROWS][8], int rows = ROWS)
{
    // A finite number times 0 adds 0, anything else makes the sum NaN.
    float sum = 0.0f;
#pragma unroll
    for (int r = 0; r < ROWS; r++)
#pragma unroll
        for (int i = 0; i < 8; i++)
            sum = fused(v[r][i], 0.0f, sum);
    if (sum == 0.0f || p.non_finite == 0)
        return;
    u32 count = 0;
#pragma unroll
    for (int r = 0; r < ROWS; r++)
#pragma unroll
        for (int i = 0; i < 8; i++)
            count += r < rows && x + i < p.width && (as_bits(v[r][i]) & 0x7f800000) == 0x7f800000;
    if (count > 0)
        count_up(p.non_finite, count);
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

/// Writes pixels of four bytes, the fourth 255.
__device__ __forceinline__ void store_packed(const PackParams &p, int x, int y, const float (&rgb)[3][8])
{
    float bias[8];
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
