//! FFmpeg's pixel formats and RAVE's.

use std::ffi::CStr;
use std::sync::OnceLock;

use rave_core::{PixelFamily, PixelFormat};

use crate::dictionary::text_at;
use crate::sys::{self, AVPixelFormat};

/// What RAVE calls each of FFmpeg's formats, by number: looked up per frame, put together once.
fn table() -> &'static [Option<PixelFormat>] {
    static TABLE: OnceLock<Vec<Option<PixelFormat>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        (0..AVPixelFormat::AV_PIX_FMT_NB as i32)
            .map(|code| {
                let code = without_j(code).map_or(code, |plain| plain as i32);
                PixelFormat::from_name(&name_of(code)?)
            })
            .collect()
    })
}

/// The J formats are those without it, in full range. Frames of them are to say so by their colour range instead.
pub(crate) fn without_j(code: i32) -> Option<AVPixelFormat> {
    use AVPixelFormat::{AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV444P};
    use AVPixelFormat::{AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P};
    let is = |format: AVPixelFormat| code == format as i32;
    if is(AV_PIX_FMT_YUVJ420P) {
        Some(AV_PIX_FMT_YUV420P)
    } else if is(AV_PIX_FMT_YUVJ422P) {
        Some(AV_PIX_FMT_YUV422P)
    } else if is(AV_PIX_FMT_YUVJ444P) {
        Some(AV_PIX_FMT_YUV444P)
    } else {
        None
    }
}

/// RAVE's format that stores samples as a format of FFmpeg's does, but for the order of their bytes.
pub(crate) fn other_endian(code: i32) -> Option<PixelFormat> {
    PixelFormat::from_name(&format!("{}le", name_of(code)?.strip_suffix("be")?))
}

/// RAVE's format for FFmpeg's number, if it has it.
pub(crate) fn known(code: i32) -> Option<PixelFormat> {
    usize::try_from(code).ok().and_then(|index| table().get(index).copied().flatten())
}

/// The number as the enumeration, if this FFmpeg has it.
pub(crate) fn checked(code: i32) -> Option<AVPixelFormat> {
    // SAFETY: the enumeration's values are -1 and 0 to AV_PIX_FMT_NB without gaps, and have the size of an i32.
    (-1..=AVPixelFormat::AV_PIX_FMT_NB as i32).contains(&code).then(|| unsafe { std::mem::transmute(code) })
}

/// FFmpeg's name of its format.
pub(crate) fn name_of(code: i32) -> Option<String> {
    // SAFETY: the value is one that the function takes; its text is NULL or static.
    checked(code).and_then(|format| unsafe { text_at(sys::av_get_pix_fmt_name(format)) })
}

/// FFmpeg's number for RAVE's format.
pub(crate) fn av_format(format: PixelFormat) -> AVPixelFormat {
    static NUMBERS: OnceLock<Vec<AVPixelFormat>> = OnceLock::new();
    let numbers = NUMBERS.get_or_init(|| {
        PixelFormat::ALL
            .iter()
            .map(|format| {
                let name = std::ffi::CString::new(format.name()).expect("names have no zero byte");
                // SAFETY: the name is terminated.
                let found = unsafe { sys::av_get_pix_fmt(name.as_ptr()) };
                assert_ne!(
                    found,
                    AVPixelFormat::AV_PIX_FMT_NONE,
                    "FFmpeg has every format that RAVE has: {format}"
                );
                found
            })
            .collect()
    });
    let index = PixelFormat::ALL.iter().position(|other| *other == format).expect("ALL has every format");
    numbers[index]
}

/// What FFmpeg says of one of its formats.
pub(crate) struct Description {
    pub(crate) family: PixelFamily,
    pub(crate) depth: u32,
    pub(crate) chroma: (u32, u32),
    pub(crate) is_hardware: bool,
}

pub(crate) fn describe(code: i32) -> Option<Description> {
    let format = checked(code)?;
    // SAFETY: the value is one that the function takes; it gives NULL or a static description.
    let description = unsafe { sys::av_pix_fmt_desc_get(format).as_ref() }?;
    let has = |flag: u32| description.flags & u64::from(flag) != 0;
    let colors = description.nb_components - u8::from(has(sys::AV_PIX_FMT_FLAG_ALPHA as u32));
    let family = match colors {
        _ if has(sys::AV_PIX_FMT_FLAG_RGB as u32) || has(sys::AV_PIX_FMT_FLAG_PAL as u32) => PixelFamily::Rgb,
        0..=2 => PixelFamily::Gray,
        _ => PixelFamily::Yuv,
    };
    let chroma = match family {
        PixelFamily::Yuv => (u32::from(description.log2_chroma_w), u32::from(description.log2_chroma_h)),
        _ => (0, 0),
    };
    let components = &description.comp[..usize::from(description.nb_components)];
    let depth = components.iter().map(|component| component.depth as u32).max().unwrap_or(0).max(8);
    Some(Description { family, depth, chroma, is_hardware: has(sys::AV_PIX_FMT_FLAG_HWACCEL as u32) })
}

