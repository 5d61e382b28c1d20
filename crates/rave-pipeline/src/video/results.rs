//! What becomes of pictures that do not simply go through the model.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rave_core::{Error, Result, Status};

use super::packets::Packets;
use super::picture::Picture;
use super::source::Remains;

/// Pictures that did not simply go through the model.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) repeats: AtomicU64,
    pub(crate) lost: AtomicU64,
}

/// Joins results with what went along with their pictures, also when a picture has no result.
#[derive(Debug)]
pub(crate) struct Results {
    counts: Arc<Counts>,
    /// What went along with pictures that were left out since the last one that was not.
    waiting: Packets,
    remains: Remains,
}

impl Results {
    pub(crate) fn new(counts: &Arc<Counts>, remains: &Remains) -> Self {
        Results { counts: Arc::clone(counts), waiting: Packets::new(), remains: remains.clone() }
    }

    /// The result repeats that of the picture before.
    pub(crate) fn repeated(&self) {
        self.counts.repeats.fetch_add(1, Ordering::Relaxed);
    }

    /// `made` is the result of `picture`.
    pub(crate) fn join(&mut self, made: &mut Picture, picture: &mut Picture) -> Result<()> {
        made.packets.append(&mut self.waiting)?;
        made.follow(picture)
    }

    /// `picture` has failed with `error`: in hardened mode it may be one that is left out.
    ///
    /// # Errors
    /// `error`, if it is another.
    // RV-PIPE-2110
    pub(crate) fn leave_out(&mut self, picture: &mut Picture, error: Error) -> Result<()> {
        if error.status() != Status::FrameLost {
            return Err(error);
        }
        self.counts.lost.fetch_add(1, Ordering::Relaxed);
        self.waiting.append(&mut picture.packets)
    }

    /// No more pictures come.
    pub(crate) fn end(&mut self) -> Result<()> {
        let mut left = self.remains.lock();
        if let Some(tail) = &mut left.tail {
            self.waiting.append(tail)?;
            std::mem::swap(&mut self.waiting, tail);
        }
        Ok(())
    }
}
