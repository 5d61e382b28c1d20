// The chroma of a frame as levels: rave_core::pixels, "Chroma beside a luma model", operation for operation.
#pragma once

#include "samples.cuh"

/// Levels, or codes that are to become levels.
template <typename T> struct Chroma {
    T b, r;
};

__device__ __forceinline__ Chroma<float> levels(const ScaleChromaParams &p, Chroma<u32> code)
{
    const float offset = p.chroma_offset + TWO_23;
    return {centred(code.b, offset) * p.chroma_scale, centred(code.r, offset) * p.chroma_scale};
}

// Ways of storing chroma. `load` reads what is at sample (x, y), `levels` makes levels of it. Loads are apart, so that
// many are under way before the first is needed.

struct SemiPlanar8 {
    using Stored = u32;

    template <bool ALIGNED> static __device__ __forceinline__ u32 load(const ScaleChromaParams &p, int x, int y)
    {
        const u8 *sample = row_of<u8>(p.plane[1], p.pitch[1], y) + 2 * x;
        return ALIGNED ? *reinterpret_cast<const u16 *>(sample) : sample[0] | sample[1] << 8;
    }

    static __device__ __forceinline__ Chroma<float> levels(const ScaleChromaParams &p, u32 pair)
    {
        return ::levels(p, {pair & 0xff, pair >> 8});
    }
};

struct SemiPlanar16 {
    using Stored = u32;

    template <bool ALIGNED> static __device__ __forceinline__ u32 load(const ScaleChromaParams &p, int x, int y)
    {
        const u16 *sample = row_of<u16>(p.plane[1], p.pitch[1], y) + 2 * x;
        return ALIGNED ? *reinterpret_cast<const u32 *>(sample) : halves(sample[0], sample[1]);
    }

    static __device__ __forceinline__ Chroma<float> levels(const ScaleChromaParams &p, u32 pair)
    {
        return ::levels(p, {(pair & 0xffff) >> p.shift, pair >> 16 >> p.shift});
    }
};

template <typename Sample> struct Planar {
    using Stored = Chroma<Sample>;

    template <bool ALIGNED> static __device__ __forceinline__ Stored load(const ScaleChromaParams &p, int x, int y)
    {
        return {row_of<Sample>(p.plane[1], p.pitch[1], y)[x], row_of<Sample>(p.plane[2], p.pitch[2], y)[x]};
    }

    static __device__ __forceinline__ Chroma<float> levels(const ScaleChromaParams &p, Stored code)
    {
        return ::levels(p, {(u32)code.b >> p.shift, (u32)code.r >> p.shift});
    }
};

/// Red, green and blue in pixels of four bytes.
struct Packed {
    using Stored = u32;

    template <bool ALIGNED> static __device__ __forceinline__ u32 load(const ScaleChromaParams &p, int x, int y)
    {
        const u8 *pixel = row_of<u8>(p.plane[0], p.pitch[0], y) + 4 * x;
        return ALIGNED ? *reinterpret_cast<const u32 *>(pixel) : bytes(pixel[0], pixel[1], pixel[2], pixel[3]);
    }

    static __device__ __forceinline__ Chroma<float> levels(const ScaleChromaParams &p, u32 pixel)
    {
        const float offset = p.luma_offset + TWO_23;
        const float r = centred(pixel >> 8 * p.byte[0] & 0xff, offset) * p.luma_scale;
        const float g = centred(pixel >> 8 * p.byte[1] & 0xff, offset) * p.luma_scale;
        const float b = centred(pixel >> 8 * p.byte[2] & 0xff, offset) * p.luma_scale;
        const float luma = (p.weight_r * r + p.weight_g * g) + p.weight_b * b;
        return {(b - luma) * p.gain_cb, (r - luma) * p.gain_cr};
    }
};
