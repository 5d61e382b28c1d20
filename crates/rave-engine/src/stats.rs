//! What a session has done, readable from other threads while it works.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

/// Counters of one session. Times are sums over all frames in nanoseconds of wall clock.
#[derive(Debug, Default)]
pub struct Stats {
    /// How many tiles a frame is made of; 1 when it is processed whole.
    pub tiles: AtomicU32,
    /// Frames processed with success.
    pub frames: AtomicU64,
    /// Frames refused or failed.
    pub failed_frames: AtomicU64,
    /// In hardened mode: frames that were left out because they have no result.
    pub lost_frames: AtomicU64,
    /// Time spent turning frames into tensors.
    pub unpack_ns: AtomicU64,
    /// Time spent in the model.
    pub inference_ns: AtomicU64,
    /// Time spent turning tensors into frames.
    pub pack_ns: AtomicU64,
    /// On a GPU, where the three above are 0: time that the calling thread spent on giving frames to the GPU, that of
    /// `wait_ns` included.
    pub submit_ns: AtomicU64,
    /// On a GPU: time of that in which the calling thread slept because the GPU had more to do than is queued.
    pub wait_ns: AtomicU64,
    /// On a GPU: frames that were launched as a CUDA graph.
    pub graph_frames: AtomicU64,
    /// On a GPU: how many frames are computed at a time.
    pub streams: AtomicU32,
    /// On a GPU: elements of the model's output that were NaN or infinite.
    pub non_finite: AtomicU64,
}

impl Stats {
    /// Frames processed, refused, failed or lost.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        [&self.frames, &self.failed_frames, &self.lost_frames]
            .map(|count| count.load(Ordering::Relaxed))
            .iter()
            .sum()
    }
}

/// Runs `work` and adds its duration to `total`.
pub(crate) fn timed<T>(total: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    total.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    result
}
