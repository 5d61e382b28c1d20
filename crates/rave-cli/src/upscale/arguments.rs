//! The command line of `rave upscale`.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rave_core::{PixelFormat, Size};
use rave_engine::{BuildChoice, CacheChoice, Mode, Precision};
use rave_pipeline::DeviceChoice;

use crate::arguments::Values;
use crate::values::{pair, pixel_format, quality, size, time};

pub(crate) const EXAMPLES: &str = "Examples:
  rave upscale in.mp4 -m model.onnx -o out.mp4
  rave upscale in.mkv -m model.onnx -o out.mkv --quality 16 --preset slow
  rave upscale in.mp4 -m model.onnx -o out.mp4 --start 1:30 --duration 10
  rave upscale in.mp4 -m model.onnx -o out.mp4 --resume      after it was stopped, in whatever way
  rave upscale in.mp4 -m model.onnx -o frames/%05d.png       as images
  ffmpeg -i in.mp4 -f yuv4mpegpipe - | rave upscale - -m model.onnx -o - --format yuv4mpegpipe | ffplay -

While it runs, the folder OUT.rave-unfinished, where OUT is a name without percent signs, keeps what is done. OUT appears
when it is complete.";

/// What is to be upscaled, by what, into what.
#[derive(Args, Debug)]
pub(crate) struct Upscale {
    /// A video or an image, - for standard input, or numbered images such as in/%05d.png
    pub(crate) input: String,
    /// An .onnx model, or a TensorRT engine
    #[arg(short, long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// A video, numbered images such as out/%05d.png, an image for one picture, or - for standard output; the ending tells
    /// the container
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: String,
    /// Replace what is there, an unfinished run included
    #[arg(long, conflicts_with = "resume")]
    pub(crate) overwrite: bool,
    /// Go on with an unfinished run, if there is one
    #[arg(long)]
    pub(crate) resume: bool,
    /// Pictures that are finished together, and computed again at most when a run goes on
    #[arg(long, value_name = "PICTURES", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) segment: u64,
    /// Write the evidence of the run to this file: what was decided, and hashes of pictures. rave replay runs it again
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Of how many pictures one is in the ledger
    #[arg(long, value_name = "PICTURES", default_value = "1", requires = "ledger")]
    pub(crate) ledger_every: NonZero<u32>,
    /// Write a line of JSON for each piece of news to standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten, next_help_heading = "Input")]
    pub(crate) part: Part,
    #[command(flatten, next_help_heading = "Model")]
    pub(crate) engine: EngineFlags,
    #[command(flatten, next_help_heading = "Output")]
    pub(crate) encoding: Encoding,
}

#[derive(Args, Debug)]
pub(crate) struct Part {
    /// Begin so far into the video: seconds, or hours:minutes:seconds
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "0")]
    pub(crate) start: Duration,
    /// End after so much of it
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) duration: Option<Duration>,
    /// FFmpeg's name of the input's container, for pipes of raw video
    #[arg(long, value_name = "NAME")]
    pub(crate) input_format: Option<String>,
    /// An option of FFmpeg's demuxer, such as framerate=24 for images
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) input_option: Vec<(String, String)>,
    /// Whether damage is an error, or counted and gone on from
    #[arg(long, value_enum, default_value_t = ModeFlag::Strict)]
    pub(crate) mode: ModeFlag,
    /// Whether a picture that repeats the one before goes through the model
    #[arg(long, value_enum, default_value_t = Dedup::None)]
    pub(crate) dedup: Dedup,
}

#[derive(Args, Debug)]
pub(crate) struct EngineFlags {
    /// auto, cpu, or the number of a GPU
    #[arg(long, value_name = "DEVICE", value_parser = device, default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// CPU threads of the model; 0 is one per core
    #[arg(long, value_name = "THREADS", default_value_t = 0)]
    pub(crate) threads: usize,
    /// Cut pictures into tiles of this size
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub(crate) tile: Option<Size>,
    /// Pixels that neighbouring tiles share
    #[arg(long, value_name = "PIXELS", requires = "tile")]
    pub(crate) overlap: Option<u32>,
    /// On a GPU: pictures that are computed at a time, 1 to 16
    #[arg(long, value_name = "STREAMS", default_value_t = 0)]
    pub(crate) streams: u32,
    /// What the model's tensors hold for white
    #[arg(long, value_enum, default_value_t = Values::Unit)]
    pub(crate) values: Values,
    /// The inference library, or embedded; searched for by default
    #[arg(long, value_name = "FILE")]
    pub(crate) runtime_lib: Option<PathBuf>,
    /// The lean runtime of an older TensorRT, for version-compatible engines that it built
    #[arg(long, value_name = "FILE")]
    pub(crate) lean_runtime: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) first_use: FirstUse,
}

