// What a launch passes by value. src/pixels/params.rs has the same structs; both sides assert size and offsets.
#pragma once

#include "device.cuh"

/// Bits of `flags`.
enum : u32 {
    /// Every row of the frame can be read or written 8 pixels at a time: base addresses, pitches and crop are aligned.
    /// (scale_chroma reads single samples, also of frames whose crop is not.)
    FRAME_ALIGNED = 1,
    /// Every row of the tensor can be read or written 8 elements at a time.
    TENSOR_ALIGNED = 2,
    /// Codes are dithered.
    DITHER = 4,
};

/// See rave_core::pixels, "Frame to tensor".
struct UnpackParams {
    u64 plane[3];
    u64 tensor;
    u32 pitch[3];
    u32 flags;
    // The visible rectangle, in luma pixels of the frame.
    int crop_x, crop_y, visible_width, visible_height;
    int tensor_width, tensor_height;
    // How far codes are shifted up in their samples.
    u32 shift;
    // Byte of red, green and blue in a packed pixel.
    u32 byte[3];
    float luma_offset, luma_scale, chroma_offset;
    float r_cr, g_cb, g_cr, b_cb;
    float weight_r, weight_g, weight_b;
    // even_left, even_here, odd_here, odd_right of both axes.
    float horizontal[4], vertical[4];
};

/// See rave_core::pixels, "Tensor to frame".
struct PackParams {
    u64 tensor;
    u64 plane[3];
    // Address of a u32 that counts elements that are not finite, or 0.
    u64 non_finite;
    u32 pitch[3];
    u32 flags;
    int width, height;
    int tensor_width, tensor_height;
    u32 shift;
    u32 byte[3];
    float weight_r, weight_g, weight_b;
    float luma_scale, luma_offset;
    float cb_scale, cr_scale, chroma_offset;
    float max_code;
    // Siting in half luma steps.
    u32 half_steps_x, half_steps_y;
    // Whether the sample after the last of an odd extent is made of the last (near) and the one before it (far).
    u32 extrapolate_x, extrapolate_y;
    float near_x, far_x, near_y, far_y;
    u32 reserved;
};

/// One column or row of a canvas that tiles are blended into. See rave_core::tiling::TileBlender.
struct AxisPoint {
    // The first tile that has a part in it, counted along the axis.
    u32 tile;
    // Where it lies in that tile's output (lower half) and in the next tile's (upper half), or NO_TILE if that has none.
    u32 offsets;
    // The weights of both.
    float weight, next_weight;
};

/// See rave_core::tiling::cut_tile.
struct CutParams {
    u64 canvas;
    u64 batch;
    // Addresses of ints: the first canvas column of each column of tiles, the first canvas row of each row of them.
    u64 columns, rows;
    int canvas_width, canvas_height;
    int tile_width, tile_height;
    int channels;
    // Tiles in a row.
    int tiles_across;
    // The tile in the batch's first slot.
    int first;
    // Blocks across a tile.
    int blocks_across;
};

/// See rave_core::tiling::TileBlender.
struct BlendParams {
    u64 canvas;
    u64 batch;
    // Addresses of an AxisPoint for each column and each row of the canvas.
    u64 columns, rows;
    // What the batch's tiles reach of the canvas.
    int left, top, right, bottom;
    int canvas_width, canvas_height;
    int tile_width, tile_height;
    int channels;
    // Tiles in a row.
    int tiles_across;
    // The tile in the batch's first slot, and the one after the last slot's.
    int first, end;
};

/// Taps of a chroma filter that are loaded together. Filters have 1 tap or a multiple of this, the last with weight 0.
static constexpr int TAPS_AT_ONCE = 4;

/// See rave_core::pixels, "Chroma beside a luma model": the horizontal half.
struct ScaleChromaParams {
    u64 plane[3];
    // Cb and Cr as levels: rows of the input, columns of the output.
    u64 chroma[2];
    // For each column of the output its first sample of the input, and from tap to tap all columns' weights.
    u64 starts, weights;
    u32 pitch[3];
    u32 flags;
    // The first chroma sample that covers the visible rectangle, and how many do.
    int first_x, first_y, samples, rows;
    int columns, taps;
    // Columns of `chroma` from row to row, a multiple of 32.
    u32 chroma_pitch;
    u32 shift;
    u32 byte[3];
    float luma_offset, luma_scale, chroma_offset, chroma_scale;
    float weight_r, weight_g, weight_b;
    float gain_cb, gain_cr;
};

