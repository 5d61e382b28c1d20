//! One case: the kernel on the device beside the reference.

use rave_core::Result;
use rave_cuda::{DeviceBuffer, NonFiniteCounter, PackKernel, PixelKernels, Stream, UnpackKernel};

use super::case::Case;
use super::random::Random;
use super::reference::{PackReference, UnpackReference};

/// What cases run on.
pub(crate) struct Bed {
    pub(crate) stream: Stream,
    pub(crate) kernels: PixelKernels,
}

impl Bed {
    /// Device memory that holds `block`.
    pub(crate) fn upload(&self, block: &[u8]) -> Result<DeviceBuffer> {
        let buffer = DeviceBuffer::new(self.stream.device(), block.len())?;
        buffer.upload(&self.stream, 0, block)?;
        Ok(buffer)
    }

    fn download(&self, buffer: &DeviceBuffer) -> Result<Vec<u8>> {
        let mut block = vec![0; buffer.bytes()];
        buffer.download(&self.stream, 0, &mut block)?;
        Ok(block)
    }
}

/// Frame to tensor; what differs, if anything.
// RV-CUDA-1002
pub(crate) fn unpack(bed: &Bed, case: &Case, random: Random) -> Result<Option<String>> {
    let reference = UnpackReference::new(case, random)?;
    let source = bed.upload(&reference.frame)?;
    let target = bed.upload(&reference.empty.bytes)?;
    let frame = reference.layout.on_device(source.address())?.with_visible(case.visible)?;
    let tensor = reference.empty.on_device(target.address())?;
    let Case { format, visible, element, channels, .. } = *case;
    let kernel = UnpackKernel::new(&bed.kernels, format, visible.size, element, channels, case.tensor)?;
    kernel.launch(&bed.stream, &frame, case.color, case.white, &tensor)?;
    Ok(reference.expected.compare(&bed.download(&target)?))
}

/// Tensor to frame; what differs, if anything.
// RV-CUDA-1002
pub(crate) fn pack(bed: &Bed, case: &Case, random: Random) -> Result<Option<String>> {
    let reference = PackReference::new(case, random)?;
    let stream = &bed.stream;
    let source = bed.upload(&reference.tensor.bytes)?;
    let target = bed.upload(&reference.layout.block())?;
    let tensor = reference.tensor.on_device(source.address())?;
    let frame = reference.layout.on_device(target.address())?;
    let mut counter = NonFiniteCounter::new(stream.device(), stream)?;
    let Case { format, visible, element, dither, .. } = *case;
    let kernel = PackKernel::new(&bed.kernels, format, visible.size, element, case.tensor, dither)?;
    kernel.launch(stream, &tensor, case.white, case.color, &frame, Some(&counter))?;
    counter.read_later(stream)?;
    let found = bed.download(&target)?;
    let (counted, expected) = (counter.poll()?, reference.not_finite);
    if counted != Some(expected) {
        return Ok(Some(format!("{expected} elements are not finite, counted {counted:?}")));
    }
    Ok(reference.layout.compare(&found, &reference.expected))
}
