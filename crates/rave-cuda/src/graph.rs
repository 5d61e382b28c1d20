//! CUDA graphs: work recorded once and launched as a whole.

use std::ptr;

use rave_core::{Error, Result, Status};

use crate::sys::{self, CUgraph, CUgraphExec, CUresult, GraphExecUpdateResultInfo};
use crate::{Device, Stream};

/// Recorded work.
#[derive(Debug)]
pub struct Graph {
    device: Device,
    handle: CUgraph,
}

// SAFETY: a CUgraph may be used from any thread, one at a time: all methods that change it take `&mut self` or own it.
unsafe impl Send for Graph {}

impl Stream {
    /// Records what `work` enqueues on this stream, which is not run. `work` must not synchronise, allocate device
    /// memory or use a stream that does not join this one. The legacy default stream cannot be recorded.
    ///
    /// # Errors
    /// What `work` returns; an error when it did something that cannot be recorded.
    pub fn capture(&self, work: impl FnOnce(&Stream) -> Result<()>) -> Result<Graph> {
        if self.as_raw().is_null() {
            return Err(Error::new(Status::InvalidParameter, "the legacy default stream cannot be captured")
                .help("capture on a stream made with Stream::create"));
        }
        let bound = self.device().bind()?;
        // SAFETY: the stream is live and its context is current.
        let result =
            unsafe { (bound.driver.cuStreamBeginCapture_v2)(self.handle(), sys::CAPTURE_THREAD_LOCAL) };
        bound.check("cuStreamBeginCapture", result)?;
        // Ends the capture also when `work` panics: a stream left capturing could not be used again.
        let mut capture = Capture { stream: self, ended: false };
        let worked = work(self);
        let graph = capture.end();
        worked?;
        graph
    }
}

struct Capture<'a> {
    stream: &'a Stream,
    ended: bool,
}

impl Capture<'_> {
    fn end(&mut self) -> Result<Graph> {
        self.ended = true;
        let device = self.stream.device();
        let bound = device.bind()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the stream is live and its context is current; `handle` outlives the call.
        let result = unsafe { (bound.driver.cuStreamEndCapture)(self.stream.handle(), &mut handle) };
        bound.check("cuStreamEndCapture", result)?;
        Ok(Graph { device: device.clone(), handle })
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.end());
        }
    }
}

impl Graph {
    /// Makes it launchable.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn instantiate(&self) -> Result<ExecutableGraph> {
        let bound = self.device.bind()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the graph is live; `handle` outlives the call.
        let result = unsafe { (bound.driver.cuGraphInstantiateWithFlags)(&mut handle, self.handle, 0) };
        bound.check("cuGraphInstantiate", result)?;
        drop(bound);
        Ok(ExecutableGraph { device: self.device.clone(), handle })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: the handle is ours. Executable graphs made of it do not need it.
        self.device.destroy("cuGraphDestroy", |driver| unsafe { (driver.cuGraphDestroy)(self.handle) });
    }
}

/// Recorded work that can be launched again and again.
///
/// It holds addresses, not buffers: whoever launches it keeps what it touches alive and unused until it is done, as for
/// the single launches that were recorded.
#[derive(Debug)]
pub struct ExecutableGraph {
    device: Device,
    handle: CUgraphExec,
}

// SAFETY: a CUgraphExec may be used from any thread, one at a time: launching and updating take `&mut self`.
unsafe impl Send for ExecutableGraph {}

/// How [`ExecutableGraph::update`] took over new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphUpdate {
    /// New parameters were written into the graph.
    InPlace,
    /// The shape of the work had changed: the graph was made anew.
    Rebuilt,
}

impl ExecutableGraph {
    /// Enqueues the recorded work.
    ///
    /// # Errors
    /// [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
    ///
    /// # Safety
    /// Every address that was recorded is still valid, and stays so until the work is done.
    pub unsafe fn launch(&mut self, stream: &Stream) -> Result<()> {
        let bound = self.device.bind()?;
        // SAFETY: both handles are live; the addresses by the contract.
        bound.check("cuGraphLaunch", unsafe { (bound.driver.cuGraphLaunch)(self.handle, stream.handle()) })
    }

    /// Takes over the work of `graph`: in place where only parameters differ, else by making the graph anew.
    ///
    /// # Errors
    /// As [`Graph::instantiate`]; the old work is then kept.
    pub fn update(&mut self, graph: &Graph) -> Result<GraphUpdate> {
        let bound = self.device.bind()?;
        let mut info = GraphExecUpdateResultInfo {
            result: 0,
            error_node: ptr::null_mut(),
            error_from_node: ptr::null_mut(),
        };
        // SAFETY: both graphs are live; `info` outlives the call.
        let result = unsafe { (bound.driver.cuGraphExecUpdate_v2)(self.handle, graph.handle, &mut info) };
        if result == CUresult::GRAPH_EXEC_UPDATE_FAILURE {
            drop(bound);
            *self = graph.instantiate()?;
            return Ok(GraphUpdate::Rebuilt);
        }
        bound.check("cuGraphExecUpdate", result)?;
        Ok(GraphUpdate::InPlace)
    }
}

impl Drop for ExecutableGraph {
    fn drop(&mut self) {
        // SAFETY: the handle is ours. The driver lets a launch that is still running finish.
        self.device
            .destroy("cuGraphExecDestroy", |driver| unsafe { (driver.cuGraphExecDestroy)(self.handle) });
    }
}
