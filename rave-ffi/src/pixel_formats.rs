//! The numbers of pixel formats, and their names.
//!
//! cbindgen reads constants only as literals, so the numbers stand here again; a test holds them to
//! [`rave_core::PixelFormat`].

use std::ffi::c_char;

use rave_core::{PixelFormat, Status};

use crate::boundary::{guard, guard_value};
use crate::strings::read_string;

/// FFmpeg's `yuv420p`.
pub const RAVE_PIX_FMT_YUV420P: i32 = 1;
/// FFmpeg's `yuv422p`.
pub const RAVE_PIX_FMT_YUV422P: i32 = 2;
/// FFmpeg's `yuv444p`.
pub const RAVE_PIX_FMT_YUV444P: i32 = 3;
/// FFmpeg's `yuv420p10le`.
pub const RAVE_PIX_FMT_YUV420P10: i32 = 4;
/// FFmpeg's `yuv422p10le`.
pub const RAVE_PIX_FMT_YUV422P10: i32 = 5;
/// FFmpeg's `yuv444p10le`.
pub const RAVE_PIX_FMT_YUV444P10: i32 = 6;
/// FFmpeg's `yuv420p12le`.
pub const RAVE_PIX_FMT_YUV420P12: i32 = 7;
/// FFmpeg's `yuv422p12le`.
pub const RAVE_PIX_FMT_YUV422P12: i32 = 8;
/// FFmpeg's `yuv444p12le`.
pub const RAVE_PIX_FMT_YUV444P12: i32 = 9;
/// FFmpeg's `yuv420p16le`.
pub const RAVE_PIX_FMT_YUV420P16: i32 = 10;
/// FFmpeg's `yuv422p16le`.
pub const RAVE_PIX_FMT_YUV422P16: i32 = 11;
/// FFmpeg's `yuv444p16le`.
pub const RAVE_PIX_FMT_YUV444P16: i32 = 12;
/// FFmpeg's `nv12`.
pub const RAVE_PIX_FMT_NV12: i32 = 20;
/// FFmpeg's `nv16`.
pub const RAVE_PIX_FMT_NV16: i32 = 21;
/// FFmpeg's `p010le`.
pub const RAVE_PIX_FMT_P010: i32 = 22;
/// FFmpeg's `p012le`.
pub const RAVE_PIX_FMT_P012: i32 = 23;
/// FFmpeg's `p016le`.
pub const RAVE_PIX_FMT_P016: i32 = 24;
/// FFmpeg's `p210le`.
pub const RAVE_PIX_FMT_P210: i32 = 25;
/// FFmpeg's `p216le`.
pub const RAVE_PIX_FMT_P216: i32 = 26;
/// FFmpeg's `rgb24`.
pub const RAVE_PIX_FMT_RGB24: i32 = 40;
/// FFmpeg's `bgr24`.
pub const RAVE_PIX_FMT_BGR24: i32 = 41;
/// FFmpeg's `rgb0`.
pub const RAVE_PIX_FMT_RGB0: i32 = 42;
/// FFmpeg's `bgr0`.
pub const RAVE_PIX_FMT_BGR0: i32 = 43;
/// FFmpeg's `0rgb`.
pub const RAVE_PIX_FMT_0RGB: i32 = 44;
/// FFmpeg's `0bgr`.
pub const RAVE_PIX_FMT_0BGR: i32 = 45;
/// FFmpeg's `rgb48le`.
pub const RAVE_PIX_FMT_RGB48: i32 = 46;
/// FFmpeg's `gbrp`.
pub const RAVE_PIX_FMT_GBRP: i32 = 50;
/// FFmpeg's `gbrp10le`.
pub const RAVE_PIX_FMT_GBRP10: i32 = 51;
/// FFmpeg's `gbrp12le`.
pub const RAVE_PIX_FMT_GBRP12: i32 = 52;
/// FFmpeg's `gbrp14le`.
pub const RAVE_PIX_FMT_GBRP14: i32 = 53;
/// FFmpeg's `gbrp16le`.
pub const RAVE_PIX_FMT_GBRP16: i32 = 54;
/// FFmpeg's `gray`.
pub const RAVE_PIX_FMT_GRAY8: i32 = 60;
/// FFmpeg's `gray10le`.
pub const RAVE_PIX_FMT_GRAY10: i32 = 61;
/// FFmpeg's `gray12le`.
pub const RAVE_PIX_FMT_GRAY12: i32 = 62;
/// FFmpeg's `gray14le`.
pub const RAVE_PIX_FMT_GRAY14: i32 = 63;
/// FFmpeg's `gray16le`.
pub const RAVE_PIX_FMT_GRAY16: i32 = 64;

const NAMES: [&std::ffi::CStr; 36] = [
    c"yuv420p",
    c"yuv422p",
    c"yuv444p",
    c"yuv420p10le",
    c"yuv422p10le",
    c"yuv444p10le",
    c"yuv420p12le",
    c"yuv422p12le",
    c"yuv444p12le",
    c"yuv420p16le",
    c"yuv422p16le",
    c"yuv444p16le",
    c"nv12",
    c"nv16",
    c"p010le",
    c"p012le",
    c"p016le",
    c"p210le",
    c"p216le",
    c"rgb24",
    c"bgr24",
    c"rgb0",
    c"bgr0",
    c"0rgb",
    c"0bgr",
    c"rgb48le",
    c"gbrp",
    c"gbrp10le",
    c"gbrp12le",
    c"gbrp14le",
    c"gbrp16le",
    c"gray",
    c"gray10le",
    c"gray12le",
    c"gray14le",
    c"gray16le",
];

