//! What NVENC encodes.

use std::fmt;

use rave_core::Size;

use crate::sys::nvenc::{self as sys, GUID};
use crate::{ApiVersion, table};

/// A codec that some NVENC encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EncodeCodec {
    /// H.264.
    H264,
    /// HEVC.
    Hevc,
    /// AV1.
    Av1,
}

impl EncodeCodec {
    /// Every codec.
    pub const ALL: [EncodeCodec; 3] = [EncodeCodec::H264, EncodeCodec::Hevc, EncodeCodec::Av1];

    /// The codec's name, such as "H.264".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            EncodeCodec::H264 => "H.264",
            EncodeCodec::Hevc => "HEVC",
            EncodeCodec::Av1 => "AV1",
        }
    }

    /// FFmpeg's encoder on NVENC, such as "h264_nvenc".
    #[must_use]
    pub const fn encoder(self) -> &'static str {
        match self {
            EncodeCodec::H264 => "h264_nvenc",
            EncodeCodec::Hevc => "hevc_nvenc",
            EncodeCodec::Av1 => "av1_nvenc",
        }
    }

    /// FFmpeg's encoder on the CPU that does the same.
    #[must_use]
    pub const fn software(self) -> &'static str {
        match self {
            EncodeCodec::H264 => "libx264",
            EncodeCodec::Hevc => "libx265",
            EncodeCodec::Av1 => "libsvtav1",
        }
    }

    /// The codec of FFmpeg's encoder `name`, if it is one on NVENC.
    #[must_use]
    pub fn from_encoder(name: &str) -> Option<Self> {
        EncodeCodec::ALL.into_iter().find(|codec| codec.encoder() == name)
    }

    pub(crate) const fn guid(self) -> GUID {
        match self {
            EncodeCodec::H264 => sys::NV_ENC_CODEC_H264_GUID,
            EncodeCodec::Hevc => sys::NV_ENC_CODEC_HEVC_GUID,
            EncodeCodec::Av1 => sys::NV_ENC_CODEC_AV1_GUID,
        }
    }
}

macro_rules! profiles {
    ($($(#[$doc:meta])* $variant:ident $guid:ident $name:literal;)*) => {
        /// A profile of one of the codecs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Profile { $($(#[$doc])* $variant,)* }

        impl Profile {
            /// The profile's name, such as "main10".
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Profile::$variant => $name,)* }
            }

            pub(crate) fn from_guid(guid: GUID) -> Option<Self> {
                [$((sys::$guid, Profile::$variant),)*]
                    .into_iter()
                    .find(|(known, _)| *known == guid)
                    .map(|(_, profile)| profile)
            }
        }
    };
}

profiles! {
    /// H.264 Baseline.
    H264Baseline NV_ENC_H264_PROFILE_BASELINE_GUID "baseline";
    /// H.264 Main.
    H264Main NV_ENC_H264_PROFILE_MAIN_GUID "main";
    /// H.264 High.
    H264High NV_ENC_H264_PROFILE_HIGH_GUID "high";
    /// H.264 High 4:4:4 Predictive.
    H264High444 NV_ENC_H264_PROFILE_HIGH_444_GUID "high444p";
    /// H.264 Stereo High.
    H264Stereo NV_ENC_H264_PROFILE_STEREO_GUID "stereo";
    /// H.264 Progressive High.
    H264ProgressiveHigh NV_ENC_H264_PROFILE_PROGRESSIVE_HIGH_GUID "progressive-high";
    /// H.264 Constrained High.
    H264ConstrainedHigh NV_ENC_H264_PROFILE_CONSTRAINED_HIGH_GUID "constrained-high";
    /// HEVC Main.
    HevcMain NV_ENC_HEVC_PROFILE_MAIN_GUID "main";
    /// HEVC Main 10.
    HevcMain10 NV_ENC_HEVC_PROFILE_MAIN10_GUID "main10";
    /// HEVC with range extensions: 4:4:4, and 4:2:2 where there is any.
    HevcRext NV_ENC_HEVC_PROFILE_FREXT_GUID "rext";
    /// AV1 Main.
    Av1Main NV_ENC_AV1_PROFILE_MAIN_GUID "main";
}

