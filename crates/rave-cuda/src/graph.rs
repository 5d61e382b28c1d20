//! CUDA graphs: work recorded once and launched as a whole, with new parameters where those change.
//!
//! An [`ExecutableGraph`] owns the [`Graph`] that it was made of, for the driver names its kernels by that graph's nodes.

use std::ptr;

use rave_core::{Error, Result, Status};

use crate::sys::{
    self, CUDA_KERNEL_NODE_PARAMS_v2, CUgraph, CUgraphExec, CUgraphNode, CUresult, GraphExecUpdateResultInfo,
};
use crate::{Device, Stream};

/// Recorded work.
#[derive(Debug)]
pub struct Graph {
    device: Device,
    handle: CUgraph,
    capture: CaptureId,
}

// SAFETY: a CUgraph may be used from any thread, one at a time: `Graph` is not Sync, and whoever uses it owns it.
unsafe impl Send for Graph {}

/// What the driver calls a capture, unique over the life of the process.
type CaptureId = u64;

/// A kernel launch that was recorded in a [`Graph`].
///
/// It is a name only: what it names lives as long as the graph, or the [`ExecutableGraph`] that was made of it, and is
/// refused by every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphNode {
    handle: CUgraphNode,
    capture: CaptureId,
}

// SAFETY: a number without meaning until an `ExecutableGraph`, used by one thread at a time, has checked it.
unsafe impl Send for GraphNode {}
// SAFETY: as for Send.
unsafe impl Sync for GraphNode {}

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
        let mut capture = Capture { stream: self, id: 0, ended: false };
        capture.id = self.capture_state()?.id;
        let worked = work(self);
        let graph = capture.end();
        worked?;
        graph
    }

    /// Whether work enqueued now is recorded in place of being run.
    ///
    /// # Errors
    /// [`Status::DeviceLost`]; an error for the legacy default stream while another is captured that orders itself by it.
    pub fn is_capturing(&self) -> Result<bool> {
        let bound = self.device().bind()?;
        let mut state = 0;
        // SAFETY: the stream is live and its context is current; `state` outlives the call.
        let result = unsafe { (bound.driver.cuStreamIsCapturing)(self.handle(), &mut state) };
        bound.check("cuStreamIsCapturing", result)?;
        Ok(state == sys::CAPTURE_ACTIVE)
    }

    /// The node of the launch that `launch` records on this stream.
    ///
    /// # Errors
    /// What `launch` returns; [`Status::InvalidParameter`] when the stream is not capturing, in which case `launch` is
    /// not called.
    pub(crate) fn recorded_node(&self, launch: impl FnOnce() -> Result<()>) -> Result<GraphNode> {
        if !self.is_capturing()? {
            return Err(Error::new(
                Status::InvalidParameter,
                "a launch to be recorded on a stream that records nothing",
            )
            .expected("a call inside Stream::capture"));
        }
        launch()?;
        // What comes next would depend on what came last, and on nothing else, because a stream's work is in order.
        match self.capture_state()? {
            CaptureState { id, last: Some(handle) } => Ok(GraphNode { handle, capture: id }),
            CaptureState { last: None, .. } => {
                Err(Error::new(Status::KernelLaunchFailed, "the recorded launch has no node of its own"))
            }
        }
    }

    fn capture_state(&self) -> Result<CaptureState> {
        let bound = self.device().bind()?;
        let (mut state, mut id, mut nodes, mut count) = (0, 0, ptr::null(), 0);
        // SAFETY: the stream is live and its context is current; all locals outlive the call; the graph is not asked for.
        let result = unsafe {
            (bound.driver.cuStreamGetCaptureInfo_v2)(
                self.handle(),
                &mut state,
                &mut id,
                ptr::null_mut(),
                &mut nodes,
                &mut count,
            )
        };
        bound.check("cuStreamGetCaptureInfo", result)?;
        if state != sys::CAPTURE_ACTIVE {
            return Err(Error::new(Status::KernelLaunchFailed, "the capture of a stream was cut short")
                .help(
                    "record nothing that synchronises, allocates device memory or uses an unrelated stream",
                ));
        }
        // SAFETY: while a capture is active the driver's array holds `count` nodes until the next call on the stream.
        let last = (count == 1).then(|| unsafe { nodes.read() });
        Ok(CaptureState { id, last })
    }
}

