//! Finding frames that repeat the one before them.

use rave_core::Result;
use rave_cuda::{Event, FrameComparer, FrameDifference, FrameOnDevice, Stream};

use super::device::CudaDevice;
use super::in_flight::wait_for;

/// Compares frames on a stream of its own, beside the lanes.
#[derive(Debug)]
pub(super) struct RepeatFinder {
    comparer: FrameComparer,
    difference: FrameDifference,
    arrived: Event,
    compared: Event,
    stream: Stream,
}

impl RepeatFinder {
    pub(super) fn new(device: &CudaDevice) -> Result<Self> {
        Ok(RepeatFinder {
            comparer: FrameComparer::new(&device.kernels()?)?,
            difference: FrameDifference::new(device.device())?,
            arrived: Event::new(device.device())?,
            compared: Event::new(device.device())?,
            stream: Stream::create(device.device())?,
        })
    }

    /// Whether the visible parts of two frames, valid in order on `main` by now, have equal bytes. Blocks until that is
    /// known.
    pub(super) fn is_equal(&self, main: &Stream, a: &FrameOnDevice, b: &FrameOnDevice) -> Result<bool> {
        self.arrived.record(main)?;
        self.stream.wait(&self.arrived)?;
        self.comparer.compare(&self.stream, a, b, &self.difference)?;
        self.compared.record(&self.stream)?;
        wait_for(&self.compared, || "the comparison of two frames".into())?;
        Ok(!self.difference.take())
    }
}
