//! What a launch passes by value: the structs of `kernels/params.h`, whose size and offsets both sides assert.

use std::mem::offset_of;

/// See `UnpackParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct UnpackParams {
    pub(super) plane: [u64; 3],
    pub(super) tensor: u64,
    pub(super) pitch: [u32; 3],
    pub(super) flags: u32,
    pub(super) crop_x: i32,
    pub(super) crop_y: i32,
    pub(super) visible_width: i32,
    pub(super) visible_height: i32,
    pub(super) tensor_width: i32,
    pub(super) tensor_height: i32,
    pub(super) shift: u32,
    pub(super) byte: [u32; 3],
    pub(super) luma_offset: f32,
    pub(super) luma_scale: f32,
    pub(super) chroma_offset: f32,
    pub(super) r_cr: f32,
    pub(super) g_cb: f32,
    pub(super) g_cr: f32,
    pub(super) b_cb: f32,
    pub(super) weights: [f32; 3],
    pub(super) horizontal: [f32; 4],
    pub(super) vertical: [f32; 4],
}

const _: () = {
    assert!(size_of::<UnpackParams>() == 160 && align_of::<UnpackParams>() == 8);
    assert!(offset_of!(UnpackParams, flags) == 44);
    assert!(offset_of!(UnpackParams, shift) == 72);
    assert!(offset_of!(UnpackParams, luma_offset) == 88);
    assert!(offset_of!(UnpackParams, vertical) == 144);
};

/// See `PackParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct PackParams {
    pub(super) tensor: u64,
    pub(super) plane: [u64; 3],
    pub(super) non_finite: u64,
    pub(super) pitch: [u32; 3],
    pub(super) flags: u32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) tensor_width: i32,
    pub(super) tensor_height: i32,
    pub(super) shift: u32,
    pub(super) byte: [u32; 3],
    pub(super) weights: [f32; 3],
    pub(super) luma_scale: f32,
    pub(super) luma_offset: f32,
    pub(super) cb_scale: f32,
    pub(super) cr_scale: f32,
    pub(super) chroma_offset: f32,
    pub(super) max_code: f32,
    pub(super) half_steps_x: u32,
    pub(super) half_steps_y: u32,
    pub(super) extrapolate_x: u32,
    pub(super) extrapolate_y: u32,
    pub(super) near_x: f32,
    pub(super) far_x: f32,
    pub(super) near_y: f32,
    pub(super) far_y: f32,
    pub(super) reserved: u32,
}

const _: () = {
    assert!(size_of::<PackParams>() == 160 && align_of::<PackParams>() == 8);
    assert!(offset_of!(PackParams, flags) == 52);
    assert!(offset_of!(PackParams, shift) == 72);
    assert!(offset_of!(PackParams, weights) == 88);
    assert!(offset_of!(PackParams, far_y) == 152);
};

/// See `AxisPoint` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct AxisPoint {
    pub(super) tile: u32,
    pub(super) offsets: u32,
    pub(super) weight: f32,
    pub(super) next_weight: f32,
}

const _: () = assert!(size_of::<AxisPoint>() == 16);

/// `NO_TILE` of `kernels/tiles.cu`.
pub(super) const NO_TILE: u32 = 0xffff;

/// See `CutParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct CutParams {
    pub(super) canvas: u64,
    pub(super) batch: u64,
    pub(super) columns: u64,
    pub(super) rows: u64,
    pub(super) canvas_width: i32,
    pub(super) canvas_height: i32,
    pub(super) tile_width: i32,
    pub(super) tile_height: i32,
    pub(super) channels: i32,
    pub(super) tiles_across: i32,
    pub(super) first: i32,
    pub(super) blocks_across: i32,
}

const _: () = {
    assert!(size_of::<CutParams>() == 64 && align_of::<CutParams>() == 8);
    assert!(offset_of!(CutParams, canvas_width) == 32);
    assert!(offset_of!(CutParams, blocks_across) == 60);
};

/// See `BlendParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct BlendParams {
    pub(super) canvas: u64,
    pub(super) batch: u64,
    pub(super) columns: u64,
    pub(super) rows: u64,
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
    pub(super) canvas_width: i32,
    pub(super) canvas_height: i32,
    pub(super) tile_width: i32,
    pub(super) tile_height: i32,
    pub(super) channels: i32,
    pub(super) tiles_across: i32,
    pub(super) first: i32,
    pub(super) end: i32,
}

