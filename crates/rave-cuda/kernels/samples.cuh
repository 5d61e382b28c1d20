// A frame's samples in memory: what the kernels that read or write frames share.
#pragma once

#include "params.h"

enum Layout { SEMI_PLANAR, PLANAR };

/// 2^23: the float whose lowest mantissa bits are a code is the code plus this.
static constexpr float TWO_23 = 8388608.0f;

template <typename T> __device__ __forceinline__ T *row_of(u64 plane, u32 pitch, int y)
{
    return reinterpret_cast<T *>(plane + (u64)y * pitch);
}

/// `code - offset`, exact for codes of up to 16 bits and whole offsets: `two_23_and_offset` is 2^23 + offset.
__device__ __forceinline__ float centred(u32 code, float two_23_and_offset)
{
    return as_float(0x4b000000u | code) - two_23_and_offset;
}
