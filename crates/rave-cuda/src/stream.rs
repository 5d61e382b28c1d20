//! Streams and events: the order of work on the device.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use rave_core::{Error, Result, Status};

use crate::Device;
use crate::sys::{self, CUevent, CUstream};

/// A queue of work on the device, adopted or our own.
#[derive(Debug)]
pub struct Stream {
    device: Device,
    handle: CUstream,
    owned: bool,
    /// Of all streams of the process; the driver uses handles again.
    id: usize,
}

static NEXT_ID: AtomicUsize = AtomicUsize::new(0);

// SAFETY: a CUstream is a handle that the driver lets any thread use, also several at once.
unsafe impl Send for Stream {}
// SAFETY: as for Send.
unsafe impl Sync for Stream {}

impl Stream {
    /// Uses a stream that somebody else made and will destroy (FFmpeg's `AVCUDADeviceContext.stream`). Null is the
    /// legacy default stream, which is what FFmpeg uses.
    ///
    /// # Safety
    /// `stream` is null or a live `CUstream` of `device`'s context, and stays alive until this is dropped.
    #[must_use]
    pub unsafe fn adopt(device: &Device, stream: *mut c_void) -> Self {
        Stream { device: device.clone(), handle: stream.cast(), owned: false, id: next_id() }
    }

    /// Makes a stream with no implicit order to the legacy default stream.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn create(device: &Device) -> Result<Self> {
        let bound = device.bind()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the context is current while `bound` lives; `handle` outlives the call.
        let result = unsafe { (bound.driver.cuStreamCreate)(&mut handle, sys::STREAM_NON_BLOCKING) };
        bound.check("cuStreamCreate", result)?;
        drop(bound);
        Ok(Stream { device: device.clone(), handle, owned: true, id: next_id() })
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The handle, a `CUstream`, for libraries that take one.
    #[must_use]
    pub fn as_raw(&self) -> *mut c_void {
        self.handle.cast()
    }

    /// A number that no other stream of this process has or had.
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn handle(&self) -> CUstream {
        self.handle
    }

    /// Blocks this thread until all work enqueued so far is done. Nothing on a frame's way calls it.
    ///
    /// # Errors
    /// The first error of that work, [`Status::DeviceLost`] mostly.
    pub fn synchronize(&self) -> Result<()> {
        let bound = self.device.bind()?;
        // SAFETY: the handle is live (ours, or by `adopt`'s contract) and its context is current.
        bound.check("cuStreamSynchronize", unsafe { (bound.driver.cuStreamSynchronize)(self.handle) })
    }

    /// Whether all work enqueued so far is done.
    ///
    /// # Errors
    /// As [`Stream::synchronize`].
    pub fn is_idle(&self) -> Result<bool> {
        let bound = self.device.bind()?;
        // SAFETY: as in `synchronize`.
        let result = unsafe { (bound.driver.cuStreamQuery)(self.handle) };
        bound.driver.check_ready("cuStreamQuery", result)
    }

    /// Lets work that is enqueued from now on wait, on the device, until `event`'s last record has passed. An event
    /// that was never recorded delays nothing.
    ///
    /// # Errors
    /// [`Status::DeviceLost`].
    pub fn wait(&self, event: &Event) -> Result<()> {
        let bound = self.device.bind()?;
        // SAFETY: both handles are live: this stream's as in `synchronize`, the event's until it is dropped.
        let result = unsafe { (bound.driver.cuStreamWaitEvent)(self.handle, event.handle, 0) };
        bound.check("cuStreamWaitEvent", result)
    }
}

fn next_id() -> usize {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: the handle is ours. The driver lets work that is still queued finish before it frees the stream.
            self.device
                .destroy("cuStreamDestroy", |driver| unsafe { (driver.cuStreamDestroy_v2)(self.handle) });
        }
    }
}

/// A point in a stream's work.
#[derive(Debug)]
pub struct Event {
    device: Device,
    handle: CUevent,
}

// SAFETY: a CUevent is a handle that the driver lets any thread use, also several at once.
unsafe impl Send for Event {}
// SAFETY: as for Send.
unsafe impl Sync for Event {}

impl Event {
    /// An event for ordering only.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn new(device: &Device) -> Result<Self> {
        Event::with_flags(device, sys::EVENT_DISABLE_TIMING)
    }

    /// An event that also takes the time.
    ///
    /// # Errors
    /// As [`Event::new`].
    pub fn with_timing(device: &Device) -> Result<Self> {
        Event::with_flags(device, sys::EVENT_TIMING)
    }

    fn with_flags(device: &Device, flags: u32) -> Result<Self> {
        let bound = device.bind()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the context is current while `bound` lives; `handle` outlives the call.
        bound.check("cuEventCreate", unsafe { (bound.driver.cuEventCreate)(&mut handle, flags) })?;
        drop(bound);
        Ok(Event { device: device.clone(), handle })
    }

    /// Moves the event to the end of the work enqueued on `stream` so far.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the stream belongs to another context, [`Status::DeviceLost`].
    pub fn record(&self, stream: &Stream) -> Result<()> {
        if !self.device.is_same(&stream.device) {
            return Err(Error::new(
                Status::InvalidParameter,
                "an event of one CUDA context recorded on a stream of another",
            ));
        }
        let bound = self.device.bind()?;
        // SAFETY: both handles are live and belong to the current context, checked above.
        bound.check("cuEventRecord", unsafe { (bound.driver.cuEventRecord)(self.handle, stream.handle) })
    }

    /// Whether the work before the last record is done. True for an event that was never recorded.
    ///
    /// # Errors
    /// The first error of that work.
    pub fn is_done(&self) -> Result<bool> {
        let bound = self.device.bind()?;
        // SAFETY: the handle is live until drop.
        let result = unsafe { (bound.driver.cuEventQuery)(self.handle) };
        bound.driver.check_ready("cuEventQuery", result)
    }

    /// Blocks this thread until the work before the last record is done.
    ///
    /// # Errors
    /// The first error of that work.
    pub fn synchronize(&self) -> Result<()> {
        let bound = self.device.bind()?;
        // SAFETY: the handle is live until drop.
        bound.check("cuEventSynchronize", unsafe { (bound.driver.cuEventSynchronize)(self.handle) })
    }

    /// Milliseconds from `start` to this event, both with timing and done. Resolution is about half a microsecond.
    ///
    /// # Errors
    /// An error when one of them was made without timing or is not done.
    pub fn milliseconds_since(&self, start: &Event) -> Result<f32> {
        let bound = self.device.bind()?;
        let mut milliseconds = 0.0;
        // SAFETY: both handles are live until drop; `milliseconds` outlives the call.
        let result =
            unsafe { (bound.driver.cuEventElapsedTime)(&mut milliseconds, start.handle, self.handle) };
        bound.check("cuEventElapsedTime", result)?;
        Ok(milliseconds)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and used nowhere else. An event that has not passed yet is freed when it has.
        self.device.destroy("cuEventDestroy", |driver| unsafe { (driver.cuEventDestroy_v2)(self.handle) });
    }
}
