//! Which encoder writes an output, in which pixel format, and where it takes its frames.

use rave_core::{Colorimetry, Log, LogLevel, PixelFamily, PixelFormat, Result, Size};
use rave_ffmpeg::{closest_format, default_encoder, encoder_exists, fixed_colors};

use super::engine::Gpu;
use super::repack::{Repack, container_of};

/// What the user says of it; what is left open is chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct EncodingOptions {
    pub(crate) codec: Option<String>,
    pub(crate) container: Option<String>,
    pub(crate) format: Option<PixelFormat>,
    pub(crate) quality: Option<f32>,
    pub(crate) preset: Option<String>,
    /// The muxer's own.
    pub(crate) muxer: Vec<(String, String)>,
    /// The encoder's own.
    pub(crate) options: Vec<(String, String)>,
}

/// How an output is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) codec: String,
    /// What the model's output is packed into.
    pub(crate) format: PixelFormat,
    /// What the encoder takes: the same, unless a GPU has no such frames, or its colours are other ones.
    pub(crate) encoded_format: PixelFormat,
    /// How what the encoder takes is coded, where that is not as the model's output.
    pub(crate) colors: Option<Colorimetry>,
    /// Whether the encoder takes frames on the GPU.
    pub(crate) on_gpu: bool,
}

impl Encoding {
    /// The encoding of an output at `path` of frames on the CPU that come of frames of `format`, coded as `from` says.
    pub(crate) fn on_host(
        path: &str,
        (format, from): (PixelFormat, Colorimetry),
        options: &EncodingOptions,
    ) -> Result<Self> {
        // RV-PIPE-2102
        let wanted = options.format.unwrap_or(format);
        let codec = codec(path, wanted, options)?;
        let encoded_format = closest_format(&codec, wanted)?;
        let colors = other_colors(&codec, (format, from), encoded_format);
        let format = if colors.is_some() { PixelFormat::Rgb48 } else { encoded_format };
        Ok(Encoding { codec, format, encoded_format, colors, on_gpu: false })
    }

    /// The encoding of an output of frames of `format` on a GPU, coded as `from` says, where the model's have `size`.
    // RV-PIPE-2302
    pub(crate) fn on_gpu(
        path: &str,
        (format, from): (PixelFormat, Colorimetry),
        size: Size,
        gpu: &Gpu,
        options: &EncodingOptions,
        log: &Log,
    ) -> Result<Self> {
        let wanted = options.format.unwrap_or(format);
        let codec = codec(path, wanted, options)?;
        let nvenc = match codec.as_str() {
            "libx264" if options.codec.is_none() => Some("h264_nvenc"),
            "libx265" if options.codec.is_none() => Some("hevc_nvenc"),
            name if name.ends_with("_nvenc") => Some(name),
            _ => None,
        };
        if let Some(nvenc) = nvenc {
            let usable = gpu.cuda.check_encoder(nvenc, size, wanted);
            match usable {
                // RV-PIPE-2305
                Ok(()) if encoder_exists(nvenc) => {
                    let codec = nvenc.to_owned();
                    let (format, colors) = (wanted, None);
                    return Ok(Encoding { codec, format, encoded_format: format, colors, on_gpu: true });
                }
                Err(error) if options.codec.is_some() => return Err(error),
                Err(error) => log.write(
                    LogLevel::Info,
                    format_args!(
                        "{}; frames are copied to host memory and encoded by {codec}",
                        error.message()
                    ),
                ),
                Ok(()) => log.write(
                    LogLevel::Info,
                    format_args!(
                        "this FFmpeg has no {nvenc}; frames are copied to host memory and encoded by {codec}"
                    ),
                ),
            }
        }
        let encoded_format = closest_format(&codec, wanted)?;
        let colors = other_colors(&codec, (format, from), encoded_format);
        let packed = if colors.is_some() { PixelFormat::Rgb24 } else { encoded_format };
        let format = packed_for(packed, format, |format| gpu.has_frames_of(format, size));
        Ok(Encoding { codec, format, encoded_format, colors, on_gpu: false })
    }

    /// What makes of the model's output, of `size`, what the encoder takes; `None` where it takes it as it is.
    pub(crate) fn repack(&self, size: Size) -> Result<Option<Repack>> {
        let repack = || Repack::new(self.format, self.encoded_format, size, self.colors);
        (self.format != self.encoded_format).then(repack).transpose()
    }
}

/// What results on a GPU, which has frames of the formats that `has` says yes to, are packed into for an encoder on the host
/// that takes `encoded`: what keeps all of it, so that PNG gets the model's RGB and not what is left of it in 4:2:0. Else
/// `input`, what pictures went in as, of which there are frames.
// RV-PIPE-2303
fn packed_for(encoded: PixelFormat, input: PixelFormat, has: impl Fn(PixelFormat) -> bool) -> PixelFormat {
    container_of(encoded, has).unwrap_or(input)
}

/// How an encoder's frames of `encoded` are to be coded, if the model's output would be coded otherwise, which comes of frames
/// like `input`. It is made as RGB then.
// RV-PIPE-2114
fn other_colors(
    codec: &str,
    (input, from): (PixelFormat, Colorimetry),
    encoded: PixelFormat,
) -> Option<Colorimetry> {
    let is = |format: PixelFormat| format.family() == PixelFamily::Yuv;
    // What stays Y'CbCr stays coded as it is.
    fixed_colors(codec).filter(|fixed| {
        let stays = is(input) && (from.matrix, from.range) == (fixed.matrix, fixed.range);
        is(encoded) && !stays
    })
}

fn codec(path: &str, format: PixelFormat, options: &EncodingOptions) -> Result<String> {
    match &options.codec {
        Some(codec) => Ok(codec.clone()),
        None => default_encoder(path, options.container.as_deref(), format),
    }
}

#[cfg(test)]
mod tests {
    use rave_core::PixelFormat::{Bgr0, Gray8, Nv12, P010, Rgb24, Yuv420p10};

    use super::*;

    /// RV-PIPE-2303
    #[test]
    fn results_on_a_gpu_keep_what_an_encoder_on_the_host_takes() {
        let gpu = [Nv12, P010, Bgr0];
        for (encoded, packed) in [(Nv12, Nv12), (Rgb24, Bgr0), (Yuv420p10, P010), (Gray8, Nv12)] {
            assert_eq!(packed_for(encoded, Nv12, |format| gpu.contains(&format)), packed, "{encoded}");
        }
    }
}
