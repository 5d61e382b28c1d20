//! TensorRT 10, TensorRT 11 and TensorRT-RTX 1 behind one interface, from libraries that are found at run time.
//!
//! ```no_run
//! use rave_core::Log;
//! use rave_tensorrt::{Engine, Library, Plan, Runtime, RuntimeOptions, SearchOptions};
//!
//! # fn main() -> rave_core::Result<()> {
//! let library = Library::open(&SearchOptions::default())?;
//! let runtime = Runtime::new(&library, &RuntimeOptions::default(), Log::default())?;
//! # let bytes = vec![];
//! let engine = Engine::deserialize(&runtime, &Plan::check("model.engine", &bytes, None)?)?;
//! println!("{}", engine.contract()?);
//! # Ok(()) }
//! ```
//!
//! Engines are built of ONNX models by [`Builder`], which TensorRT-RTX can do without a GPU:
//!
//! ```no_run
//! # use std::ops::ControlFlow;
//! # use rave_core::{Log, Size};
//! # use rave_tensorrt::{BuildOptions, Builder, BuilderOptions, Library, SearchOptions, SizeRange};
//! # fn main() -> rave_core::Result<()> {
//! # let library = Library::open(&SearchOptions::default())?;
//! # let onnx = vec![];
//! let size = Size::new(1280, 720);
//! let options = BuildOptions {
//!     sizes: Some(SizeRange { min: size, best: size, max: size }),
//!     compute_capabilities: vec![(8, 9)],
//!     ..BuildOptions::default()
//! };
//! let builder = Builder::new(&library, &BuilderOptions::default(), Log::default())?;
//! let built = builder.build("model.onnx", &onnx, &options, &mut |progress| {
//!     println!("{:3.0} %", 100.0 * progress.fraction);
//!     ControlFlow::Continue(())
//! })?;
//! std::fs::write("model.engine", &built.bytes).unwrap();
//! # Ok(()) }
//! ```
//!
//! A stranger's model is better built by [`Builder::build_isolated`], in a process of its own.
//!
//! # How it is put together
//!
//! `shim/` is a flat C face over NVIDIA's C++ headers, compiled once per major version whose headers were there when
//! RAVE was built (the virtual tables of 10, 11 and RTX differ); [`Library::open`] asks the library that it loads for
//! its version and picks the table that fits. Nothing of NVIDIA's is linked.
//!
//! Every call from [`Runtime::new`] on wants the CUDA context that the engine is to live in current on the calling
//! thread. Memory, streams and graphs are the caller's: this crate takes addresses and handles.
//!
//! # Failures
//!
//! What TensorRT reports through its logger and error recorder during a call is in the error of that call. An internal
//! error ends the use of the runtime and of everything made by it: TensorRT promises nothing after one. Every build has a
//! builder of its own, so there it ends nothing else.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("rave-tensorrt knows TensorRT's libraries for 64-bit Linux only");

#[cfg(test)]
mod behaviour;
mod build;
mod context;
mod contract;
mod driver;
mod engine;
mod faults;
mod library;
mod plan;
#[cfg(test)]
mod refusals;
mod runtime;
#[cfg(test)]
mod stand_in;
#[doc(hidden)]
pub mod sys;
mod temporary;
mod tensor;

pub use build::{
    BatchRange, BuildOptions, Builder, BuilderOptions, BuiltPlan, NewEngine, Phase, Precision, Progress,
    Tried, TryEngine, serve_builds,
};
pub use context::{ALIGNMENT, Context, RawStream};
pub use contract::SizeRange;
pub use driver::Driver;
pub use engine::Engine;
pub use library::{Flavour, Library, SearchOptions, Version};
pub use plan::Plan;
pub use runtime::{Runtime, RuntimeOptions};
pub use tensor::{DataType, ProfileShape, Shape, TensorInfo};
