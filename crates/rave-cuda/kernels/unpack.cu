// A frame to a tensor: rave_core::pixels, "Frame to tensor", operation for operation.
// RV-CUDA-1001
//
// A thread makes 8 neighbouring elements of one row in every channel. A warp covers 256 columns of a row.

#include "samples.cuh"

static constexpr int BLOCK_ROWS = 8;

/// Eight samples from column `x` on. Where `whole` they are all there and aligned; else those after `last` are copies.
__device__ __forceinline__ void load_samples(const u8 *row, int x, int last, bool whole, u32 shift, u32 (&code)[8])
{
    if (whole) {
        const uint2 words = *reinterpret_cast<const uint2 *>(row + x);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            code[i] = words.x >> 8 * i & 0xff;
            code[i + 4] = words.y >> 8 * i & 0xff;
        }
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++)
            code[i] = row[least(x + i, last)];
    }
}

__device__ __forceinline__ void load_samples(const u16 *row, int x, int last, bool whole, u32 shift, u32 (&code)[8])
{
    if (whole) {
        const uint4 words = *reinterpret_cast<const uint4 *>(row + x);
        const u32 word[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            code[2 * i] = (word[i] & 0xffff) >> shift;
            code[2 * i + 1] = word[i] >> 16 >> shift;
        }
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++)
            code[i] = (u32)row[least(x + i, last)] >> shift;
    }
}

/// Where a thread reads chroma: 4 pairs of luma columns and one sample on either side.
struct ChromaWindow {
    int first, last; // chroma columns that cover the visible rectangle
    int start;       // chroma column of the thread's first pixel
    bool whole;      // the 4 samples are there and aligned
    u32 shift;
};

/// Six samples of Cb and Cr from column `start - 1` on; those outside are the nearest.
template <typename Sample>
__device__ __forceinline__ void load_pairs(const Sample *row, const ChromaWindow &at, u32 (&cb)[6], u32 (&cr)[6])
{
    const auto single = [&](int i) {
        const int k = clamped(at.start - 1 + i, at.first, at.last);
        cb[i] = (u32)row[2 * k] >> at.shift;
        cr[i] = (u32)row[2 * k + 1] >> at.shift;
    };
    if (at.whole) {
        u32 code[8];
        load_samples(row, 2 * at.start, 0, true, at.shift, code);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            cb[i + 1] = code[2 * i];
            cr[i + 1] = code[2 * i + 1];
        }
    } else {
#pragma unroll
        for (int i = 1; i < 5; i++)
            single(i);
    }
    single(0);
    single(5);
}

__device__ __forceinline__ void four(const u8 *row, u32 shift, u32 (&code)[6])
{
    const u32 word = *reinterpret_cast<const u32 *>(row);
#pragma unroll
    for (int i = 0; i < 4; i++)
        code[i + 1] = word >> 8 * i & 0xff;
}

__device__ __forceinline__ void four(const u16 *row, u32 shift, u32 (&code)[6])
{
    const uint2 words = *reinterpret_cast<const uint2 *>(row);
    code[1] = (words.x & 0xffff) >> shift;
    code[2] = words.x >> 16 >> shift;
    code[3] = (words.y & 0xffff) >> shift;
    code[4] = words.y >> 16 >> shift;
}

/// Six samples of one chroma plane from column `start - 1` on; those outside are the nearest.
template <typename Sample>
__device__ __forceinline__ void load_plane(const Sample *row, const ChromaWindow &at, u32 (&code)[6])
{
    const auto single = [&](int i) {
        code[i] = (u32)row[clamped(at.start - 1 + i, at.first, at.last)] >> at.shift;
    };
    if (at.whole) {
        four(row + at.start, at.shift, code);
    } else {
#pragma unroll
        for (int i = 1; i < 5; i++)
            single(i);
    }
    single(0);
    single(5);
}

