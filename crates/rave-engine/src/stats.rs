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
    /// Time spent turning frames into tensors.
    pub unpack_ns: AtomicU64,
    /// Time spent in the model.
    pub inference_ns: AtomicU64,
    /// Time spent turning tensors into frames.
    pub pack_ns: AtomicU64,
}

/// Runs `work` and adds its duration to `total`.
pub(crate) fn timed<T>(total: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    total.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    result
}
