//! One frame through preprocess, inference and postprocess.
//!
//! [`Model::load`] reads a file, sees from its content which backend runs it, and loads it once per process.
//! [`Session`] binds a model to a frame geometry: it owns every buffer, so that a frame allocates nothing. Frames that
//! a model of fixed size cannot take whole go through it in overlapping tiles. [`CudaSession`] does the same for frames
//! in GPU memory. [`engine_cache`] keeps what TensorRT builds of a model.
//!
//! A new backend is a crate beside `rave-onnx` and a variant of `Backend` in `model.rs`.

// RV-ENG-1108
#![deny(unsafe_code)]

mod build;
mod cache;
mod check;
mod colors;
#[allow(unsafe_code, reason = "TensorRT and CUDA take addresses; each block says why it holds")]
mod cuda;
pub mod engine_cache;
mod file_info;
mod model;
mod model_file;
mod noted;
mod options;
mod retry;
mod session;
mod stats;
mod threads;
mod tile_choice;
mod tiled;

pub use build::{
    BuildChoice, BuildPlace, BuilderProgram, CacheChoice, Cancel, EngineRequest, EngineSizes, PreparedBuild,
    check_room,
};
pub use check::{Accuracy, Choices, Comparison, Picture, Verdict, in_words, verdict, verdict_of_trial};
pub use cuda::{
    CudaDevice, CudaSession, EngineCheck, EngineContents, Gpu, Gpus, Owner, Readback, UploadingSession,
};
pub use file_info::{EngineInfo, FileInfo};
pub use model::{BackendChoice, EMBEDDED, Model, ModelOptions};
pub use options::{GraphChoice, Mode, SessionOptions};
pub use rave_cuda::{DeviceInfo, DevicePlane, FrameOnDevice, UserKernel};
pub use rave_ledger::{Counts, Every, Ledger, LedgerOptions};
pub use rave_nvcodec::{DecoderCaps, EncoderSupport};
pub use rave_onnx::{ImageTensor, ModelSummary, find_onnx_runtime};
pub use rave_tensorrt::{
    BatchRange, BuildOptions, Builder, BuilderOptions, BuiltPlan, Flavour, Library, Phase, Precision,
    ProfileShape, Progress, SearchOptions, Shape, SizeRange, TensorInfo, Tried, Version,
};
pub use session::Session;
pub use stats::Stats;

/// Builds the engine that the process on the other end of standard input asks for, runs it once where there is a GPU that
/// it was built for, and returns: what a [`BuilderProgram`] does.
///
/// # Errors
/// [`Status::Io`](rave_core::Status::Io) when standard input is no such process's socket. What goes wrong with the build
/// or the engine goes to whoever asked.
pub fn serve_builds() -> rave_core::Result<()> {
    rave_tensorrt::serve_builds(&cuda::try_anywhere)
}
