//! The command line of `rave build`.

use std::path::PathBuf;

use clap::Args;
use rave_core::Size;
use rave_engine::Precision;

use crate::arguments::Values;
use crate::values::{bytes, capability, size};

pub(crate) const EXAMPLES: &str = "Examples:
  rave build model.onnx                          for this GPU and every frame size
  rave build model.onnx --shape 1280x720         for one size
  rave build model.onnx --min 64x64 --opt 1280x720 --max 1920x1080 -o model.engine
  rave build model.onnx --fp16 --check film.mp4  and compare it with the model
  rave build model.onnx --compute-capability 8.9,12.0
                                                 for other GPUs, on a machine without one (TensorRT-RTX)
  ffmpeg -hwaccel cuda -hwaccel_output_format cuda -i in.mp4 -vf rave=model.engine out.mp4";

/// What is to be built, of what.
#[derive(Args, Debug)]
pub(crate) struct Build {
    /// The ONNX model
    pub(crate) model: PathBuf,
    /// The engine's file; MODEL with the extension .engine by default
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sizes: Sizes,
    /// Frames that may go through the model together, from 1 to this
    #[arg(long, value_name = "FRAMES", default_value_t = 1)]
    pub(crate) batch: u32,
    #[command(flatten)]
    pub(crate) precision: PrecisionFlags,
    /// Scratch memory that a layer may use, such as 512M or 2G; all of the GPU's by default
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) workspace: Option<u64>,
    /// How long TensorRT looks for something faster
    #[arg(long, value_name = "0-5", default_value_t = 3, value_parser = clap::value_parser!(u8).range(..=5))]
    pub(crate) level: u8,
    /// An engine that later versions of TensorRT run, too
    #[arg(long)]
    pub(crate) version_compatible: bool,
    /// TensorRT-RTX: build for these GPUs in place of this machine's, such as 8.9,12.0
    #[arg(long, value_name = "MAJOR.MINOR,...", value_delimiter = ',', value_parser = capability)]
    pub(crate) compute_capability: Vec<(u32, u32)>,
    /// Run the engine on a picture, or on eight frames of a film, and tell how close it comes to the model on the CPU
    ///
    /// Needs the GPU that the engine is for. Where the engine overflows it is built again, in bf16 or fp32, if TensorRT
    /// can do that.
    #[arg(long, value_name = "FRAME|CLIP")]
    pub(crate) check: Option<PathBuf>,
    /// What the model's tensors hold for white
    ///
    /// With the GPU that it is for, every new engine is run once on a picture that is built in; where it gives NaN or
    /// infinity it is built again, as with --check.
    #[arg(long, value_enum, default_value_t = Values::Unit)]
    pub(crate) values: Values,
    /// The TensorRT library; searched for by default
    #[arg(long, value_name = "FILE")]
    pub(crate) runtime_lib: Option<PathBuf>,
    /// The library of TensorRT's ONNX parser; searched for by default
    #[arg(long, value_name = "FILE")]
    pub(crate) parser_lib: Option<PathBuf>,
}

/// The frames that it is built for.
#[derive(Args, Debug)]
pub(crate) struct Sizes {
    /// Build for frames of one size
    #[arg(long, value_name = "WxH", value_parser = size, conflicts_with_all = ["min", "opt", "max"])]
    pub(crate) shape: Option<Size>,
    /// The smallest frames to build for
    #[arg(long, value_name = "WxH", value_parser = size, requires_all = ["opt", "max"])]
    pub(crate) min: Option<Size>,
    /// The frames to be fastest for
    #[arg(long, value_name = "WxH", value_parser = size, requires_all = ["min", "max"])]
    pub(crate) opt: Option<Size>,
    /// The largest frames to build for
    #[arg(long, value_name = "WxH", value_parser = size, requires_all = ["min", "opt"])]
    pub(crate) max: Option<Size>,
}

/// What it computes in: one of these, or what the model was saved in.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct PrecisionFlags {
    /// Compute in fp16; TensorRT 11 and RTX: if the model is saved in it
    #[arg(long)]
    fp16: bool,
    /// Compute in bf16; TensorRT 11 and RTX: if the model is saved in it
    #[arg(long)]
    bf16: bool,
    /// Compute in fp32
    #[arg(long)]
    fp32: bool,
    /// Compute in fp32, with products of 10-bit mantissas
    #[arg(long)]
    tf32: bool,
}

impl PrecisionFlags {
    pub(crate) fn choice(&self) -> Precision {
        [
            (self.fp16, Precision::Fp16),
            (self.bf16, Precision::Bf16),
            (self.fp32, Precision::Fp32),
            (self.tf32, Precision::Tf32),
        ]
        .into_iter()
        .find_map(|(given, precision)| given.then_some(precision))
        .unwrap_or_default()
    }
}