const _: () = {
    assert!(size_of::<BlendParams>() == 80 && align_of::<BlendParams>() == 8);
    assert!(offset_of!(BlendParams, left) == 32);
    assert!(offset_of!(BlendParams, end) == 76);
};

/// See `ScaleChromaParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct ScaleChromaParams {
    pub(super) plane: [u64; 3],
    pub(super) chroma: [u64; 2],
    pub(super) starts: u64,
    pub(super) weights: u64,
    pub(super) pitch: [u32; 3],
    pub(super) flags: u32,
    pub(super) first_x: i32,
    pub(super) first_y: i32,
    pub(super) samples: i32,
    pub(super) rows: i32,
    pub(super) columns: i32,
    pub(super) taps: i32,
    pub(super) chroma_pitch: u32,
    pub(super) shift: u32,
    pub(super) byte: [u32; 3],
    pub(super) luma_offset: f32,
    pub(super) luma_scale: f32,
    pub(super) chroma_offset: f32,
    pub(super) chroma_scale: f32,
    pub(super) luma_weights: [f32; 3],
    pub(super) gains: [f32; 2],
}

const _: () = {
    assert!(size_of::<ScaleChromaParams>() == 152 && align_of::<ScaleChromaParams>() == 8);
    assert!(offset_of!(ScaleChromaParams, flags) == 68);
    assert!(offset_of!(ScaleChromaParams, columns) == 88);
    assert!(offset_of!(ScaleChromaParams, byte) == 104);
    assert!(offset_of!(ScaleChromaParams, gains) == 144);
};

/// See `PackLumaParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct PackLumaParams {
    pub(super) frame: PackParams,
    pub(super) chroma: [u64; 2],
    pub(super) starts: u64,
    pub(super) weights: u64,
    pub(super) chroma_rows: i32,
    pub(super) rows: i32,
    pub(super) taps: i32,
    pub(super) chroma_pitch: u32,
    pub(super) to_level: f32,
    pub(super) r_cr: f32,
    pub(super) g_cb: f32,
    pub(super) g_cr: f32,
    pub(super) b_cb: f32,
    pub(super) reserved: u32,
}

const _: () = {
    assert!(size_of::<PackLumaParams>() == size_of::<PackParams>() + 72);
    assert!(offset_of!(PackLumaParams, chroma) == size_of::<PackParams>());
    assert!(offset_of!(PackLumaParams, chroma_rows) == size_of::<PackParams>() + 32);
    assert!(offset_of!(PackLumaParams, b_cb) == size_of::<PackParams>() + 64);
};

/// See `PackLumaWholeParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct PackLumaWholeParams {
    pub(super) scale: ScaleChromaParams,
    pub(super) pack: PackLumaParams,
}

const _: () = {
    assert!(size_of::<PackLumaWholeParams>() == size_of::<ScaleChromaParams>() + size_of::<PackLumaParams>());
};

/// `TAPS_AT_ONCE` of `kernels/params.h`.
pub(super) const TAPS_AT_ONCE: usize = 4;

/// See `CompareParams` in `kernels/params.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct CompareParams {
    pub(super) differs: u64,
    pub(super) a: [u64; 3],
    pub(super) b: [u64; 3],
    pub(super) pitch_a: [u32; 3],
    pub(super) pitch_b: [u32; 3],
    pub(super) row_bytes: [i32; 3],
    pub(super) rows: [i32; 3],
    pub(super) first_block: [i32; 3],
    pub(super) reserved: u32,
}

const _: () = {
    assert!(size_of::<CompareParams>() == 120 && align_of::<CompareParams>() == 8);
    assert!(offset_of!(CompareParams, pitch_a) == 56);
    assert!(offset_of!(CompareParams, first_block) == 104);
};

/// `FRAME_ALIGNED` of `kernels/params.h`.
pub(super) const FRAME_ALIGNED: u32 = 1;
/// `TENSOR_ALIGNED` of `kernels/params.h`.
pub(super) const TENSOR_ALIGNED: u32 = 2;
/// `DITHER` of `kernels/params.h`.
pub(super) const DITHER: u32 = 4;
