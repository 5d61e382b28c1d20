//! One case: the kernel on the device beside the reference.

use rave_core::Result;
use rave_cuda::{
    DeviceBuffer, LumaFrame, LumaPackKernel, NonFiniteCounter, PackKernel, PixelKernels, ScratchOnDevice,
    Stream, UnpackKernel,
};

use super::case::Case;
use super::luma_case::LumaCase;
use super::random::Random;
use super::reference::{LumaReference, PackReference, UnpackReference};

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

    /// What `buffer` holds once the stream is done.
    pub(crate) fn download(&self, buffer: &DeviceBuffer) -> Result<Vec<u8>> {
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
    let counter = NonFiniteCounter::new(stream.device())?;
    let Case { format, visible, element, dither, .. } = *case;
    let kernel = PackKernel::new(&bed.kernels, format, visible.size, element, case.tensor, dither)?;
    kernel.launch(stream, &tensor, case.white, case.color, &frame, Some(&counter))?;
    let found = bed.download(&target)?;
    let (counted, expected) = (counter.take(), reference.not_finite);
    if counted != expected {
        return Ok(Some(format!("{expected} elements are not finite, counted {counted}")));
    }
    Ok(reference.layout.compare(&found, &reference.expected))
}

/// Luma tensor and the chroma of another frame, or of this one, to frame; what differs, if anything. Every other case
/// runs as a graph.
pub(crate) fn luma(bed: &Bed, case: &LumaCase, random: Random) -> Result<Option<String>> {
    /// Bytes of guard before and after scratch memory, and what they are.
    const MARGIN: usize = 256;
    const GUARD: u8 = 0x5a;

    let reference = LumaReference::new(case, random)?;
    let stream = &bed.stream;
    let mut kernel = LumaPackKernel::new(&bed.kernels, &case.geometry)?;
    let (input_color, color) = (case.input_color, case.color);
    kernel.prepare(stream, case.visible, input_color.siting, color.siting)?;

    let source = bed.upload(&reference.input)?;
    let elements = bed.upload(&reference.tensor.bytes)?;
    let target = if case.in_place() { None } else { Some(bed.upload(&reference.layout.block())?) };
    let target = target.as_ref().unwrap_or(&source);
    let bytes = kernel.scratch_bytes();
    let scratch_memory = bed.upload(&vec![GUARD; bytes + 2 * MARGIN])?;

    let counter = NonFiniteCounter::new(stream.device())?;
    let frame = LumaFrame {
        input: &reference.input_layout.on_device(source.address())?.with_visible(case.visible)?,
        input_color,
        tensor: &reference.tensor.on_device(elements.address())?,
        white: case.white,
        output: &reference.layout.on_device(target.address())?,
        color,
        // SAFETY: the bytes lie inside the buffer, which is alive until the stream is done.
        scratch: &unsafe { ScratchOnDevice::new(scratch_memory.address() + MARGIN as u64, bytes) },
        non_finite: Some(&counter),
    };
    if case.index.is_multiple_of(2) {
        kernel.launch(stream, &frame)?;
    } else {
        let mut graph = stream.capture(|stream| kernel.launch(stream, &frame))?.instantiate()?;
        // SAFETY: all that was captured is alive until the stream is done.
        unsafe { graph.launch(stream) }?;
        stream.synchronize()?;
    }
    let found = bed.download(target)?;
    let (counted, expected) = (counter.take(), reference.not_finite);
    if counted != expected {
        return Ok(Some(format!("{expected} elements are not finite, counted {counted}")));
    }
    let scratch = bed.download(&scratch_memory)?;
    let (before, after) = (&scratch[..MARGIN], &scratch[MARGIN + bytes..]);
    if before.iter().chain(after).any(|&byte| byte != GUARD) {
        return Ok(Some("bytes outside of scratch memory were written".into()));
    }
    Ok(reference.layout.compare(&found, &reference.expected))
}
