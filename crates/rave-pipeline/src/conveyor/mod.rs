//! The machinery: threads joined by bounded queues, for frames of any kind.
//!
//! ```text
//! FrameSource ─▶ queue ─▶ FrameStage ─▶ queue ─▶ … ─▶ queue ─▶ FrameSink
//!      ▲                                                          │
//!      ╰───────────────────── empty frames ◀──────────────────────╯
//! ```
//!
//! Each of them has a thread of its own and may block. A queue that is full holds up who gives to it, and nothing else
//! regulates the flow. Frames that are done with go back to be filled again.
//!
//! **How it ends.** A stage that ends drops both of its queues: the one before learns of it when it gives, the one behind when
//! it takes. Whoever fails leaves the error *before* that, so that a queue which ends while no error is there is the end of
//! the stream and nothing else. Hence the sink finishes its output in that one case only, and every thread ends after any
//! other without being told: it is in the middle of a frame, or it gives or takes, and both come to an end.

mod bin;
mod ending;
mod meter;
mod metrics;
mod outlet;
mod pipeline;
mod running;
mod station;
mod traits;

pub use metrics::{Allocations, DeviceMemory, Metrics, QueueMetrics, StageMetrics};
pub use outlet::Outlet;
pub use pipeline::{DEFAULT_CAPACITY, MAX_CAPACITY, Pipeline};
pub use running::Running;
pub use traits::{Carrier, FrameSink, FrameSource, FrameStage, in_place};
