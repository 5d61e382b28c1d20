//! Frames in GPU memory, copied to the host.

use rave_core::{ColorTags, Frame, FrameMut, Result};
use rave_cuda::{Event, FrameOnDevice, HostFrame, Stream};

use super::device::CudaDevice;
use super::in_flight::wait_for;

/// The geometries of which a host frame is kept: those of a session's inputs and outputs.
const COPIES: usize = 2;

/// Copies frames from the GPU to the host, on a stream of its own: what the device's stream gets later does not wait for
/// the copy. One thread at a time.
#[derive(Debug)]
pub struct Readback {
    arrived: Event,
    copied: Event,
    copies: Vec<HostFrame>,
    stream: Stream,
    device: CudaDevice,
}

impl Readback {
    /// For frames on `device`. Host memory is taken with the first frame of a geometry.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory), [`Status::DeviceLost`](rave_core::Status::DeviceLost).
    pub fn new(device: &CudaDevice) -> Result<Self> {
        Ok(Readback {
            arrived: Event::new(device.device())?,
            copied: Event::new(device.device())?,
            copies: Vec::with_capacity(COPIES),
            stream: Stream::create(device.device())?,
            device: device.clone(),
        })
    }

    /// Copies `frame`, which is valid in order on the device's stream by now, over all of `out`. Blocks until it is there.
    /// Nothing is allocated after the first frame.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`](rave_core::Status::UnsupportedFormat) when `out` is of another format or size, or not
    /// all of `frame` is visible; else as [`Readback::new`].
    pub fn copy(&mut self, frame: &FrameOnDevice, out: &mut FrameMut<'_>) -> Result<()> {
        self.read(frame)?.copy_to(out)
    }

    /// The visible part of `frame` on the host. As [`Readback::copy`].
    pub(super) fn read(&mut self, frame: &FrameOnDevice) -> Result<Frame<'_>> {
        self.arrived.record(self.device.main())?;
        self.stream.wait(&self.arrived)?;
        let index = self.room_for(frame)?;
        let copy = &mut self.copies[index];
        // SAFETY: the copy is waited for below. Where that fails, the frame is not looked at: it is written again, behind
        // this copy on the same stream, before anything reads it, and dropping it waits.
        unsafe { copy.enqueue_download(&self.stream, frame) }?;
        self.copied.record(&self.stream)?;
        wait_for(&self.copied, || "a frame's copy to the host".into())?;
        self.copies[index].view(ColorTags::default(), frame.visible())
    }

    /// The place of a host frame of the geometry of `frame`.
    fn room_for(&mut self, frame: &FrameOnDevice) -> Result<usize> {
        if let Some(index) = self.copies.iter().position(|copy| copy.is_of(frame.format(), frame.size())) {
            return Ok(index);
        }
        if self.copies.len() == COPIES {
            self.copies.remove(0);
        }
        self.copies.push(HostFrame::new(self.device.device(), frame.format(), frame.size())?);
        Ok(self.copies.len() - 1)
    }
}