template <typename Sample, Layout LAYOUT>
__device__ __forceinline__ void load_chroma(const UnpackParams &p, int y, const ChromaWindow &at, float (&cb)[6],
                                            float (&cr)[6])
{
    u32 b[6], r[6];
    if (LAYOUT == SEMI_PLANAR) {
        load_pairs(row_of<Sample>(p.plane[1], p.pitch[1], y), at, b, r);
    } else {
        load_plane(row_of<Sample>(p.plane[1], p.pitch[1], y), at, b);
        load_plane(row_of<Sample>(p.plane[2], p.pitch[2], y), at, r);
    }
    const float offset = p.chroma_offset + TWO_23;
#pragma unroll
    for (int i = 0; i < 6; i++) {
        cb[i] = centred(b[i], offset);
        cr[i] = centred(r[i], offset);
    }
}

/// Doubles six samples to the eight columns that start in the second one's pair, at its even (0) or odd (1) column.
/// Every product and sum is exact, so that fusing them changes nothing.
template <int ODD> __device__ __forceinline__ void widen(const float (&c)[6], const float (&taps)[4], float (&out)[8])
{
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const int k = (i + ODD) / 2 + 1;
        out[i] = (i + ODD) % 2 == 0 ? fused(taps[0], c[k - 1], taps[1] * c[k]) : fused(taps[3], c[k + 1], taps[2] * c[k]);
    }
}

__device__ __forceinline__ void store_elements(float *row, const float (&v)[8], int count, bool aligned)
{
    if (count >= 8 && aligned) {
        reinterpret_cast<float4 *>(row)[0] = float4{v[0], v[1], v[2], v[3]};
        reinterpret_cast<float4 *>(row)[1] = float4{v[4], v[5], v[6], v[7]};
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++)
            if (i < count)
                row[i] = v[i];
    }
}

__device__ __forceinline__ void store_elements(f16 *row, const float (&v)[8], int count, bool aligned)
{
    u32 bits[8];
#pragma unroll
    for (int i = 0; i < 8; i++)
        bits[i] = f16_bits(v[i]);
    if (count >= 8 && aligned) {
        *reinterpret_cast<uint4 *>(row) = uint4{bits[0] | bits[1] << 16, bits[2] | bits[3] << 16,
                                                bits[4] | bits[5] << 16, bits[6] | bits[7] << 16};
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++)
            if (i < count)
                row[i].bits = (u16)bits[i];
    }
}

/// The thread's place in the tensor and in the frame.
struct Place {
    int x, y;             // in the tensor
    int frame_x, frame_y; // in the frame; in the padding, of the last visible column and row
    int last_x;           // last visible column of the frame
    bool outside;
    bool whole; // all 8 pixels are visible and aligned
};

__device__ __forceinline__ Place place(const UnpackParams &p)
{
    Place at;
    at.x = (block_x() * LANES + thread_x()) * PIXELS;
    at.y = block_y() * BLOCK_ROWS + thread_y();
    at.outside = at.x >= p.tensor_width || at.y >= p.tensor_height;
    at.frame_x = p.crop_x + least(at.x, p.visible_width - 1);
    at.frame_y = p.crop_y + least(at.y, p.visible_height - 1);
    at.last_x = p.crop_x + p.visible_width - 1;
    at.whole = (p.flags & FRAME_ALIGNED) && at.x + PIXELS <= p.visible_width;
    return at;
}

/// Writes channel `channel`, with copies of the last visible column where there is none.
template <typename Element>
__device__ __forceinline__ void store_channel(const UnpackParams &p, const Place &at, int channel, float (&v)[8])
{
    if (at.x + PIXELS > p.visible_width) {
#pragma unroll
        for (int i = 1; i < 8; i++)
            if (at.x + i >= p.visible_width)
                v[i] = v[i - 1];
    }
    const u64 row = (u64)channel * p.tensor_height + at.y;
    Element *out = reinterpret_cast<Element *>(p.tensor) + row * p.tensor_width + at.x;
    store_elements(out, v, p.tensor_width - at.x, p.flags & TENSOR_ALIGNED);
}

template <typename Sample>
__device__ __forceinline__ void load_luma(const UnpackParams &p, const Place &at, float (&y)[8])
{
    u32 code[8];
    load_samples(row_of<Sample>(p.plane[0], p.pitch[0], at.frame_y), at.frame_x, at.last_x, at.whole, p.shift, code);
    const float offset = p.luma_offset + TWO_23;
#pragma unroll
    for (int i = 0; i < 8; i++)
        y[i] = centred(code[i], offset) * p.luma_scale;
}

