// The chroma of a frame to levels at an output frame's chroma columns, which is the horizontal half of
// rave_core::pixels, "Chroma beside a luma model", operation for operation.
#pragma once

#include "samples.cuh"

/// Rows that a thread makes of a column, whose weights it loads once.
static constexpr int COLUMN_ROWS = 4;

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

/// A column in some rows.
struct Column {
    int k, start, top;
    float cb[COLUMN_ROWS], cr[COLUMN_ROWS];

    /// Adds the products of taps `tap` to `tap + TAPS`.
    template <typename Source, bool ALIGNED, int TAPS>
    __device__ __forceinline__ void add(const ScaleChromaParams &p, int tap)
    {
        float weight[TAPS];
        typename Source::Stored sample[TAPS][COLUMN_ROWS];
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            weight[t] = reinterpret_cast<const float *>(p.weights)[(u64)(tap + t) * p.columns + k];
            const int x = p.first_x + clamped(start + tap + t, 0, p.samples - 1);
#pragma unroll
            for (int i = 0; i < COLUMN_ROWS; i++)
                sample[t][i] = Source::template load<ALIGNED>(p, x, p.first_y + least(top + i, p.rows - 1));
        }
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
#pragma unroll
            for (int i = 0; i < COLUMN_ROWS; i++) {
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
