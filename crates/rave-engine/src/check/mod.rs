//! How close an engine comes to its model.
//!
//! The same tensor goes through the model on the CPU, in fp32 where it was saved in that, and through the engine on the
//! GPU; what comes out is compared element by element, before any rounding to pixels.

mod accuracy;
mod reference;

pub use accuracy::{Accuracy, Verdict, verdict};
pub use reference::Picture;
pub(crate) use reference::{Reference, Run};
