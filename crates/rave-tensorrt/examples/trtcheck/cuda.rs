//! The little of CUDA's driver API that the check needs: a private context, memory, streams, events and graphs.

use std::ffi::c_char;
use std::ptr::null_mut;

use cudarc::driver::sys;
use rave_core::{Error, Result, Status};

/// Calls a driver function and turns its code into an error that names it.
macro_rules! cuda {
    ($function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: each call site passes live handles of the current context and pointers to live variables.
        match unsafe { sys::$function($($argument),*) } {
            sys::CUresult::CUDA_SUCCESS => Ok(()),
            code => Err(Error::new(Status::Unknown, format!("{}: {code:?}", stringify!($function)))),
        }
    };
}

/// A context of its own on device 0, current on this thread: the case that FFmpeg gives.
pub(crate) struct Gpu {
    pub(crate) name: String,
}

impl Gpu {
    pub(crate) fn new() -> Result<Gpu> {
        let (mut device, mut context) = (0, null_mut());
        cuda!(cuInit(0))?;
        cuda!(cuDeviceGet(&mut device, 0))?;
        cuda!(cuCtxCreate_v2(&mut context, 0, device))?;
        let mut name = [0 as c_char; 128];
        cuda!(cuDeviceGetName(name.as_mut_ptr(), name.len() as i32, device))?;
        let name = name.iter().take_while(|&&c| c != 0).map(|&c| c as u8 as char).collect();
        Ok(Gpu { name })
    }

    /// Waits for all work of the context.
    pub(crate) fn synchronize(&self) -> Result<()> {
        cuda!(cuCtxSynchronize())
    }
}

pub(crate) struct Buffer {
    pub(crate) address: u64,
    pub(crate) size: usize,
}

impl Buffer {
    pub(crate) fn new(size: usize) -> Result<Buffer> {
        let mut address = 0;
        cuda!(cuMemAlloc_v2(&mut address, size.max(1)))?;
        Ok(Buffer { address, size })
    }

    pub(crate) fn upload(&self, bytes: &[u8]) -> Result<()> {
        assert_eq!(bytes.len(), self.size);
        cuda!(cuMemcpyHtoD_v2(self.address, bytes.as_ptr().cast(), bytes.len()))
    }

    pub(crate) fn download(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.size];
        cuda!(cuMemcpyDtoH_v2(bytes.as_mut_ptr().cast(), self.address, bytes.len()))?;
        Ok(bytes)
    }

    /// Fills it with 0xff: NaN in fp16 and fp32, so that what inference did not write shows.
    pub(crate) fn poison(&self) -> Result<()> {
        cuda!(cuMemsetD8_v2(self.address, 0xff, self.size))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let _ = cuda!(cuMemFree_v2(self.address));
    }
}

pub(crate) struct Stream(pub(crate) sys::CUstream);

impl Stream {
    pub(crate) fn new() -> Result<Stream> {
        let mut stream = null_mut();
        let flags = sys::CUstream_flags_enum::CU_STREAM_NON_BLOCKING;
        cuda!(cuStreamCreate(&mut stream, flags as u32))?;
        Ok(Stream(stream))
    }

    pub(crate) fn synchronize(&self) -> Result<()> {
        cuda!(cuStreamSynchronize(self.0))
    }

    /// Has all later work of this stream wait for `event`.
    pub(crate) fn wait(&self, event: &Event) -> Result<()> {
        cuda!(cuStreamWaitEvent(self.0, event.0, 0))
    }

    /// Captures what `work` enqueues into a graph.
    pub(crate) fn capture(&self, work: impl FnOnce() -> Result<()>) -> Result<Graph> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        cuda!(cuStreamBeginCapture_v2(self.0, mode))?;
        let worked = work();
        let mut graph = null_mut();
        cuda!(cuStreamEndCapture(self.0, &mut graph))?;
        worked?;
        let (mut executable, mut nodes) = (null_mut(), 0);
        cuda!(cuGraphGetNodes(graph, null_mut(), &mut nodes))?;
        cuda!(cuGraphInstantiateWithFlags(&mut executable, graph, 0))?;
        cuda!(cuGraphDestroy(graph))?;
        Ok(Graph { executable, nodes })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = cuda!(cuStreamDestroy_v2(self.0));
    }
}

pub(crate) struct Graph {
    executable: sys::CUgraphExec,
    pub(crate) nodes: usize,
}

impl Graph {
    pub(crate) fn launch(&self, stream: &Stream) -> Result<()> {
        cuda!(cuGraphLaunch(self.executable, stream.0))
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let _ = cuda!(cuGraphExecDestroy(self.executable));
    }
}

pub(crate) struct Event(sys::CUevent);

impl Event {
    pub(crate) fn new() -> Result<Event> {
        let mut event = null_mut();
        cuda!(cuEventCreate(&mut event, 0))?;
        Ok(Event(event))
    }

    pub(crate) fn record(&self, stream: &Stream) -> Result<()> {
        cuda!(cuEventRecord(self.0, stream.0))
    }

    /// Milliseconds from `start` to this event, both passed.
    pub(crate) fn since(&self, start: &Event) -> Result<f32> {
        let mut milliseconds = 0.0;
        cuda!(cuEventSynchronize(self.0))?;
        cuda!(cuEventElapsedTime(&mut milliseconds, start.0, self.0))?;
        Ok(milliseconds)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let _ = cuda!(cuEventDestroy_v2(self.0));
    }
}
