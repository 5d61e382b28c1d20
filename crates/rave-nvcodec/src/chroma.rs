//! How a coded picture samples its chroma.

use std::fmt;

use rave_core::{PixelFamily, PixelFormat};

/// How a coded picture samples its chroma.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chroma {
    /// No chroma.
    Monochrome,
    /// Half the columns and half the rows.
    Yuv420,
    /// Half the columns.
    Yuv422,
    /// All of it.
    Yuv444,
}

impl Chroma {
    /// Every sampling.
    pub const ALL: [Chroma; 4] = [Chroma::Monochrome, Chroma::Yuv420, Chroma::Yuv422, Chroma::Yuv444];

    /// What an encoder makes of frames of `format`, as FFmpeg's NVENC encoders go about it: packed RGB becomes 4:2:0,
    /// planar RGB is coded as 4:4:4, and gray has no mode of its own.
    pub(crate) fn encoded_from(format: PixelFormat) -> Chroma {
        let layout = format.layout();
        match (layout.family, layout.log2_chroma_width, layout.log2_chroma_height) {
            (PixelFamily::Gray, ..) => Chroma::Yuv420,
            (PixelFamily::Rgb, ..) if layout.planes == 1 => Chroma::Yuv420,
            (PixelFamily::Rgb, ..) | (PixelFamily::Yuv, 0, _) => Chroma::Yuv444,
            (PixelFamily::Yuv, _, 0) => Chroma::Yuv422,
            (PixelFamily::Yuv, ..) => Chroma::Yuv420,
        }
    }
}

impl fmt::Display for Chroma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Chroma::Monochrome => "mono",
            Chroma::Yuv420 => "4:2:0",
            Chroma::Yuv422 => "4:2:2",
            Chroma::Yuv444 => "4:4:4",
        })
    }
}
