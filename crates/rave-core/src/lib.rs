//! Plain types of RAVE, shared by every crate, and the CPU reference of every pixel kernel.
//!
//! Nothing here talks to a device, a file or a foreign library: a frame is planes of bytes, a tensor is a slice of
//! floats, and everything else describes them.

// RV-CORE-1303
#![forbid(unsafe_code)]

mod color;
mod device_lost;
mod error;
mod frame;
mod geometry;
mod log;
mod memory;
mod pixel_format;
pub mod pixels;
mod tensor;
pub mod tiling;

pub use color::{ChromaSiting, ColorTags, Colorimetry, Matrix, Range};
pub use device_lost::{check_device_alive, is_sticky_cuda_error, note_cuda_error, note_device_hung};
pub use error::{Error, Result, Status};
pub use frame::{Frame, FrameMut, Plane, PlaneMut};
pub use geometry::{MAX_PIXELS, MAX_SIDE, Rect, Scale, Size};
pub use log::{Log, LogLevel};
pub use pixel_format::{Component, Layout, PixelFamily, PixelFormat};
pub use tensor::{ElementType, Elements, ElementsMut, Extent, ModelContract, TensorShape, ValueRange};
