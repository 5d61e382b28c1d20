//! CUDA for RAVE: contexts and streams adopted from FFmpeg, pooled memory, the pixel kernels, graphs.
//!
//! The driver library is opened at run time, so that everything builds, links and starts without a GPU; the first call
//! that needs one says what is missing. Three levels, one in terms of the next:
//!
//! | level | where | what |
//! |---|---|---|
//! | the driver's functions | `sys` | as cuda.h has them, nothing checked |
//! | results | `result` | numbers become [`rave_core::Error`]s; sticky errors are remembered process-wide |
//! | safe objects | the rest | ownership, lifetimes, order |
//!
//! # Safety
//!
//! What is unsafe about CUDA is not the calls but what must stay true after they return.
//!
//! **Contexts.** A [`Device`] is a context, adopted or its own. FFmpeg's is private: it is never assumed current, never
//! left current, never destroyed, and the primary context is never touched. Each operation pushes the context on the
//! calling thread and pops it after ([`Device::bind`]); FFmpeg's decoders, filters and encoders are different threads.
//! Every object holds its `Device`, so that a context of our own outlives all that was made in it. For an adopted one
//! that is the caller's promise, made once in [`Device::adopt`].
//!
//! **Streams.** Work on one stream runs in order, and nothing else is promised. FFmpeg's rule is that a frame's content
//! is valid in order on `AVCUDADeviceContext.stream`, mostly the legacy default stream (null). Work on a stream of our
//! own must first wait for an event of that one, and be joined to it by another before a frame is passed on; a
//! non-blocking stream has no implicit order with the default stream. No call on a frame's way waits on the host.
//!
//! **Events.** An event is a point in a stream, moved by each record. Waiting for it means the last record at the time of
//! the call. Dropping one that has not passed is fine: the driver frees it afterwards.
//!
//! **Frames and tensors.** [`FrameOnDevice`] and [`TensorOnDevice`] describe memory of others. A launch returns before it
//! has run: their `new` is unsafe because whoever describes memory promises that it stays valid, in stream order, until
//! the work given the description is done. FFmpeg reuses a frame's buffer as soon as its last reference goes, without
//! asking the GPU, so the reference is kept until an event recorded after the work has passed.
//!
//! **Memory of our own.** [`DeviceBuffer`] is freed by `cuMemFree`, which waits for the device: correct at any time, and
//! never done in the steady state. [`BucketedPool`] gives a block out again only behind an event recorded where its last
//! user let go.
//!
//! **Lost devices.** Thirteen errors mean that the process can never use the device again. The first one poisons the
//! process: each later call returns [`rave_core::Status::DeviceLost`] at once without calling the driver, and destructors
//! leak what the device holds.
//!
//! **Destructors** cannot return errors. What they meet is returned by the next call on the same `Device`.

// The comparison with the reference is shared with checkkernel, which names this crate from outside.
#[cfg(test)]
extern crate self as rave_cuda;

mod buckets;
mod device;
mod frame;
mod graph;
mod host_frame;
mod memory;
mod module;
mod nvrtc;
mod pixels;
mod pool;
mod result;
mod stream;
mod sys;
mod user_kernel;

pub use buckets::bucket_size;
pub use device::{Bound, Device, DeviceInfo};
pub use frame::{
    DevicePlane, FrameOnDevice, ScratchOnDevice, TensorBatchOnDevice, TensorOnDevice, element_bytes,
};
pub use graph::{ExecutableGraph, Graph, GraphNode, GraphUpdate};
pub use host_frame::HostFrame;
pub use memory::DeviceBuffer;
pub use pixels::{
    DeviceTiler, FrameComparer, FrameDifference, LumaFrame, LumaGeometry, LumaPackKernel, NonFiniteCounter,
    PackKernel, PixelKernels, TileElements, UnpackKernel, tiles_together,
};
pub use pool::{BucketedPool, DeviceAllocator, PoolAllocator, PoolStats, PooledBlock};
pub use result::{REQUIRED_CUDA, check_driver};
pub use stream::{Event, Stream};
pub use user_kernel::UserKernel;
