//! Frames that are done with, to be filled again.

use std::sync::Arc;

use rave_core::Result;

use super::Carrier;
use crate::sync::Mutex;

/// Empty frames; clones share them.
#[derive(Debug)]
pub(super) struct Bin<F>(Arc<Mutex<Vec<F>>>);

impl<F> Clone for Bin<F> {
    fn clone(&self) -> Self {
        Bin(Arc::clone(&self.0))
    }
}

impl<F: Carrier> Bin<F> {
    /// A bin with room for `frames` before it has to grow.
    pub(super) fn new(frames: usize) -> Self {
        Bin(Arc::new(Mutex::new(Vec::with_capacity(frames))))
    }

    /// An empty frame: one that was given back, or, while the pipeline fills, a new one.
    pub(super) fn take(&self) -> Result<F> {
        let kept = self.lock().pop();
        kept.map_or_else(F::blank, Ok)
    }

    /// Takes a frame back.
    pub(super) fn put(&self, mut frame: F) {
        frame.clear();
        self.lock().push(frame);
    }

    fn lock(&self) -> impl std::ops::DerefMut<Target = Vec<F>> + '_ {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
