//! Where the model runs, and with which library.
//!
//! Nothing has to be said: the first GPU that can run the model does, otherwise the CPU, through ONNX Runtime where that is
//! installed and through a runtime of RAVE's own where it is not.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let engine = Engine::load("model.onnx", DeviceChoice::Auto, &ModelOptions::default())?;
//! match engine.device() {
//!     Some(device) => println!("on {}", device.info().name),
//!     None => println!("on the CPU, by {}", engine.model().description()),
//! }
//!
//! // What this program can rely on everywhere.
//! let options = ModelOptions { runtime_lib: Some(EMBEDDED.into()), threads: 2, ..ModelOptions::default() };
//! let engine = Engine::load("model.onnx", DeviceChoice::Cpu, &options)?;
//! engine.upscale("in.mp4").output("out.mp4").run()?;
//! # Ok(())
//! # }
//! ```
//!
//! On a GPU frames stay between NVDEC and NVENC. They are uploaded where NVDEC does not decode the stream, and downloaded
//! where the GPU has no NVENC or another encoder is asked for. An ONNX model becomes a TensorRT engine when it is first
//! loaded, which can take minutes and is kept for the next time. These examples need a GPU, and are only compiled here:
//!
//! ```no_run
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let log = Log::new(|_, message| eprintln!("{message}"));
//! let options = ModelOptions { log, ..ModelOptions::default() };
//! let engine = Engine::load("model.onnx", DeviceChoice::Gpu(0), &options)?;
//!
//! let done = engine
//!     .upscale("in.mp4")
//!     .output("out.mp4")
//!     .codec("hevc_nvenc")    // an error where the GPU has none; without it, what there is
//!     .streams(2)             // pictures computed at a time
//!     .run()?;
//! if let Some(memory) = done.metrics.device {
//!     println!("{} MiB at most", memory.high_water_bytes >> 20);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A TensorRT engine that was built before (`rave build`) is loaded like a model:
//!
//! ```no_run
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! Upscale::new("in.mp4", "model.engine").output("out.mp4").run()?;
//! # Ok(())
//! # }
//! ```
