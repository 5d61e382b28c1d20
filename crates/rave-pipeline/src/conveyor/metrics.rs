//! What a pipeline has done so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::meter::{Gauge, Meter};

/// After how many frames allocations are counted: the queues have grown to their size, the frames are all there.
const WARM: u64 = 64;

/// A pipeline at one moment. Times are wall clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Since the pipeline was started.
    pub elapsed: Duration,
    /// Frames that the sink has taken.
    pub frames: u64,
    /// Those per second since the start.
    pub frames_per_second: f64,
    /// From source to sink.
    pub stages: Vec<StageMetrics>,
    /// The queue behind each stage but the last.
    pub queues: Vec<QueueMetrics>,
    /// The memory pool of the GPU; `None` on the CPU.
    pub device: Option<DeviceMemory>,
    /// Heap allocations; `None` where no [`CountingAllocator`](crate::CountingAllocator) is installed.
    pub allocations: Option<Allocations>,
}

/// The times of one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageMetrics {
    /// Its name, such as `decode`.
    pub name: String,
    /// Frames that it has worked on.
    pub frames: u64,
    /// Half of the frames took no longer. To two digits, as the following.
    pub p50: Duration,
    /// Of a hundred frames, 95 took no longer.
    pub p95: Duration,
    /// Of a hundred frames, 99 took no longer.
    pub p99: Duration,
    /// None took longer.
    pub max: Duration,
    /// The sum over all frames.
    pub busy: Duration,
    /// How long it has waited for frames.
    pub starved: Duration,
    /// How long it has waited for room in the queue behind it.
    pub blocked: Duration,
}

/// How full a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueMetrics {
    /// Frames in it when one was last given or taken.
    pub depth: usize,
    /// The most that it ever held.
    pub most: usize,
    /// The most that it may hold.
    pub bound: usize,
}

/// The memory pool of a GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceMemory {
    /// Requests that a block in hand served, of all: 0 to 1.
    pub pool_hit_rate: f64,
    /// The most bytes that the pool ever held.
    pub high_water_bytes: usize,
}

/// Heap allocations of the whole process, by Rust code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allocations {
    /// Since the pipeline was started.
    pub total: u64,
    /// Per frame, over the frames after the first 64; `None` before.
    pub per_frame: Option<f64>,
}

impl Metrics {
    /// The stage that the others wait for: the one with the most work.
    #[must_use]
    pub fn bottleneck(&self) -> Option<&StageMetrics> {
        self.stages.iter().max_by_key(|stage| stage.busy)
    }
}

/// Asks for the state of a GPU's memory.
pub(super) type DeviceGauge = Arc<dyn Fn() -> DeviceMemory + Send + Sync>;

/// Everything that is counted in a pipeline.
pub(super) struct Board {
    started: Instant,
    pub(super) meters: Vec<Arc<Meter>>,
    pub(super) gauges: Vec<Arc<Gauge>>,
    device: Option<DeviceGauge>,
    allocations_at_start: Option<u64>,
    /// `u64::MAX` before.
    allocations_when_warm: AtomicU64,
}

impl Board {
    pub(super) fn new(meters: Vec<Arc<Meter>>, gauges: Vec<Arc<Gauge>>, device: Option<DeviceGauge>) -> Self {
        Board {
            started: Instant::now(),
            meters,
            gauges,
            device,
            allocations_at_start: crate::allocations::count(),
            allocations_when_warm: AtomicU64::new(u64::MAX),
        }
    }

    /// Notes that the sink has taken another frame.
    pub(super) fn frame_done(&self) {
        if self.frames() == WARM
            && let Some(count) = crate::allocations::count()
        {
            self.allocations_when_warm.store(count, Ordering::Relaxed);
        }
    }

    /// Frames that the sink has taken.
    fn frames(&self) -> u64 {
        self.meters.last().map_or(0, |sink| sink.frames())
    }

    // RV-PIPE-1401
    pub(super) fn read(&self) -> Metrics {
        // Before anything here allocates.
        let allocations = self.allocations();
        let (elapsed, frames) = (self.started.elapsed(), self.frames());
        Metrics {
            elapsed,
            frames,
            frames_per_second: frames as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
            stages: self.meters.iter().map(|meter| meter.read()).collect(),
            queues: self.gauges.iter().map(|gauge| gauge.read()).collect(),
            device: self.device.as_ref().map(|read| read()),
            allocations,
        }
    }

    // RV-PIPE-1402
    fn allocations(&self) -> Option<Allocations> {
        let now = crate::allocations::count()?;
        let warm = self.allocations_when_warm.load(Ordering::Relaxed);
        let frames = self.frames().saturating_sub(WARM);
        let per_frame =
            (warm != u64::MAX && frames > 0).then(|| now.saturating_sub(warm) as f64 / frames as f64);
        Some(Allocations { total: now.saturating_sub(self.allocations_at_start?), per_frame })
    }
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.read().fmt(f)
    }
}
