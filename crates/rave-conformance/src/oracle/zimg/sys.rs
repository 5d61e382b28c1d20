//! What is used of zimg.h, as of API 2.2 and later.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// `ZIMG_MAKE_API_VERSION(2, 2)`: structures are read and written as of this version.
pub(super) const API: c_uint = (2 << 8) | 2;

pub(super) const PIXEL_BYTE: c_int = 0;
pub(super) const PIXEL_WORD: c_int = 1;
pub(super) const PIXEL_FLOAT: c_int = 3;
pub(super) const COLOR_GREY: c_int = 0;
pub(super) const COLOR_RGB: c_int = 1;
pub(super) const COLOR_YUV: c_int = 2;
pub(super) const MATRIX_RGB: c_int = 0;
pub(super) const RESIZE_BILINEAR: c_int = 1;
pub(super) const RESIZE_BICUBIC: c_int = 2;
/// `ZIMG_CPU_NONE`: portable code, so that results are equal on every machine.
pub(super) const CPU_NONE: c_int = 0;
/// `ZIMG_BUFFER_MAX`: the plane holds every row.
pub(super) const WHOLE_PLANE: c_uint = c_uint::MAX;

/// `zimg_image_buffer` and `zimg_image_buffer_const`, which differ in one `const`.
#[repr(C)]
pub(super) struct ImageBuffer {
    pub(super) version: c_uint,
    pub(super) planes: [PlaneBuffer; 4],
}

#[repr(C)]
pub(super) struct PlaneBuffer {
    pub(super) data: *mut c_void,
    pub(super) stride: isize,
    pub(super) mask: c_uint,
}

/// `zimg_image_format`.
#[repr(C)]
pub(super) struct ImageFormat {
    pub(super) version: c_uint,
    pub(super) width: c_uint,
    pub(super) height: c_uint,
    pub(super) pixel_type: c_int,
    pub(super) subsample_w: c_uint,
    pub(super) subsample_h: c_uint,
    pub(super) color_family: c_int,
    pub(super) matrix_coefficients: c_int,
    pub(super) transfer_characteristics: c_int,
    pub(super) color_primaries: c_int,
    pub(super) depth: c_uint,
    pub(super) pixel_range: c_int,
    pub(super) field_parity: c_int,
    pub(super) chroma_location: c_int,
    pub(super) active_region: [f64; 4],
    pub(super) alpha: c_int,
}

/// `zimg_graph_builder_params`.
#[repr(C)]
pub(super) struct BuilderParams {
    pub(super) version: c_uint,
    pub(super) resample_filter: c_int,
    pub(super) filter_param_a: f64,
    pub(super) filter_param_b: f64,
    pub(super) resample_filter_uv: c_int,
    pub(super) filter_param_a_uv: f64,
    pub(super) filter_param_b_uv: f64,
    pub(super) dither_type: c_int,
    pub(super) cpu_type: c_int,
    pub(super) nominal_peak_luminance: f64,
    pub(super) allow_approximate_gamma: c_char,
}

/// `zimg_filter_graph`.
pub(super) type Graph = c_void;
type Callback = Option<unsafe extern "C" fn(*mut c_void, c_uint, c_uint, c_uint) -> c_int>;

pub(super) type GetApiVersion = unsafe extern "C" fn(*mut c_uint, *mut c_uint) -> c_uint;
pub(super) type GetVersionInfo = unsafe extern "C" fn(*mut c_uint, *mut c_uint, *mut c_uint);
pub(super) type GetLastError = unsafe extern "C" fn(*mut c_char, usize) -> c_int;
pub(super) type FormatDefault = unsafe extern "C" fn(*mut ImageFormat, c_uint);
pub(super) type ParamsDefault = unsafe extern "C" fn(*mut BuilderParams, c_uint);
pub(super) type Build =
    unsafe extern "C" fn(*const ImageFormat, *const ImageFormat, *const BuilderParams) -> *mut Graph;
pub(super) type Free = unsafe extern "C" fn(*mut Graph);
pub(super) type TmpSize = unsafe extern "C" fn(*const Graph, *mut usize) -> c_int;
pub(super) type Process = unsafe extern "C" fn(
    *const Graph,
    *const ImageBuffer,
    *const ImageBuffer,
    *mut c_void,
    Callback,
    *mut c_void,
    Callback,
    *mut c_void,
) -> c_int;