struct CaptureState {
    id: CaptureId,
    /// The node that the next one will depend on, if it is one.
    last: Option<CUgraphNode>,
}

struct Capture<'a> {
    stream: &'a Stream,
    id: CaptureId,
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
        Ok(Graph { device: device.clone(), handle, capture: self.id })
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
    pub fn instantiate(self) -> Result<ExecutableGraph> {
        let bound = self.device.bind()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the graph is live; `handle` outlives the call.
        let result = unsafe { (bound.driver.cuGraphInstantiateWithFlags)(&mut handle, self.handle, 0) };
        bound.check("cuGraphInstantiate", result)?;
        drop(bound);
        Ok(ExecutableGraph { device: self.device.clone(), handle, graph: self })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: the handle is ours. Its nodes are used only by the executable graph that would own this.
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
    /// Whose nodes name the kernels of this.
    graph: Graph,
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
    /// Every address that was recorded, or set since by an `update`, is still valid, and stays so until the work is done;
    /// so do the kernels, each of which lives as long as the [`PixelKernels`](crate::PixelKernels) it came from or
    /// anything made with those.
    pub unsafe fn launch(&mut self, stream: &Stream) -> Result<()> {
        let bound = self.device.bind()?;
        // SAFETY: both handles are live; the addresses by the contract.
        bound.check("cuGraphLaunch", unsafe { (bound.driver.cuGraphLaunch)(self.handle, stream.handle()) })
    }

    /// Takes over the work of `graph`: in place where only parameters differ, else by making the graph anew. In place,
    /// the nodes of the graph that this was made of stay in use; made anew, those of `graph` take their place.
    ///
    /// # Errors
    /// As [`Graph::instantiate`]; the old work is then kept.
    pub fn update(&mut self, graph: Graph) -> Result<GraphUpdate> {
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

    /// Gives the kernel at `node` other parameters for the launches from now on; those that are enqueued or running keep
    /// theirs. Allocates nothing.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when `node` was recorded in another graph, or when `device` is another context;
    /// [`Status::DeviceLost`].
    ///
    /// # Safety
    /// `params.func` is a live function of `device`, `params.kernelParams` points to one pointer for each argument of it,
    /// each to a value of the argument's type, and every address in those is one that [`ExecutableGraph::launch`] may use.
    // RV-CUDA-1008
    pub(crate) unsafe fn set_kernel_params(
        &mut self,
        node: GraphNode,
        device: &Device,
        params: &CUDA_KERNEL_NODE_PARAMS_v2,
    ) -> Result<()> {
        if node.capture != self.graph.capture {
            return Err(Error::new(Status::InvalidParameter, "a node of another graph")
                .expected("a node that was recorded in the graph that this one was made of"));
        }
        if !self.device.is_same(device) {
            return Err(Error::new(
                Status::InvalidParameter,
                "a kernel loaded in one CUDA context for a graph of another",
            ));
        }
        let bound = self.device.bind()?;
        // SAFETY: the node belongs to the graph of this capture, checked above, which this owns and from which nothing is
        // removed; the function, its context and its arguments by the contract and the check above. The driver copies the
        // arguments.
        let result =
            unsafe { (bound.driver.cuGraphExecKernelNodeSetParams_v2)(self.handle, node.handle, params) };
        bound.check("cuGraphExecKernelNodeSetParams", result)
    }
}

impl Drop for ExecutableGraph {
    fn drop(&mut self) {
        // SAFETY: the handle is ours. The driver lets a launch that is still running finish.
        self.device
            .destroy("cuGraphExecDestroy", |driver| unsafe { (driver.cuGraphExecDestroy)(self.handle) });
    }
}