/// The vertical half, and the luma beside it.
struct PackLumaParams {
    PackParams frame;
    // What scale_chroma wrote.
    u64 chroma[2];
    // For each chroma row of the frame its first row of `chroma`, and from tap to tap all rows' weights.
    u64 starts, weights;
    // Rows of `chroma`, chroma rows of the frame.
    int chroma_rows, rows;
    int taps;
    u32 chroma_pitch;
    // Levels to red, green and blue.
    float to_level, r_cr, g_cb, g_cr, b_cb;
    u32 reserved;
};

/// Both halves in one launch, which takes no scratch memory: `chroma` and `chroma_pitch` of both are not read.
struct PackLumaWholeParams {
    ScaleChromaParams scale;
    PackLumaParams pack;
};

/// What is compared of each plane of two frames.
struct CompareParams {
    // Address of a u32 that becomes 1 if something differs.
    u64 differs;
    // Addresses of the first visible sample of each plane in both frames.
    u64 a[3], b[3];
    u32 pitch_a[3], pitch_b[3];
    int row_bytes[3], rows[3];
    // The first row of blocks that compares the plane; after the last one for planes that the format has not.
    int first_block[3];
    u32 reserved;
};

#define RAVE_OFFSET(type, member, offset)                                                                              \
    static_assert(__builtin_offsetof(type, member) == offset, #type "." #member " is elsewhere in params.rs")
static_assert(sizeof(UnpackParams) == 160 && alignof(UnpackParams) == 8, "UnpackParams differs from params.rs");
RAVE_OFFSET(UnpackParams, flags, 44);
RAVE_OFFSET(UnpackParams, shift, 72);
RAVE_OFFSET(UnpackParams, luma_offset, 88);
RAVE_OFFSET(UnpackParams, vertical, 144);
static_assert(sizeof(PackParams) == 160 && alignof(PackParams) == 8, "PackParams differs from params.rs");
RAVE_OFFSET(PackParams, flags, 52);
RAVE_OFFSET(PackParams, shift, 72);
RAVE_OFFSET(PackParams, weight_r, 88);
RAVE_OFFSET(PackParams, far_y, 152);
static_assert(sizeof(AxisPoint) == 16, "AxisPoint differs from params.rs");
static_assert(sizeof(CutParams) == 64 && alignof(CutParams) == 8, "CutParams differs from params.rs");
RAVE_OFFSET(CutParams, canvas_width, 32);
RAVE_OFFSET(CutParams, blocks_across, 60);
static_assert(sizeof(BlendParams) == 80 && alignof(BlendParams) == 8, "BlendParams differs from params.rs");
RAVE_OFFSET(BlendParams, left, 32);
RAVE_OFFSET(BlendParams, end, 76);
static_assert(sizeof(ScaleChromaParams) == 152 && alignof(ScaleChromaParams) == 8,
              "ScaleChromaParams differs from params.rs");
RAVE_OFFSET(ScaleChromaParams, flags, 68);
RAVE_OFFSET(ScaleChromaParams, columns, 88);
RAVE_OFFSET(ScaleChromaParams, byte, 104);
RAVE_OFFSET(ScaleChromaParams, gain_cr, 148);
static_assert(sizeof(PackLumaParams) == sizeof(PackParams) + 72, "PackLumaParams differs from params.rs");
RAVE_OFFSET(PackLumaParams, chroma, sizeof(PackParams));
RAVE_OFFSET(PackLumaParams, chroma_rows, sizeof(PackParams) + 32);
RAVE_OFFSET(PackLumaParams, b_cb, sizeof(PackParams) + 64);
static_assert(sizeof(PackLumaWholeParams) == sizeof(ScaleChromaParams) + sizeof(PackLumaParams),
              "PackLumaWholeParams differs from params.rs");
static_assert(sizeof(CompareParams) == 120 && alignof(CompareParams) == 8, "CompareParams differs from params.rs");
RAVE_OFFSET(CompareParams, pitch_a, 56);
RAVE_OFFSET(CompareParams, first_block, 104);
#undef RAVE_OFFSET