/// What NVENC does with one codec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecCaps {
    /// The codec.
    pub codec: EncodeCodec,
    /// The profiles that RAVE has a name for.
    pub profiles: Vec<Profile>,
    /// The smallest frame, each side for itself.
    pub min: Size,
    /// The largest frame, each side for itself.
    pub max: Size,
    /// The most macroblocks of 16x16 in a frame, where the driver says.
    pub max_macroblocks: Option<u32>,
    /// Whether samples of 10 bits are encoded.
    pub ten_bit: bool,
    /// Whether 4:2:2 is encoded; unknown before [`ApiVersion::WITH_YUV422`].
    pub yuv422: Option<bool>,
    /// Whether 4:4:4 is encoded.
    pub yuv444: bool,
    /// Whether there is a lossless mode.
    pub lossless: bool,
    /// The most B-frames in a row.
    pub b_frames: u32,
    /// The encoding engines of the GPU, where the driver says.
    pub engines: Option<u32>,
}

/// What a GPU's NVENC encodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderCaps {
    /// The GPU's name, as the caller gave it.
    pub gpu: String,
    /// The newest interface that the driver has.
    pub api: ApiVersion,
    /// The codecs, in the order of [`EncodeCodec::ALL`].
    pub codecs: Vec<CodecCaps>,
}

impl EncoderCaps {
    /// What is done with `codec`, if it is encoded.
    #[must_use]
    pub fn codec(&self, codec: EncodeCodec) -> Option<&CodecCaps> {
        self.codecs.iter().find(|caps| caps.codec == codec)
    }
}

/// Whether a GPU encodes, and what. Displays as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncoderSupport {
    /// The GPU has NVENC.
    Nvenc(EncoderCaps),
    /// The GPU has no NVENC, as server GPUs from A100 to H200.
    NoNvenc {
        /// The GPU's name, as the caller gave it.
        gpu: String,
        /// The newest interface that the driver has.
        api: ApiVersion,
        /// The driver's answer to opening a session, by its name in nvEncodeAPI.h.
        answer: String,
    },
}

impl fmt::Display for EncoderSupport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caps = match self {
            EncoderSupport::NoNvenc { gpu, api, answer } => {
                return writeln!(
                    f,
                    "{gpu} encodes nothing: it has no NVENC ({answer}; driver with API {api})"
                );
            }
            EncoderSupport::Nvenc(caps) => caps,
        };
        writeln!(f, "{} encodes (driver with API {}):", caps.gpu, caps.api)?;
        let yes = |known: Option<bool>| known.map_or("?", |yes| if yes { "yes" } else { "no" }).to_string();
        let number = |known: Option<u32>| known.map_or("?".into(), |number| number.to_string());
        let rows: Vec<_> = caps
            .codecs
            .iter()
            .map(|caps| {
                let profiles: Vec<_> = caps.profiles.iter().map(|profile| profile.name()).collect();
                [
                    caps.codec.encoder().to_string(),
                    caps.min.to_string(),
                    caps.max.to_string(),
                    number(caps.max_macroblocks),
                    yes(Some(caps.ten_bit)),
                    yes(caps.yuv422),
                    yes(Some(caps.yuv444)),
                    yes(Some(caps.lossless)),
                    caps.b_frames.to_string(),
                    number(caps.engines),
                    profiles.join(" "),
                ]
            })
            .collect();
        let head = [
            "encoder",
            "smallest",
            "largest",
            "macroblocks",
            "10-bit",
            "4:2:2",
            "4:4:4",
            "lossless",
            "B-frames",
            "engines",
            "profiles",
        ];
        table::write(f, head, &rows)
    }
}
