//! Putting a pipeline together.

use std::sync::Arc;
use std::time::Duration;

use rave_core::{Error, Result, Status};

use super::bin::Bin;
use super::ending::Ending;
use super::meter::{Gauge, Meter};
use super::metrics::{Board, DeviceGauge, DeviceMemory, Metrics};
use super::outlet::Inlet;
use super::station::{Listener, run_sink, run_source, run_stage};
use super::{Carrier, FrameSink, FrameSource, FrameStage, Outlet, Running};
use crate::sync::{CancellationToken, queue};

/// The bound of a queue when nobody says another: enough that a stage which is quicker now and then is not held up.
pub const DEFAULT_CAPACITY: usize = 2;

/// The largest bound of a queue.
pub const MAX_CAPACITY: usize = 1024;

/// A source and stages, which [`Pipeline::start`] joins to a sink and sets in motion.
///
/// In memory there are at most as many frames as all queues may hold, one in the hand of each thread, and what stages keep.
pub struct Pipeline<F> {
    source: (String, Box<dyn FrameSource<F>>),
    stages: Vec<(String, Box<dyn FrameStage<F>>)>,
    capacity: usize,
    cancelled_by: CancellationToken,
    listener: Option<Listener>,
    device: Option<DeviceGauge>,
}

impl<F: Carrier> Pipeline<F> {
    /// Begins with `source`, which goes by `name` in metrics and messages.
    #[must_use]
    pub fn new(name: &str, source: impl FrameSource<F> + 'static) -> Self {
        Pipeline {
            source: (name.to_owned(), Box::new(source)),
            stages: Vec::new(),
            capacity: DEFAULT_CAPACITY,
            cancelled_by: CancellationToken::new(),
            listener: None,
            device: None,
        }
    }

    /// Adds a stage.
    #[must_use]
    pub fn stage(mut self, name: &str, stage: impl FrameStage<F> + 'static) -> Self {
        self.stages.push((name.to_owned(), Box::new(stage)));
        self
    }

    /// How many frames each queue may hold, 1 to [`MAX_CAPACITY`].
    #[must_use]
    pub fn capacity(mut self, frames: usize) -> Self {
        self.capacity = frames;
        self
    }

    /// A token that ends the pipeline when it is cancelled. An error here does not cancel it.
    #[must_use]
    pub fn cancelled_by(mut self, token: &CancellationToken) -> Self {
        self.cancelled_by = token.clone();
        self
    }

    /// Calls `tell` on the sink's thread after a frame, when `every` has passed since the last time, and when the output is
    /// complete. With no time between, that is after each frame.
    #[must_use]
    pub fn on_progress(mut self, every: Duration, tell: impl FnMut(&Metrics) + Send + 'static) -> Self {
        self.listener = Some(Listener { every, tell: Box::new(tell) });
        self
    }

    /// Where [`Metrics::device`] comes from.
    #[must_use]
    pub fn device_memory(mut self, read: impl Fn() -> DeviceMemory + Send + Sync + 'static) -> Self {
        self.device = Some(Arc::new(read));
        self
    }

    /// Starts every thread.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a capacity out of range, [`Status::OutOfMemory`] when a thread cannot be started;
    /// nothing runs then.
    pub fn start(self, name: &str, sink: impl FrameSink<F> + 'static) -> Result<Running> {
        if !(1..=MAX_CAPACITY).contains(&self.capacity) {
            let found = format!("a queue of {} frames", self.capacity);
            return Err(Error::new(Status::InvalidParameter, found).expected(format!("1 to {MAX_CAPACITY}")));
        }
        let names = [&self.source.0].into_iter().chain(self.stages.iter().map(|(name, _)| name));
        let meters = names.cloned().chain([name.to_owned()]).map(|name| Ok(Arc::new(Meter::new(name)?)));
        let meters = meters.collect::<Result<Vec<_>>>()?;
        let gauges: Vec<_> = meters[1..].iter().map(|_| Arc::new(Gauge::new(self.capacity))).collect();
        // Full queues, and two frames in the hand of each thread: the one that came and the one that goes.
        let bin = Bin::new(gauges.len() * self.capacity + 2 * meters.len())?;
        let ending = Ending::new(&self.cancelled_by);
        let board = Arc::new(Board::new(meters.clone(), gauges.clone(), self.device));
        let mut running = Running::new(ending, Arc::clone(&board));

        let joint = |from: usize| {
            let (sender, receiver) = queue(self.capacity);
            let out = Outlet::new(sender, Arc::clone(&gauges[from]), Arc::clone(&meters[from]), bin.clone());
            (out, Inlet::new(receiver, Arc::clone(&gauges[from]), Arc::clone(&meters[from + 1])))
        };
        let (out, mut frames) = joint(0);
        let (source_name, source) = self.source;
        running.add(&source_name, move |ending| run_source(source, out, ending))?;
        for (index, (name, stage)) in self.stages.into_iter().enumerate() {
            let (out, behind) = joint(index + 1);
            let before = std::mem::replace(&mut frames, behind);
            running.add(&name, move |ending| run_stage(stage, before, out, ending))?;
        }
        let (listener, sink) = (self.listener, Box::new(sink));
        running.add(name, move |ending| run_sink(sink, frames, &bin, &board, listener, ending))?;
        running.all_started();
        Ok(running)
    }

    /// Starts, and blocks until the output is complete.
    ///
    /// # Errors
    /// The first error of a stage; [`Status::Cancelled`]; those of [`Pipeline::start`].
    pub fn run(self, name: &str, sink: impl FrameSink<F> + 'static) -> Result<Metrics> {
        self.start(name, sink)?.wait()
    }
}

impl<F> std::fmt::Debug for Pipeline<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stages: Vec<_> = self.stages.iter().map(|(name, _)| name).collect();
        f.debug_struct("Pipeline")
            .field("source", &self.source.0)
            .field("stages", &stages)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
