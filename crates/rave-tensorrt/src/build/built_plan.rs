//! What comes of a build.

use std::fmt;

use rave_core::{Error, Result, Status};

use super::Tried;
use crate::{Plan, Version};

/// A finished engine, not loaded anywhere.
#[derive(Clone)]
pub struct BuiltPlan {
    pub(super) name: String,
    /// The plan.
    pub bytes: Vec<u8>,
    /// The timings that the next build may start from, when this one was given some, be they empty.
    pub timings: Option<Vec<u8>>,
    /// The number of layers of the network that was built.
    pub layers: u32,
    /// What came of running it once, where that was asked of the process that built it.
    pub tried: Option<Tried>,
    pub(super) library: Version,
}

impl BuiltPlan {
    /// The plan, checked.
    ///
    /// # Errors
    /// Those of [`Plan::check`], if the bytes were changed.
    pub fn plan(&self) -> Result<Plan<'_>> {
        Plan::check(&self.name, &self.bytes, None)
    }

    /// Holds TensorRT to what is known of its plans, so that a surprise is found where it was made.
    pub(super) fn check(&self) -> Result<()> {
        let plan = self.plan()?;
        if plan.version().release() == self.library.release() {
            return Ok(());
        }
        Err(Error::new(Status::Unknown, format!("TensorRT wrote a plan of version {}", plan.version()))
            .expected(self.library.to_string()))
    }
}

impl fmt::Debug for BuiltPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuiltPlan({}, {} bytes, {} layers)", self.name, self.bytes.len(), self.layers)
    }
}
