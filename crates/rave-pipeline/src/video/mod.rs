//! Videos: from FFmpeg's decoders through the engine to FFmpeg's encoders.
//!
//! ```text
//! decode ─▶ preprocess ─▶ [upload] ─▶ … ─▶ inference ─▶ … ─▶ [download] ─▶ encode
//! ```
//!
//! `preprocess` brings pictures into a format that RAVE has kernels for. On a GPU they stay there between NVDEC and NVENC; they
//! are uploaded where NVDEC does not decode the stream, and downloaded where the GPU has no NVENC. Of formats that frames on a
//! GPU do not have, `inference` copies them there and back. On the CPU, `convert` takes the place of `download` where an encoder
//! takes other colours than the model gives. The dots are the user's stages. Packets of streams that are copied travel with the picture that follows them.

mod bench;
mod chain;
mod clip;
mod copied;
mod cuda_inference;
mod encoding;
mod engine;
mod file_sink;
mod host_inference;
mod job;
mod kernel_stage;
mod numbered;
mod opened;
mod packets;
mod picture;
mod place;
mod prepare;
mod recipe;
mod repack;
mod replaced;
mod results;
mod setup;
mod source;
mod transfer;
mod unfinished;
mod upscale;

pub use bench::BenchReport;
pub(crate) use clip::Clip;
pub use engine::{DeviceChoice, Engine};
pub(crate) use file_sink::FileSink;
pub use job::{Facts, Job, Progress, Summary};
pub(crate) use numbered::Numbered;
pub use picture::Picture;
pub(crate) use place::folder_of;
pub(crate) use recipe::Recipe;
pub use replaced::{already_there, check_replaced, is_of_input, is_same_file};
pub use upscale::Upscale;
