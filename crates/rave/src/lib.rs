//! RAVE as a Rust library: AI video models on videos, and on frames in memory.
//!
//! A whole video, with its sound, subtitles and times, on the GPU or the CPU, by what is there:
//!
//! ```no_run
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! Upscale::new("in.mp4", "model.onnx").output("out.mp4").run()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`prelude::Upscale`] has the options, and the [guide] a page for each use. What is particular is a stage, a source or a sink of your own:
//!
//! ```no_run
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let engine = Engine::load("model.onnx", DeviceChoice::Auto, &ModelOptions::default())?;
//! let upscaled = MemorySink::default();
//! engine
//!     .upscale("in.mp4")
//!     .after("look", in_place(|picture: &mut Picture| {
//!         println!("{:?} s: {}", picture.seconds(), picture.size());
//!         Ok(())
//!     }))
//!     .sink(upscaled.clone())
//!     .run()?;
//! for picture in upscaled.take() {
//!     println!("{}", picture.view()?.size());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! One frame in memory, without a file:
//!
//! ```no_run
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let (pixels, mut upscaled) = (vec![0; 320 * 180 * 3], vec![0; 640 * 360 * 3]);
//! let model = Model::load("model.onnx".as_ref(), &ModelOptions::default())?;
//! let size = Size::new(320, 180);
//! let mut session = Session::new(&model, &SessionOptions::new(PixelFormat::Rgb24, size), Log::default())?;
//!
//! let input = Frame::new(PixelFormat::Rgb24, size, ColorTags::default(), &[(&pixels, 320 * 3)])?;
//! let mut output = FrameMut::new(PixelFormat::Rgb24, session.output_size(), vec![(&mut upscaled, 640 * 3)])?;
//! session.process(&input, &mut output)?;
//! # Ok(())
//! # }
//! ```
//!
//! The folder `examples` has whole programs: `simple_upscale`, `progress_callback`, `custom_kernel`, `batch_directory`,
//! `benchmark` and `upscale_image`.

#![forbid(unsafe_code)]

pub mod guide;

/// Everything that a program needs.
// RV-RAVE-1001
pub mod prelude {
    pub use rave_core::{
        ChromaSiting, ColorTags, Colorimetry, ElementType, Error, Extent, Frame, FrameMut, Layout, Log,
        LogLevel, Matrix, ModelContract, PixelFamily, PixelFormat, Plane, PlaneMut, Range, Rect, Result,
        Scale, Size, Status, ValueRange,
    };
    pub use rave_engine::{
        BackendChoice, EMBEDDED, Ledger, LedgerOptions, Mode, Model, ModelOptions, Session, SessionOptions,
        Stats,
    };
    pub use rave_ffmpeg::{ColorCodes, FrameFormat, Rational, VideoFrame};
    pub use rave_pipeline::{
        Allocations, CancellationToken, CountingAllocator, DeviceChoice, DeviceMemory, Engine, Facts,
        FrameSink, FrameSource, FrameStage, Job, MemorySink, MemorySource, Metrics, Outlet, Picture,
        Progress, QueueMetrics, StageMetrics, Summary, Upscale, in_place,
    };
}