/// Of `candidates`, the one that keeps of a picture with this `family`, `depth` and `chroma` subsampling (binary
/// logarithms) as much as possible: first the kind of components, then depth, then chroma, and no more than needed of
/// either. `None` where there are no candidates.
pub(crate) fn closest(
    candidates: impl IntoIterator<Item = PixelFormat>,
    family: PixelFamily,
    depth: u32,
    chroma: (u32, u32),
) -> Option<PixelFormat> {
    // Gray is Y'CbCr without its chroma: either holds it. RGB and Y'CbCr are converted into one another with a loss.
    let family_loss = |other| match (family, other) {
        (a, b) if a == b => 0,
        (PixelFamily::Gray, PixelFamily::Yuv) => 1,
        (PixelFamily::Gray, PixelFamily::Rgb) => 2,
        (_, PixelFamily::Gray) => 4,
        _ => 3,
    };
    candidates.into_iter().min_by_key(|candidate| {
        let layout = candidate.layout();
        let (wide, high) = (layout.log2_chroma_width, layout.log2_chroma_height);
        let chroma_loss = wide.saturating_sub(chroma.0) + high.saturating_sub(chroma.1);
        let chroma_excess = chroma.0.saturating_sub(wide) + chroma.1.saturating_sub(high);
        let (chroma_loss, chroma_excess) = if layout.family == PixelFamily::Yuv && family == PixelFamily::Yuv
        {
            (chroma_loss, chroma_excess)
        } else {
            (0, 0)
        };
        (
            family_loss(layout.family),
            depth.saturating_sub(layout.depth),
            chroma_loss,
            layout.depth.saturating_sub(depth),
            chroma_excess,
        )
    })
}

/// The nearest format that RAVE has kernels for, for a format of FFmpeg's by name, keeping depth and chroma; `None`
/// for a name that FFmpeg does not know and for frames on a device. What has alpha loses it.
// RV-FF-1205
#[must_use]
pub fn closest_known_format(name: &str) -> Option<PixelFormat> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: the name is terminated.
    closest_known(unsafe { sys::av_get_pix_fmt(CStr::as_ptr(&name)) } as i32)
}

pub(crate) fn closest_known(code: i32) -> Option<PixelFormat> {
    if let Some(format) = known(code) {
        return Some(format);
    }
    let Description { family, depth, chroma, is_hardware, .. } = describe(code)?;
    if is_hardware {
        return None;
    }
    closest(PixelFormat::ALL.iter().copied(), family, depth, chroma)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-FF-1205
    #[test]
    fn every_format_of_rave_is_one_of_ffmpegs() {
        for &format in PixelFormat::ALL {
            assert_eq!(known(av_format(format) as i32), Some(format));
            assert_eq!(closest_known_format(format.name()), Some(format));
        }
    }

    /// RV-FF-1205
    #[test]
    fn a_foreign_format_keeps_its_depth_and_its_chroma() {
        let cases = [
            ("yuvj420p", PixelFormat::Yuv420p),
            ("yuv440p", PixelFormat::Yuv444p),
            ("yuv411p", PixelFormat::Yuv422p),
            ("yuv420p10be", PixelFormat::Yuv420p10),
            ("yuva444p12le", PixelFormat::Yuv444p12),
            ("yuyv422", PixelFormat::Yuv422p),
            ("pal8", PixelFormat::Rgb24),
            ("rgba", PixelFormat::Rgb24),
            ("rgb48be", PixelFormat::Rgb48),
            ("ya8", PixelFormat::Gray8),
            ("monob", PixelFormat::Gray8),
            ("gray16be", PixelFormat::Gray16),
        ];
        for (name, expected) in cases {
            assert_eq!(closest_known_format(name), Some(expected), "{name}");
        }
        assert_eq!(closest_known_format("cuda"), None);
        assert_eq!(closest_known_format("no such"), None);
    }
}
