//! Where a stage gives its frames.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rave_core::{Error, Result, Status};

use super::Carrier;
use super::bin::Bin;
use super::meter::{Gauge, Meter};
use crate::sync::{Receiver, Sender};

/// Where a stage gives its frames, and gets empty ones from.
#[derive(Debug)]
pub struct Outlet<F> {
    queue: Sender<F>,
    gauge: Arc<Gauge>,
    meter: Arc<Meter>,
    bin: Bin<F>,
    /// How long the stage has waited here.
    waited: Duration,
}

impl<F: Carrier> Outlet<F> {
    pub(super) fn new(queue: Sender<F>, gauge: Arc<Gauge>, meter: Arc<Meter>, bin: Bin<F>) -> Self {
        Outlet { queue, gauge, meter, bin, waited: Duration::ZERO }
    }

    /// Gives a frame to the next stage; blocks while the queue between is full.
    ///
    /// # Errors
    /// [`Status::Cancelled`] when the pipeline ends, which the stage passes on.
    // RV-PIPE-1101
    pub fn send(&mut self, frame: F) -> Result<()> {
        let begun = Instant::now();
        let taken = self.queue.send(frame);
        let waited = begun.elapsed();
        self.waited += waited;
        self.meter.blocked(waited);
        if !taken {
            return Err(Error::new(Status::Cancelled, "the pipeline ends"));
        }
        self.gauge.note(self.queue.depth());
        Ok(())
    }

    /// An empty frame.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`].
    pub fn blank(&mut self) -> Result<F> {
        self.bin.take()
    }

    /// Gives back a frame that is done with, to be filled again.
    pub fn recycle(&mut self, frame: F) {
        self.bin.put(frame);
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(super) fn waited(&self) -> Duration {
        self.waited
    }
}

/// Where a stage takes its frames.
#[derive(Debug)]
pub(super) struct Inlet<F> {
    queue: Receiver<F>,
    gauge: Arc<Gauge>,
    meter: Arc<Meter>,
}

impl<F> Inlet<F> {
    pub(super) fn new(queue: Receiver<F>, gauge: Arc<Gauge>, meter: Arc<Meter>) -> Self {
        Inlet { queue, gauge, meter }
    }

    /// The next frame; `None` when the stage before has ended.
    pub(super) fn receive(&mut self) -> Option<F> {
        let begun = Instant::now();
        let frame = self.queue.receive();
        self.meter.starved(begun.elapsed());
        self.gauge.note(self.queue.depth());
        frame
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }
}
