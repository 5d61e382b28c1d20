//! The GPU: TensorRT engines on frames that never leave device memory.
//!
//! ```text
//! main stream   ──●arrived────────────────────●arrived──────●wait done──▶   (FFmpeg's; frames are valid in its order)
//!                 ╰─▶ wait                     ╰─▶ wait      ╰───────╮
//! lane 0          unpack · TensorRT · pack ●done ────────────────────╯
//! lane 1                                       unpack · TensorRT · pack ●done
//! ```
//!
//! A [`CudaDevice`] is a context and a stream of somebody else's, and what is shared by all that works there: memory, the
//! pixel kernels, loaded models. A [`CudaSession`] has one lane for each frame that may be computed at a time: a stream, an
//! execution context and the tensors between. A frame is *submitted* to the next lane, which waits on the device for what
//! the main stream holds at that time, and *finished* when the main stream has been made to wait for the lane. The host
//! waits for nothing but room in a lane's queue.

mod device;
mod encoders;
mod engine_check;
mod engine_contents;
mod frame_graph;
mod geometry;
mod gpus;
mod host_frames;
mod in_context;
mod in_flight;
mod lane;
mod model;
mod pending;
mod program;
mod readback;
mod repeat;
mod run_once;
mod session;
mod trial;

pub use device::{CudaDevice, Owner};
pub use engine_check::EngineCheck;
pub use engine_contents::EngineContents;
pub use gpus::{Gpu, Gpus};
pub use host_frames::UploadingSession;
pub(crate) use model::TensorRtModel;
pub use readback::Readback;
pub use session::CudaSession;
pub(crate) use trial::{try_anywhere, try_on};