/// Cb and Cr of the eight pixels, chroma halved in width and, where `HALVED_ROWS`, in height.
template <typename Sample, Layout LAYOUT, bool HALVED_ROWS>
__device__ __forceinline__ void load_halved_chroma(const UnpackParams &p, const Place &at, float (&cb)[8],
                                                   float (&cr)[8])
{
    ChromaWindow window;
    window.first = p.crop_x >> 1;
    window.last = at.last_x >> 1;
    window.start = at.frame_x >> 1;
    window.whole = at.whole;
    window.shift = p.shift;

    float b[6], r[6];
    if (HALVED_ROWS) {
        const bool odd = at.frame_y & 1;
        const float weight_here = odd ? p.vertical[2] : p.vertical[1];
        const float weight_other = odd ? p.vertical[3] : p.vertical[0];
        const int here = at.frame_y >> 1;
        const int top = p.crop_y >> 1, bottom = (p.crop_y + p.visible_height - 1) >> 1;
        load_chroma<Sample, LAYOUT>(p, here, window, b, r);
        if (weight_other != 0.0f) {
            float other_b[6], other_r[6];
            load_chroma<Sample, LAYOUT>(p, clamped(odd ? here + 1 : here - 1, top, bottom), window, other_b, other_r);
#pragma unroll
            for (int i = 0; i < 6; i++) {
                b[i] = fused(weight_other, other_b[i], weight_here * b[i]);
                r[i] = fused(weight_other, other_r[i], weight_here * r[i]);
            }
        }
    } else {
        load_chroma<Sample, LAYOUT>(p, at.frame_y, window, b, r);
    }
    if (at.frame_x & 1) {
        widen<1>(b, p.horizontal, cb);
        widen<1>(r, p.horizontal, cr);
    } else {
        widen<0>(b, p.horizontal, cb);
        widen<0>(r, p.horizontal, cr);
    }
}

template <typename Sample>
__device__ __forceinline__ void load_full_chroma(const UnpackParams &p, const Place &at, float (&cb)[8], float (&cr)[8])
{
    const float offset = p.chroma_offset + TWO_23;
    u32 code[8];
    load_samples(row_of<Sample>(p.plane[1], p.pitch[1], at.frame_y), at.frame_x, at.last_x, at.whole, p.shift, code);
#pragma unroll
    for (int i = 0; i < 8; i++)
        cb[i] = centred(code[i], offset);
    load_samples(row_of<Sample>(p.plane[2], p.pitch[2], at.frame_y), at.frame_x, at.last_x, at.whole, p.shift, code);
#pragma unroll
    for (int i = 0; i < 8; i++)
        cr[i] = centred(code[i], offset);
}

template <typename Sample, Layout LAYOUT, bool HALVED_COLUMNS, bool HALVED_ROWS, typename Element>
__device__ __forceinline__ void unpack_yuv(const UnpackParams &p)
{
    const Place at = place(p);
    if (at.outside)
        return;
    float y[8], cb[8], cr[8];
    load_luma<Sample>(p, at, y);
    if (HALVED_COLUMNS)
        load_halved_chroma<Sample, LAYOUT, HALVED_ROWS>(p, at, cb, cr);
    else
        load_full_chroma<Sample>(p, at, cb, cr);

    float out[8];
#pragma unroll
    for (int i = 0; i < 8; i++)
        out[i] = y[i] + p.r_cr * cr[i];
    store_channel<Element>(p, at, 0, out);
#pragma unroll
    for (int i = 0; i < 8; i++)
        out[i] = (y[i] + p.g_cb * cb[i]) + p.g_cr * cr[i];
    store_channel<Element>(p, at, 1, out);
#pragma unroll
    for (int i = 0; i < 8; i++)
        out[i] = y[i] + p.b_cb * cb[i];
    store_channel<Element>(p, at, 2, out);
}

template <typename Sample, typename Element> __device__ __forceinline__ void unpack_luma(const UnpackParams &p)
{
    const Place at = place(p);
    if (at.outside)
        return;
    float y[8];
    load_luma<Sample>(p, at, y);
    store_channel<Element>(p, at, 0, y);
}

