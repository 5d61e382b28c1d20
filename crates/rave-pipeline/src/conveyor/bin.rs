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
    /// A bin with `frames` in it: with as many as can be on their way, none is made later.
    // RV-PIPE-1201
    pub(super) fn new(frames: usize) -> Result<Self> {
        let blank = (0..frames).map(|_| F::blank()).collect::<Result<_>>()?;
        Ok(Bin(Arc::new(Mutex::new(blank))))
    }

    /// An empty frame; a new one where stages keep more back than was foreseen.
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
