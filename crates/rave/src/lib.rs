//! RAVE as a Rust library: AI video models on frames in memory.
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
//! `examples/upscale_image.rs` is a whole program.

#![forbid(unsafe_code)]

/// Everything that a program needs.
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
}
