//! Which encoder writes an output, in which pixel format, and where it takes its frames.

use rave_core::{Log, LogLevel, PixelFormat, Result, Size};
use rave_ffmpeg::{closest_format, default_encoder, encoder_exists};

use super::engine::Gpu;

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
    /// What the encoder takes: the same, unless a GPU has no such frames.
    pub(crate) encoded_format: PixelFormat,
    /// Whether the encoder takes frames on the GPU.
    pub(crate) on_gpu: bool,
}

impl Encoding {
    /// The encoding of an output at `path` of frames on the CPU that come of frames of `format`.
    pub(crate) fn on_host(path: &str, format: PixelFormat, options: &EncodingOptions) -> Result<Self> {
        // RV-PIPE-2102
        let wanted = options.format.unwrap_or(format);
        let codec = codec(path, wanted, options)?;
        let format = closest_format(&codec, wanted)?;
        Ok(Encoding { codec, format, encoded_format: format, on_gpu: false })
    }

    /// The encoding of an output of frames of `format` on a GPU, where the model's have `size`.
    // RV-PIPE-2302
    pub(crate) fn on_gpu(
        path: &str,
        format: PixelFormat,
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
                    return Ok(Encoding { codec, format: wanted, encoded_format: wanted, on_gpu: true });
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
        // Frames on a GPU are of few formats: those that its decoder gives are among them.
        let format = if gpu.has_frames_of(encoded_format, size) { encoded_format } else { format };
        Ok(Encoding { codec, format, encoded_format, on_gpu: false })
    }
}

fn codec(path: &str, format: PixelFormat, options: &EncodingOptions) -> Result<String> {
    match &options.codec {
        Some(codec) => Ok(codec.clone()),
        None => default_encoder(path, options.container.as_deref(), format),
    }
}
