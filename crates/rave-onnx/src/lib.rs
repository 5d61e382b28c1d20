//! CPU inference of ONNX image models.
//!
//! A model is a file's bytes. [`OnnxModel::from_bytes`] checks them before any runtime sees them, loads them, and
//! finds out by running the model what it takes and gives ([`OnnxModel::contract`]). An [`OnnxSession`] is the model at
//! one size, with its tensors allocated.
//!
//! Two runtimes stand behind the one type ([`RuntimeChoice`]):
//!
//! - ONNX Runtime 1.17 or later, a shared library that is opened at run time if there is one: the fast way;
//! - rten, compiled in (feature `embedded`, on by default): always there, several times slower.
//!
//! Results of the two agree to rounding. Where the arithmetic is exact they are equal bit for bit, and so they are for
//! every number of threads.
//!
//! The runtimes get bytes, never a path, and a model that refers to weights in another file is refused: no file is
//! opened because a model names it.

#[cfg(test)]
mod golden;
mod graph_proto;
mod library;
mod model;
mod preflight;
mod probe;
mod runtime;
mod runtime_ort;
#[cfg(feature = "embedded")]
mod runtime_rten;
mod session;
mod summary;
mod tensor_proto;
mod value_info;
mod widen;
mod wire;

pub use library::find_onnx_runtime;
pub use model::OnnxModel;
pub use preflight::ImageTensor;
pub use runtime::{LoadOptions, RuntimeChoice};
pub use session::OnnxSession;
pub use summary::ModelSummary;
pub use widen::widened;
