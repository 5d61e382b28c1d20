//! What NVDEC decodes.

use std::fmt;

use rave_core::{PixelFormat, Size};

use crate::sys::nvcuvid::cudaVideoCodec;
use crate::{Chroma, table};

macro_rules! codecs {
    ($($(#[$doc:meta])* $variant:ident $foreign:ident $name:literal;)*) => {
        /// A codec that some NVDEC decodes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DecodeCodec { $($(#[$doc])* $variant,)* }

        impl DecodeCodec {
            /// Every codec.
            pub const ALL: &[DecodeCodec] = &[$(DecodeCodec::$variant,)*];

            /// FFmpeg's name of the codec, such as "hevc".
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(DecodeCodec::$variant => $name,)* }
            }

            pub(crate) const fn foreign(self) -> cudaVideoCodec {
                match self { $(DecodeCodec::$variant => cudaVideoCodec::$foreign,)* }
            }
        }
    };
}

codecs! {
    /// MPEG-1 video.
    Mpeg1 MPEG1 "mpeg1video";
    /// MPEG-2 video.
    Mpeg2 MPEG2 "mpeg2video";
    /// MPEG-4 part 2.
    Mpeg4 MPEG4 "mpeg4";
    /// VC-1.
    Vc1 VC1 "vc1";
    /// H.264.
    H264 H264 "h264";
    /// HEVC.
    Hevc HEVC "hevc";
    /// VP8.
    Vp8 VP8 "vp8";
    /// VP9.
    Vp9 VP9 "vp9";
    /// AV1.
    Av1 AV1 "av1";
    /// JPEG, and so MJPEG.
    Jpeg JPEG "mjpeg";
}

impl DecodeCodec {
    /// The codec that FFmpeg calls `name`, if some NVDEC decodes it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        DecodeCodec::ALL.iter().copied().find(|codec| codec.name() == name)
    }
}

impl fmt::Display for DecodeCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A kind of stream, as far as NVDEC tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeMode {
    /// The codec.
    pub codec: DecodeCodec,
    /// The sampling of its chroma.
    pub chroma: Chroma,
    /// Bits of a sample: 8, 10 or 12.
    pub depth: u32,
}

impl DecodeMode {
    /// The depths that NVDEC is asked about.
    pub const DEPTHS: [u32; 3] = [8, 10, 12];

    /// Every mode that NVDEC is asked about: each codec in each chroma sampling and depth.
    pub fn all() -> impl Iterator<Item = DecodeMode> {
        DecodeCodec::ALL.iter().flat_map(|&codec| {
            Chroma::ALL.into_iter().flat_map(move |chroma| {
                DecodeMode::DEPTHS.into_iter().map(move |depth| DecodeMode { codec, chroma, depth })
            })
        })
    }
}

impl fmt::Display for DecodeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {} bits", self.codec, self.chroma, self.depth)
    }
}

/// The frame formats that NVDEC can write, a bit for each `cudaVideoSurfaceFormat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Surfaces(pub u16);

impl Surfaces {
    /// In the order of `cudaVideoSurfaceFormat`; the last two came with Video Codec SDK 13.0.
    const FORMATS: [PixelFormat; 6] = [
        PixelFormat::Nv12,
        PixelFormat::P016,
        PixelFormat::Yuv444p,
        PixelFormat::Yuv444p16,
        PixelFormat::Nv16,
        PixelFormat::P216,
    ];

    /// The formats. Bits that RAVE knows no format for are left out.
    pub fn formats(self) -> impl Iterator<Item = PixelFormat> {
        let bits = self.0;
        Surfaces::FORMATS.into_iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, f)| f)
    }
}

impl fmt::Display for Surfaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.formats().map(PixelFormat::name).collect();
        f.pad(&names.join(" "))
    }
}

/// What a stream must keep to for NVDEC to decode it, and what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The smallest coded size, each side for itself.
    pub min: Size,
    /// The largest coded size, each side for itself.
    pub max: Size,
    /// The most macroblocks: coded width x coded height / 256.
    pub max_macroblocks: u32,
    /// The decoding engines that take this mode.
    pub engines: u32,
    /// The formats that frames come out in.
    pub surfaces: Surfaces,
}

/// What a GPU's NVDEC decodes. Displays as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderCaps {
    pub(crate) gpu: String,
    pub(crate) modes: Vec<(DecodeMode, DecodeLimits)>,
}

impl DecoderCaps {
    /// The GPU's name, as the caller gave it.
    #[must_use]
    pub fn gpu(&self) -> &str {
        &self.gpu
    }

    /// The modes that are decoded, in the order of [`DecodeMode::all`].
    #[must_use]
    pub fn modes(&self) -> &[(DecodeMode, DecodeLimits)] {
        &self.modes
    }

    /// The limits of a mode, if it is decoded.
    #[must_use]
    pub fn limits(&self, mode: DecodeMode) -> Option<DecodeLimits> {
        self.modes.iter().find(|(known, _)| *known == mode).map(|(_, limits)| *limits)
    }
}

impl fmt::Display for DecoderCaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modes.is_empty() {
            return writeln!(f, "{} decodes nothing: it has no NVDEC", self.gpu);
        }
        writeln!(f, "{} decodes:", self.gpu)?;
        let rows: Vec<_> = self
            .modes
            .iter()
            .map(|(mode, limits)| {
                [
                    mode.codec.to_string(),
                    mode.chroma.to_string(),
                    mode.depth.to_string(),
                    limits.min.to_string(),
                    limits.max.to_string(),
                    limits.max_macroblocks.to_string(),
                    limits.engines.to_string(),
                    limits.surfaces.to_string(),
                ]
            })
            .collect();
        let head = [
            "codec",
            "chroma",
            "bits",
            "smallest",
            "largest",
            "macroblocks",
            "engines",
            "frames come out as",
        ];
        table::write(f, head, &rows)
    }
}
