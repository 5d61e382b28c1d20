//! libnvcuvid.so.1, by dynlink_cuviddec.h.

use std::ffi::{c_int, c_uint};
use std::mem::offset_of;

/// `CUresult`. What comes back is looked at as a number: newer drivers have newer errors.
pub type CUresult = c_int;

/// `cudaVideoCodec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
#[allow(non_camel_case_types, reason = "the header's name")]
pub struct cudaVideoCodec(pub c_uint);

#[allow(missing_docs, reason = "the header's names, less their prefix")]
impl cudaVideoCodec {
    pub const MPEG1: Self = Self(0);
    pub const MPEG2: Self = Self(1);
    pub const MPEG4: Self = Self(2);
    pub const VC1: Self = Self(3);
    pub const H264: Self = Self(4);
    pub const JPEG: Self = Self(5);
    pub const HEVC: Self = Self(8);
    pub const VP8: Self = Self(9);
    pub const VP9: Self = Self(10);
    pub const AV1: Self = Self(11);
}

/// `cudaVideoChromaFormat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
#[allow(non_camel_case_types, reason = "the header's name")]
pub struct cudaVideoChromaFormat(pub c_uint);

#[allow(missing_docs, reason = "the header's names, less their prefix")]
impl cudaVideoChromaFormat {
    pub const MONOCHROME: Self = Self(0);
    pub const YUV420: Self = Self(1);
    pub const YUV422: Self = Self(2);
    pub const YUV444: Self = Self(3);
}

/// A mode that is asked about, and what the driver answers. Everything after `reserved1` is the answer, all zero for a
/// mode that the GPU does not decode.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_snake_case, missing_docs, reason = "the header's names")]
pub struct CUVIDDECODECAPS {
    pub eCodecType: cudaVideoCodec,
    pub eChromaFormat: cudaVideoChromaFormat,
    pub nBitDepthMinus8: c_uint,
    pub reserved1: [c_uint; 3],
    pub bIsSupported: u8,
    pub nNumNVDECs: u8,
    /// One bit for each `cudaVideoSurfaceFormat`.
    pub nOutputFormatMask: u16,
    pub nMaxWidth: c_uint,
    pub nMaxHeight: c_uint,
    pub nMaxMBCount: c_uint,
    pub nMinWidth: u16,
    pub nMinHeight: u16,
    pub bIsHistogramSupported: u8,
    pub nCounterBitDepth: u8,
    pub nMaxHistogramBins: u16,
    pub reserved3: [c_uint; 10],
}

const _: () = {
    assert!(size_of::<CUVIDDECODECAPS>() == 88);
    assert!(offset_of!(CUVIDDECODECAPS, bIsSupported) == 24);
    assert!(offset_of!(CUVIDDECODECAPS, nOutputFormatMask) == 26);
    assert!(offset_of!(CUVIDDECODECAPS, nMaxWidth) == 28);
    assert!(offset_of!(CUVIDDECODECAPS, nMaxMBCount) == 36);
    assert!(offset_of!(CUVIDDECODECAPS, nMinWidth) == 40);
    assert!(offset_of!(CUVIDDECODECAPS, reserved3) == 48);
};

/// `cuvidGetDecoderCaps`. Asks about the device of the context that is current on the calling thread.
pub type GetDecoderCaps = unsafe extern "C" fn(*mut CUVIDDECODECAPS) -> CUresult;
