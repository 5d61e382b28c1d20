//! A session on the GPU for frames that are in host memory.

use rave_core::{Colorimetry, Frame, FrameMut, Log, PixelFormat, Result, Size};
use rave_cuda::{Device, DeviceBuffer, DevicePlane, FrameOnDevice, HostFrame};

use super::readback::Readback;
use super::session::CudaSession;
use crate::{Model, SessionOptions};

/// What the rows of frames on the device are multiples of, in bytes: at least what CUDA's own pitched memory has.
const PITCH: usize = 512;

/// Runs a model on a GPU on frames that are in host memory, one at a time: each is copied there and back, and waited for.
/// For what has to repeat a run exactly; a film is faster through [`CudaSession`]. One thread at a time.
#[derive(Debug)]
pub struct UploadingSession {
    // Dropped in this order: the session waits for its work.
    session: CudaSession,
    host: HostFrame,
    input: FrameOnDevice,
    output: FrameOnDevice,
    readback: Readback,
    /// The memory of both.
    _planes: Vec<DeviceBuffer>,
}

impl UploadingSession {
    /// Binds `model` to a geometry.
    ///
    /// # Errors
    /// As [`CudaSession::new`].
    pub fn new(model: &Model, options: &SessionOptions, log: Log) -> Result<Self> {
        let session = CudaSession::new(model, options, log)?;
        let device = session.device();
        let mut planes = Vec::new();
        Ok(UploadingSession {
            host: HostFrame::new(device.device(), options.input_format, options.size)?,
            input: frame(device.device(), options.input_format, options.size, &mut planes)?,
            output: frame(device.device(), options.output_format, session.output_size(), &mut planes)?,
            readback: Readback::new(device)?,
            _planes: planes,
            session,
        })
    }

    /// The size of the frames that the session makes.
    #[must_use]
    pub fn output_size(&self) -> Size {
        self.session.output_size()
    }

    /// Runs the model on `input`, all of which is visible, and says how the colours of `out` are coded.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`](rave_core::Status::UnsupportedFormat) when either frame is not of the session's geometry
    /// or the input is cropped; else as [`CudaSession::submit`] and [`CudaSession::finish`].
    pub fn process(&mut self, input: &Frame<'_>, out: &mut FrameMut<'_>) -> Result<Colorimetry> {
        let device = self.session.device().clone();
        input.copy_to(&mut self.host.view_mut()?)?;
        // SAFETY: the stream is waited for, also after an error, before the host's frame can be written to again.
        let uploaded = unsafe { self.host.enqueue_upload(device.main(), &self.input) };
        device.main().synchronize()?;
        uploaded?;
        let made = self.session.submit(&self.input, input.tags(), &self.output, out.wanted())?;
        self.session.finish()?;
        // What was wrong with the frame is known then.
        self.session.drain()?;
        self.readback.copy(&self.output, out)?;
        Ok(made)
    }
}

/// A frame on the device, in memory that is put to `memory`.
fn frame(
    device: &Device,
    format: PixelFormat,
    size: Size,
    memory: &mut Vec<DeviceBuffer>,
) -> Result<FrameOnDevice> {
    let mut planes = Vec::new();
    for plane in 0..format.layout().planes {
        let pitch = format.row_bytes(plane, size.width).next_multiple_of(PITCH);
        let buffer = DeviceBuffer::new(device, pitch * format.plane_size(plane, size).height as usize)?;
        planes.push(DevicePlane { address: buffer.address(), pitch });
        memory.push(buffer);
    }
    // SAFETY: the planes have room for the rows of such a frame and belong to it alone. They are freed when the session,
    // which waits for its work, is gone; cuMemFree waits for copies.
    unsafe { FrameOnDevice::new(format, size, &planes) }
}
