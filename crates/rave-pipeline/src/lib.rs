//! Whole videos through RAVE: decode, preprocess, inference and encode as threads joined by bounded queues.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "a global allocator is unsafe to implement")]
mod allocations;
mod conveyor;
mod memory;
mod resume;
mod sync;
#[allow(unsafe_code, reason = "CUDA takes addresses; each block says why it holds")]
mod video;

pub use allocations::CountingAllocator;
pub use conveyor::{
    Allocations, Carrier, DEFAULT_CAPACITY, DeviceMemory, FrameSink, FrameSource, FrameStage, MAX_CAPACITY,
    Metrics, Outlet, Pipeline, QueueMetrics, Running, StageMetrics, in_place,
};
pub use memory::{MemorySink, MemorySource};
pub use resume::unfinished_folder;
pub use sync::CancellationToken;
pub use video::{
    BenchReport, DeviceChoice, Engine, Facts, Job, Picture, Progress, Summary, Upscale, already_there,
    check_replaced, is_of_input, is_same_file,
};
