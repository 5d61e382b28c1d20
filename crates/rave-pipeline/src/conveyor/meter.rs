//! What the threads of a pipeline count.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use rave_core::{Error, Result, Status};

use super::metrics::{QueueMetrics, StageMetrics};

/// The longest time that a frame is counted with, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;
/// The shortest, in nanoseconds.
const SHORTEST: u64 = 1_000;
/// Significant digits of a time.
const DIGITS: u8 = 2;

/// The times of one stage. Written by its thread, read by any.
#[derive(Debug)]
pub(super) struct Meter {
    name: String,
    frames: AtomicU64,
    busy: AtomicU64,
    starved: AtomicU64,
    blocked: AtomicU64,
    /// Of fixed size, so that recording allocates nothing.
    times: Mutex<Histogram<u64>>,
}

impl Meter {
    pub(super) fn new(name: String) -> Result<Self> {
        let times = Histogram::new_with_bounds(SHORTEST, LONGEST, DIGITS)
            .map_err(|error| Error::new(Status::Unknown, format!("stage {name}: {error}")))?;
        Ok(Meter {
            name,
            frames: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            starved: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            times: Mutex::new(times),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A frame took `time` of work.
    pub(super) fn worked(&self, time: Duration) {
        let time = nanoseconds(time);
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.busy.fetch_add(time, Ordering::Relaxed);
        self.times().saturating_record(time);
    }

    /// The stage waited for a frame.
    pub(super) fn starved(&self, time: Duration) {
        self.starved.fetch_add(nanoseconds(time), Ordering::Relaxed);
    }

    /// The stage waited for room behind it.
    pub(super) fn blocked(&self, time: Duration) {
        self.blocked.fetch_add(nanoseconds(time), Ordering::Relaxed);
    }

    /// How many frames the stage has worked on.
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> StageMetrics {
        let total = |counter: &AtomicU64| Duration::from_nanos(counter.load(Ordering::Relaxed));
        let times = self.times();
        let at = |quantile| Duration::from_nanos(times.value_at_quantile(quantile));
        StageMetrics {
            name: self.name.clone(),
            frames: self.frames(),
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            max: Duration::from_nanos(times.max()),
            busy: total(&self.busy),
            starved: total(&self.starved),
            blocked: total(&self.blocked),
        }
    }

    fn times(&self) -> MutexGuard<'_, Histogram<u64>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How full a queue is.
#[derive(Debug)]
pub(super) struct Gauge {
    bound: usize,
    depth: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    pub(super) fn new(bound: usize) -> Self {
        Gauge { bound, depth: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    /// Notes how many items the queue holds.
    pub(super) fn note(&self, depth: usize) {
        self.depth.store(depth, Ordering::Relaxed);
        self.most.fetch_max(depth, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> QueueMetrics {
        QueueMetrics {
            depth: self.depth.load(Ordering::Relaxed),
            most: self.most.load(Ordering::Relaxed),
            bound: self.bound,
        }
    }
}
