//! One frame through preprocess, inference and postprocess.
//!
//! [`Model::load`] reads a file, sees from its content which backend runs it, and loads it once per process.
//! [`Session`] binds a model to a frame geometry: it owns every buffer, so that a frame allocates nothing. Frames that
//! a model of fixed size cannot take whole go through it in overlapping tiles.
//!
//! A new backend is a crate beside `rave-onnx` and a variant of `Backend` in `model.rs`.

#![forbid(unsafe_code)]

mod cache;
mod model;
mod model_file;
mod session;
mod stats;
mod threads;
mod tiled;

pub use model::{BackendChoice, EMBEDDED, Model, ModelOptions};
pub use session::{Session, SessionOptions};
pub use stats::Stats;