/// How an .onnx model becomes an engine.
#[derive(Args, Debug)]
pub(crate) struct FirstUse {
    /// On a GPU, of an .onnx model: what its engine computes in; the model's own by default
    #[arg(long, value_enum, default_value_t = PrecisionFlag::Auto)]
    pub(crate) precision: PrecisionFlag,
    /// On a GPU, of an .onnx model: whether its engine is built
    #[arg(long, value_enum, default_value_t = BuildFlag::Auto)]
    pub(crate) build: BuildFlag,
    /// Where engines are kept that were built, or off; $XDG_CACHE_HOME/rave or ~/.cache/rave by default
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
}

impl FirstUse {
    pub(crate) fn cache(&self) -> CacheChoice {
        match &self.cache {
            None => CacheChoice::Usual,
            Some(off) if off.as_os_str() == "off" => CacheChoice::Off,
            Some(folder) => CacheChoice::At(folder.clone()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionFlag {
    /// What the model was saved in
    Auto,
    /// 32-bit floating point
    Fp32,
    /// 16-bit floating point
    Fp16,
    /// bfloat16
    Bf16,
    /// fp32 with products of 10-bit mantissas
    Tf32,
}

impl From<PrecisionFlag> for Precision {
    fn from(flag: PrecisionFlag) -> Self {
        match flag {
            PrecisionFlag::Auto => Precision::Model,
            PrecisionFlag::Fp32 => Precision::Fp32,
            PrecisionFlag::Fp16 => Precision::Fp16,
            PrecisionFlag::Bf16 => Precision::Bf16,
            PrecisionFlag::Tf32 => Precision::Tf32,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuildFlag {
    /// Unless it is in the cache
    Auto,
    /// Never: one that is not in the cache is an error
    Never,
    /// Unless it is in the cache, and that is all that is done
    Only,
}

impl From<BuildFlag> for BuildChoice {
    fn from(flag: BuildFlag) -> Self {
        match flag {
            BuildFlag::Auto => BuildChoice::Auto,
            BuildFlag::Never => BuildChoice::Never,
            BuildFlag::Only => BuildChoice::Only,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Encoding {
    /// FFmpeg's name of the encoder
    #[arg(long, value_name = "ENCODER")]
    pub(crate) codec: Option<String>,
    /// 0 (lossless or the best) to 51 (the worst), as x264's crf; encoders without such a scale refuse it
    #[arg(long, value_name = "0-51", value_parser = quality)]
    pub(crate) quality: Option<f32>,
    /// The encoder's preset, such as slow
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// An option of the encoder by its own name
    #[arg(short = 'x', long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) encoder_option: Vec<(String, String)>,
    /// The pixel format, or the nearest that the encoder takes; as the input's by default
    #[arg(long, value_name = "FORMAT", value_parser = pixel_format)]
    pub(crate) pixel_format: Option<PixelFormat>,
    /// FFmpeg's name of the container
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,
    /// Refuse an output that is wider or higher
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub(crate) max_size: Option<Size>,
    /// Leave out sound, subtitles and whatever else is copied
    #[arg(long)]
    pub(crate) no_copy: bool,
    /// Round to nearest, in place of ordered dither of 8-bit output
    #[arg(long)]
    pub(crate) no_dither: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeFlag {
    /// An error
    Strict,
    /// Counted
    Hardened,
}

impl From<ModeFlag> for Mode {
    fn from(flag: ModeFlag) -> Self {
        match flag {
            ModeFlag::Strict => Mode::Strict,
            ModeFlag::Hardened => Mode::Hardened,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dedup {
    /// All pictures do
    None,
    /// Pictures with equal bytes do once
    Exact,
}

pub(crate) fn device(text: &str) -> Result<DeviceChoice, String> {
    match text {
        "auto" => Ok(DeviceChoice::Auto),
        "cpu" => Ok(DeviceChoice::Cpu),
        number => {
            number.parse().map(DeviceChoice::Gpu).map_err(|_| "auto, cpu, or the number of a GPU".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_others_explained() {
        assert_eq!(device("cpu"), Ok(DeviceChoice::Cpu));
        assert_eq!(device("2"), Ok(DeviceChoice::Gpu(2)));
        assert!(device("gpu").unwrap_err().contains("the number of a GPU"));
    }
}
