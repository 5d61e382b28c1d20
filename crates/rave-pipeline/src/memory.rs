//! Frames from memory and into memory.

use std::sync::{Arc, Mutex, PoisonError};

use rave_core::Result;

use crate::{Carrier, FrameSink, FrameSource};

/// Gives frames that a program has, or makes as it goes.
#[derive(Debug)]
pub struct MemorySource<I>(I);

impl<I: Iterator> MemorySource<I> {
    /// Gives what `frames` gives.
    pub fn new(frames: impl IntoIterator<IntoIter = I>) -> Self {
        MemorySource(frames.into_iter())
    }
}

impl<F, I: Iterator<Item = F> + Send> FrameSource<F> for MemorySource<I> {
    fn read(&mut self, frame: &mut F) -> Result<bool> {
        let next = self.0.next();
        Ok(next.map(|next| *frame = next).is_some())
    }
}

/// Keeps frames. Clones share them: one goes into the pipeline, the other stays with the program.
#[derive(Debug)]
pub struct MemorySink<F>(Arc<Mutex<Kept<F>>>);

#[derive(Debug)]
struct Kept<F> {
    frames: Vec<F>,
    complete: bool,
}

impl<F> Default for MemorySink<F> {
    fn default() -> Self {
        MemorySink(Arc::new(Mutex::new(Kept { frames: Vec::new(), complete: false })))
    }
}

impl<F> Clone for MemorySink<F> {
    fn clone(&self) -> Self {
        MemorySink(Arc::clone(&self.0))
    }
}

impl<F> MemorySink<F> {
    /// Takes the frames out.
    #[must_use]
    pub fn take(&self) -> Vec<F> {
        std::mem::take(&mut self.lock().frames)
    }

    /// Whether the stream came to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lock().complete
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Carrier> FrameSink<F> for MemorySink<F> {
    fn write(&mut self, frame: &F) -> Result<()> {
        let kept = frame.share()?;
        self.lock().frames.push(kept);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.lock().complete = true;
        Ok(())
    }
}
