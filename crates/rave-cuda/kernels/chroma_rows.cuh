// Scaled chroma to a frame's chroma rows, which is the vertical half of rave_core::pixels, "Chroma beside a luma model",
// operation for operation.
#pragma once

#include "codes.cuh"

/// N columns of Cb or Cr.
template <int N> struct Levels {
    float v[N];

    __device__ __forceinline__ void load(const float *row)
    {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            const float4 four = *reinterpret_cast<const float4 *>(row + i);
            v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
        }
    }

    __device__ __forceinline__ void add(float weight, const Levels &other)
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            v[i] += weight * other.v[i];
    }
};

/// Adds the products of taps `tap` to `tap + TAPS`, which lie in scaled rows from `start + tap` on. `rows.load(y, b, r)`
/// loads columns of scaled row `y`.
template <int TAPS, int N, typename Rows>
__device__ __forceinline__ void add_rows(const PackLumaParams &p, const Rows &rows, int row, int start, int tap,
                                         Levels<N> &cb, Levels<N> &cr)
{
    float weight[TAPS];
    Levels<N> b[TAPS], r[TAPS];
#pragma unroll
    for (int t = 0; t < TAPS; t++) {
        weight[t] = reinterpret_cast<const float *>(p.weights)[(u64)(tap + t) * p.rows + row];
        rows.load(clamped(start + tap + t, 0, p.chroma_rows - 1), b[t], r[t]);
    }
#pragma unroll
    for (int t = 0; t < TAPS; t++) {
        cb.add(weight[t], b[t]);
        cr.add(weight[t], r[t]);
    }
}

/// Cb and Cr at chroma row `row` of the frame, in the columns that `rows` loads.
template <int N, typename Rows>
__device__ __forceinline__ void interpolate_rows(const PackLumaParams &p, const Rows &rows, int row, Levels<N> &cb,
                                                 Levels<N> &cr)
{
    const int start = reinterpret_cast<const int *>(p.starts)[row];
    cb = cr = {};
    if (p.taps == 1) {
        add_rows<1>(p, rows, row, start, 0, cb, cr);
    } else {
        for (int tap = 0; tap < p.taps; tap += TAPS_AT_ONCE)
            add_rows<TAPS_AT_ONCE>(p, rows, row, start, tap, cb, cr);
    }
}

/// Writes luma and chroma as pixels of four bytes.
__device__ __forceinline__ void store_as_packed(const PackLumaParams &p, int x, int y, const float (&luma)[8],
                                                const Levels<8> &cb, const Levels<8> &cr)
{
    float rgb[3][8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const float level = luma[i] * p.to_level;
        rgb[0][i] = level + p.r_cr * cr.v[i];
        rgb[1][i] = (level + p.g_cb * cb.v[i]) + p.g_cr * cr.v[i];
        rgb[2][i] = level + p.b_cb * cb.v[i];
    }
    store_packed(p.frame, x, y, rgb);
}