/// R, G and B of pixels of four bytes.
__device__ __forceinline__ void load_packed(const UnpackParams &p, const Place &at, float (&rgb)[3][8])
{
    const u8 *row = row_of<u8>(p.plane[0], p.pitch[0], at.frame_y);
    u32 pixel[8];
    if (at.whole) {
        const uint4 *words = reinterpret_cast<const uint4 *>(row + 4 * at.frame_x);
        const uint4 low = words[0], high = words[1];
        pixel[0] = low.x, pixel[1] = low.y, pixel[2] = low.z, pixel[3] = low.w;
        pixel[4] = high.x, pixel[5] = high.y, pixel[6] = high.z, pixel[7] = high.w;
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            const u8 *at_pixel = row + 4 * least(at.frame_x + i, at.last_x);
            pixel[i] = at_pixel[0] | at_pixel[1] << 8 | at_pixel[2] << 16 | (u32)at_pixel[3] << 24;
        }
    }
    const float offset = p.luma_offset + TWO_23;
#pragma unroll
    for (int channel = 0; channel < 3; channel++) {
        const u32 down = 8 * p.byte[channel];
#pragma unroll
        for (int i = 0; i < 8; i++)
            rgb[channel][i] = centred(pixel[i] >> down & 0xff, offset) * p.luma_scale;
    }
}

template <typename Element> __device__ __forceinline__ void unpack_packed(const UnpackParams &p)
{
    const Place at = place(p);
    if (at.outside)
        return;
    float rgb[3][8];
    load_packed(p, at, rgb);
    store_channel<Element>(p, at, 0, rgb[0]);
    store_channel<Element>(p, at, 1, rgb[1]);
    store_channel<Element>(p, at, 2, rgb[2]);
}

template <typename Element> __device__ __forceinline__ void unpack_packed_luma(const UnpackParams &p)
{
    const Place at = place(p);
    if (at.outside)
        return;
    float rgb[3][8], y[8];
    load_packed(p, at, rgb);
#pragma unroll
    for (int i = 0; i < 8; i++)
        y[i] = (p.weight_r * rgb[0][i] + p.weight_g * rgb[1][i]) + p.weight_b * rgb[2][i];
    store_channel<Element>(p, at, 0, y);
}

// The entry points: one for each way of storing pixels and each element type. src/pixels/layout.rs has their names.
#define ENTRY(name, ...)                                                                                               \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_ROWS) unpack_##name##_f32(const UnpackParams p)         \
    {                                                                                                                  \
        using Element = float;                                                                                         \
        __VA_ARGS__(p);                                                                                                \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(LANES *BLOCK_ROWS) unpack_##name##_f16(const UnpackParams p)         \
    {                                                                                                                  \
        using Element = f16;                                                                                           \
        __VA_ARGS__(p);                                                                                                \
    }

ENTRY(semi_planar_420_8, unpack_yuv<u8, SEMI_PLANAR, true, true, Element>)
ENTRY(semi_planar_420_16, unpack_yuv<u16, SEMI_PLANAR, true, true, Element>)
ENTRY(planar_420_8, unpack_yuv<u8, PLANAR, true, true, Element>)
ENTRY(planar_420_16, unpack_yuv<u16, PLANAR, true, true, Element>)
ENTRY(semi_planar_422_8, unpack_yuv<u8, SEMI_PLANAR, true, false, Element>)
ENTRY(semi_planar_422_16, unpack_yuv<u16, SEMI_PLANAR, true, false, Element>)
ENTRY(planar_422_8, unpack_yuv<u8, PLANAR, true, false, Element>)
ENTRY(planar_422_16, unpack_yuv<u16, PLANAR, true, false, Element>)
ENTRY(planar_444_8, unpack_yuv<u8, PLANAR, false, false, Element>)
ENTRY(planar_444_16, unpack_yuv<u16, PLANAR, false, false, Element>)
ENTRY(packed_8, unpack_packed<Element>)
ENTRY(luma_8, unpack_luma<u8, Element>)
ENTRY(luma_16, unpack_luma<u16, Element>)
ENTRY(packed_luma_8, unpack_packed_luma<Element>)

RAVE_HOST_LAUNCHER(unpack, UnpackParams)
