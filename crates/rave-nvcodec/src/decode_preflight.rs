//! Whether NVDEC takes a stream, before FFmpeg tries.

use rave_core::{Error, Result, Size, Status};

use crate::{Chroma, DecodeCodec, DecodeMode, DecoderCaps};

/// What leaves the decoder out. FFmpeg decodes on the CPU without `-hwaccel`.
const ON_THE_CPU: &str = "decode on the CPU: leave out -hwaccel cuda, and put hwupload_cuda in front of rave";

/// A stream that is to be decoded on the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeRequest {
    /// The codec.
    pub codec: DecodeCodec,
    /// The sampling of its chroma.
    pub chroma: Chroma,
    /// Bits of a sample.
    pub depth: u32,
    /// The coded size, in pixels.
    pub size: Size,
}

/// Whether the GPU decodes such a stream.
///
/// # Errors
/// [`Status::InvalidDevice`] if the GPU has no decoder at all, [`Status::UnsupportedFormat`] if it does not decode this:
/// the codec, its chroma sampling or depth, or a size outside the limits. The message says what it does decode.
// RV-NVC-1201
pub fn preflight_decode(caps: &DecoderCaps, request: &DecodeRequest) -> Result<()> {
    let DecodeRequest { codec, chroma, depth, size } = *request;
    let gpu = caps.gpu();
    if caps.modes().is_empty() {
        return Err(Error::new(Status::InvalidDevice, format!("{gpu} has no NVDEC")).help(ON_THE_CPU));
    }
    // RV-NVC-1202
    let unsupported = |found: String| Error::new(Status::UnsupportedFormat, found).help(ON_THE_CPU);
    let mode = DecodeMode { codec, chroma, depth };
    let Some(limits) = caps.limits(mode) else {
        let others: Vec<String> = caps
            .modes()
            .iter()
            .filter(|(other, _)| other.codec == codec)
            .map(|(other, _)| format!("{} of {} bits", other.chroma, other.depth))
            .collect();
        return Err(if others.is_empty() {
            unsupported(format!("{gpu} does not decode {codec}"))
        } else {
            unsupported(format!("{gpu} does not decode {mode}")).expected(others.join(", "))
        });
    };
    let (min, max) = (limits.min, limits.max);
    if size.width > max.width || size.height > max.height {
        return Err(unsupported(format!("{codec} of {size} is over the NVDEC limit of {gpu}"))
            .expected(format!("at most {max}")));
    }
    if size.width < min.width || size.height < min.height {
        return Err(unsupported(format!("{codec} of {size} is under the NVDEC limit of {gpu}"))
            .expected(format!("at least {min}")));
    }
    let macroblocks = size.pixels() / 256;
    if macroblocks > limits.max_macroblocks.into() {
        return Err(unsupported(format!(
            "{codec} of {size} has {macroblocks} macroblocks, over the NVDEC limit of {gpu}"
        ))
        .expected(format!("at most {}", limits.max_macroblocks)));
    }
    Ok(())
}
