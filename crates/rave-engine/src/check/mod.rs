//! How close an engine comes to its model, and whether it can be used at all.
//!
//! The same tensor goes through the model on the CPU, in fp32 where it was saved in that, and through the engine on the
//! GPU; what comes out is compared element by element, before any rounding to pixels. Every new engine is run once on a
//! picture that is built in, and looked at for numbers that are none.

mod accuracy;
mod comparison;
mod picture;
mod reference;
mod self_test;
mod verdict;

pub use accuracy::Accuracy;
pub use comparison::Comparison;
pub use picture::Picture;
pub(crate) use reference::{Reference, Run};
pub use verdict::{Choices, Verdict, in_words, verdict, verdict_of_trial};
