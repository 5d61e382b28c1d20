//! How an output's encoder is opened: once, or for each segment anew, always alike.

use rave_core::Result;
use rave_ffmpeg::{Encoder, EncoderOptions, HardwareFrames, Rational, VideoFrame, quality_options};

use super::encoding::{Encoding, EncodingOptions};

/// Everything that an encoder is told.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// A frame like those that will come, but for its pixels.
    pub(crate) like: VideoFrame,
    pub(crate) time_base: Rational,
    pub(crate) frame_rate: Option<Rational>,
    /// Where frames come from that are on a GPU.
    pub(crate) hardware: Option<HardwareFrames>,
    pub(crate) encoding: Encoding,
    pub(crate) options: EncodingOptions,
    /// Whether its headers go into the container.
    pub(crate) global_header: bool,
}

impl Recipe {
    pub(crate) fn open(&self) -> Result<Encoder> {
        let Recipe { encoding, options, .. } = self;
        let mut all = quality_options(&encoding.codec, options.quality, options.preset.as_deref())?;
        all.extend(options.options.iter().cloned());
        Encoder::open(&EncoderOptions {
            frame_rate: self.frame_rate,
            options: all,
            global_header: self.global_header,
            hardware: self.hardware.as_ref(),
            format: encoding.encoded_format,
            ..EncoderOptions::for_frames_like(&encoding.codec, &self.like, self.time_base)?
        })
    }
}
