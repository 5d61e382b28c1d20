//! Static metadata of high dynamic range: SMPTE ST 2086 and CTA-861.3.

use crate::{Rational, sys};

/// libavutil/mastering_display_metadata.h, which ffmpeg-sys-next does not bind.
#[repr(C)]
struct AVMasteringDisplayMetadata {
    display_primaries: [[sys::AVRational; 2]; 3],
    white_point: [sys::AVRational; 2],
    min_luminance: sys::AVRational,
    max_luminance: sys::AVRational,
    has_primaries: i32,
    has_luminance: i32,
}

/// From the same header.
#[repr(C)]
struct AVContentLightMetadata {
    max_content: u32,
    max_frame_average: u32,
}

/// The display on which the picture was graded (SMPTE ST 2086).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MasteringDisplay {
    /// Chromaticities x and y of red, green and blue, where given.
    pub primaries: Option<[[Rational; 2]; 3]>,
    /// Chromaticity x and y of white, where given.
    pub white_point: Option<[Rational; 2]>,
    /// Least and greatest luminance in cd/m2, where given.
    pub luminance: Option<[Rational; 2]>,
}

/// How bright the content is (CTA-861.3), in cd/m2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentLight {
    /// MaxCLL, of a pixel.
    pub max_content: u32,
    /// MaxFALL, of a frame on average.
    pub max_frame_average: u32,
}

/// What a stream or frame says of its dynamic range, beside its transfer characteristics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hdr {
    /// The display on which it was graded.
    pub mastering: Option<MasteringDisplay>,
    /// How bright it is.
    pub light: Option<ContentLight>,
}

impl Hdr {
    /// # Safety
    /// `parameters` points to valid parameters of a stream.
    pub(crate) unsafe fn of_parameters(parameters: *const sys::AVCodecParameters) -> Self {
        use sys::AVPacketSideDataType::{
            AV_PKT_DATA_CONTENT_LIGHT_LEVEL as LIGHT, AV_PKT_DATA_MASTERING_DISPLAY_METADATA as MASTERING,
        };
        // SAFETY: required of the caller; an entry's data is as long as it says, and is checked against the struct.
        unsafe {
            let find = |kind| {
                let (list, count) = ((*parameters).coded_side_data, (*parameters).nb_coded_side_data);
                sys::av_packet_side_data_get(list, count, kind).as_ref().map(|entry| (entry.data, entry.size))
            };
            Hdr {
                mastering: find(MASTERING).and_then(|(data, size)| mastering(data, size)),
                light: find(LIGHT).and_then(|(data, size)| light(data, size)),
            }
        }
    }

    /// # Safety
    /// `frame` points to a valid frame.
    pub(crate) unsafe fn of_frame(frame: *const sys::AVFrame) -> Self {
        use sys::AVFrameSideDataType::{
            AV_FRAME_DATA_CONTENT_LIGHT_LEVEL as LIGHT, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA as MASTERING,
        };
        // SAFETY: as in `of_parameters`.
        unsafe {
            let find = |kind| sys::av_frame_get_side_data(frame, kind).as_ref().map(|e| (e.data, e.size));
            Hdr {
                mastering: find(MASTERING).and_then(|(data, size)| mastering(data, size)),
                light: find(LIGHT).and_then(|(data, size)| light(data, size)),
            }
        }
    }
}

/// # Safety
/// `data` is valid for `size` bytes, and holds the struct where it is large enough.
unsafe fn mastering(data: *const u8, size: usize) -> Option<MasteringDisplay> {
    if size < size_of::<AVMasteringDisplayMetadata>() {
        return None;
    }
    // SAFETY: required of the caller.
    let found = unsafe { data.cast::<AVMasteringDisplayMetadata>().read_unaligned() };
    let pair = |values: [sys::AVRational; 2]| values.map(Rational::from);
    Some(MasteringDisplay {
        primaries: (found.has_primaries != 0).then(|| found.display_primaries.map(pair)),
        white_point: (found.has_primaries != 0).then(|| pair(found.white_point)),
        luminance: (found.has_luminance != 0).then(|| pair([found.min_luminance, found.max_luminance])),
    })
}

/// # Safety
/// As for `mastering`.
unsafe fn light(data: *const u8, size: usize) -> Option<ContentLight> {
    if size < size_of::<AVContentLightMetadata>() {
        return None;
    }
    // SAFETY: required of the caller.
    let found = unsafe { data.cast::<AVContentLightMetadata>().read_unaligned() };
    Some(ContentLight { max_content: found.max_content, max_frame_average: found.max_frame_average })
}