/// The pixel format with FFmpeg's name `name` (av_get_pix_fmt_name), a RAVE_PIX_FMT_ constant, or 0 when the library
/// does not support the format or `name` is not a string it takes. Never blocks; may be called at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_pixel_format_from_name(name: *const c_char) -> i32 {
    guard_value(0, || {
        // SAFETY: the header requires `name` to be NULL or a string that ends with NUL.
        let name = unsafe { read_string(name, "name") }?;
        PixelFormat::from_name(name).map(PixelFormat::code).ok_or_else(|| {
            rave_core::Error::new(Status::UnsupportedFormat, format!("pixel format `{name}`"))
                .expected("one that RAVE supports")
        })
    })
}

/// FFmpeg's name of a RAVE_PIX_FMT_ constant, or NULL when `format` is none. Static text. Never blocks; may be called
/// at any time.
#[unsafe(no_mangle)]
pub extern "C" fn rave_pixel_format_name(format: i32) -> *const c_char {
    guard_value(std::ptr::null(), || {
        let format = PixelFormat::from_code(format)?;
        let index = PixelFormat::ALL.iter().position(|&other| other == format).unwrap_or_default();
        Ok(NAMES[index].as_ptr())
    })
}

/// The `index`-th supported pixel format, counting from 0, written to `*format`; RAVE_ERROR_INVALID_PARAMETER past the
/// last one. Never blocks; may be called at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_pixel_format_at(index: u32, format: *mut i32) -> i32 {
    guard(|| {
        // SAFETY: the header requires `format` to be NULL or writable.
        let format = unsafe { crate::pointers::output(format, "format") }?;
        let found = PixelFormat::ALL.get(index as usize).ok_or_else(|| {
            rave_core::Error::new(Status::InvalidParameter, format!("pixel format index {index}"))
                .expected(format!("0 to {}", PixelFormat::ALL.len() - 1))
        })?;
        format.write(found.code());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_the_number_of_the_format_it_names() {
        let constants = [
            (RAVE_PIX_FMT_YUV420P, "yuv420p"),
            (RAVE_PIX_FMT_YUV422P, "yuv422p"),
            (RAVE_PIX_FMT_YUV444P, "yuv444p"),
            (RAVE_PIX_FMT_YUV420P10, "yuv420p10le"),
            (RAVE_PIX_FMT_YUV422P10, "yuv422p10le"),
            (RAVE_PIX_FMT_YUV444P10, "yuv444p10le"),
            (RAVE_PIX_FMT_YUV420P12, "yuv420p12le"),
            (RAVE_PIX_FMT_YUV422P12, "yuv422p12le"),
            (RAVE_PIX_FMT_YUV444P12, "yuv444p12le"),
            (RAVE_PIX_FMT_YUV420P16, "yuv420p16le"),
            (RAVE_PIX_FMT_YUV422P16, "yuv422p16le"),
            (RAVE_PIX_FMT_YUV444P16, "yuv444p16le"),
            (RAVE_PIX_FMT_NV12, "nv12"),
            (RAVE_PIX_FMT_NV16, "nv16"),
            (RAVE_PIX_FMT_P010, "p010le"),
            (RAVE_PIX_FMT_P012, "p012le"),
            (RAVE_PIX_FMT_P016, "p016le"),
            (RAVE_PIX_FMT_P210, "p210le"),
            (RAVE_PIX_FMT_P216, "p216le"),
            (RAVE_PIX_FMT_RGB24, "rgb24"),
            (RAVE_PIX_FMT_BGR24, "bgr24"),
            (RAVE_PIX_FMT_RGB0, "rgb0"),
            (RAVE_PIX_FMT_BGR0, "bgr0"),
            (RAVE_PIX_FMT_0RGB, "0rgb"),
            (RAVE_PIX_FMT_0BGR, "0bgr"),
            (RAVE_PIX_FMT_RGB48, "rgb48le"),
            (RAVE_PIX_FMT_GBRP, "gbrp"),
            (RAVE_PIX_FMT_GBRP10, "gbrp10le"),
            (RAVE_PIX_FMT_GBRP12, "gbrp12le"),
            (RAVE_PIX_FMT_GBRP14, "gbrp14le"),
            (RAVE_PIX_FMT_GBRP16, "gbrp16le"),
            (RAVE_PIX_FMT_GRAY8, "gray"),
            (RAVE_PIX_FMT_GRAY10, "gray10le"),
            (RAVE_PIX_FMT_GRAY12, "gray12le"),
            (RAVE_PIX_FMT_GRAY14, "gray14le"),
            (RAVE_PIX_FMT_GRAY16, "gray16le"),
        ];
        assert_eq!(constants.len(), PixelFormat::ALL.len());
        for ((code, name), format) in constants.into_iter().zip(PixelFormat::ALL) {
            assert_eq!((code, name), (format.code(), format.name()));
        }
        assert!(NAMES.iter().zip(PixelFormat::ALL).all(|(name, format)| name.to_str() == Ok(format.name())));
    }
}
