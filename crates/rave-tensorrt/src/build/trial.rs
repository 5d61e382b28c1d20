//! Running a new engine once, before anybody relies on it. How that is done is the caller's: this crate has no memory on
//! a GPU. Where it is done is settled here: in the process that built it, so that an engine that crashes ends nothing else.

use std::path::Path;

use rave_core::{Log, Result, ValueRange};

/// A new engine that is to be run once.
#[derive(Debug)]
pub struct NewEngine<'a> {
    /// The model's name, for messages.
    pub name: &'a str,
    /// The plan.
    pub plan: &'a [u8],
    /// The library that built it, by the path or name that it was opened by.
    pub library: &'a Path,
    /// The GPUs that it was built for, as major and minor; none is the first one that this process sees.
    pub compute_capabilities: &'a [(u32, u32)],
    /// What stands for black and white in its tensors.
    pub values: ValueRange,
    /// Where messages go.
    pub log: Log,
}

/// What came of running a new engine once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// Every number of its output is finite.
    Finite,
    /// So many of that many are not, on a GPU of this compute capability.
    NotFinite {
        /// Elements that are NaN or infinite.
        elements: u64,
        /// All elements.
        of: u64,
        /// Major and minor.
        capability: (u32, u32),
    },
    /// It could not be run here, for a reason that says nothing of the engine.
    NotRun(String),
}

/// What runs a new engine once, for [`serve_builds`](crate::serve_builds). An error is one of the engine.
pub type TryEngine<'a> = dyn Fn(&NewEngine<'_>) -> Result<Tried> + 'a;
