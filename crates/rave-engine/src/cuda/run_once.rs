//! One run of an engine on a tensor of the host's, with memory of its own.

use rave_core::{ElementType, Result};
use rave_cuda::{DeviceBuffer, Stream, element_bytes};

use super::model::{BoundContext, TensorRtModel};

/// What `engine` makes of `input` in `context`, which was bound for one picture. Waits for it.
///
/// # Errors
/// Those of memory, of copies, and of [`BoundContext::enqueue`].
pub(super) fn run_once(
    stream: &Stream,
    engine: &TensorRtModel,
    mut context: BoundContext,
    input: &[f32],
) -> Result<Vec<f32>> {
    let (device, contract) = (stream.device(), engine.contract());
    let bytes = |elements: usize, element| elements * element_bytes(element);
    let scratch = DeviceBuffer::new(device, context.scratch_bytes.max(1))?;
    let taken = DeviceBuffer::new(device, bytes(context.input.elements(), contract.input_type))?;
    let made = bytes(context.output.elements(), contract.output_type);
    let output = DeviceBuffer::new(device, made)?;
    taken.upload(stream, 0, &encoded(input, contract.input_type))?;
    let mut result = vec![0; made];
    // SAFETY: the three buffers have the sizes of what the context was bound for, belong to it alone, and are dropped
    // after the stream was waited for; the context is run once, on this stream.
    unsafe {
        context.set_scratch(scratch.address())?;
        context.set_tensors(taken.address(), output.address())?;
        let enqueued = context.enqueue(stream);
        // Also after an error: what was begun works in the buffers.
        stream.synchronize()?;
        enqueued?;
    }
    output.download(stream, 0, &mut result)?;
    Ok(decoded(&result, contract.output_type))
}

/// The elements as they lie in a tensor of that type.
fn encoded(elements: &[f32], element: ElementType) -> Vec<u8> {
    match element {
        ElementType::F32 => elements.iter().flat_map(|number| number.to_le_bytes()).collect(),
        ElementType::F16 => {
            elements.iter().flat_map(|&number| half::f16::from_f32(number).to_le_bytes()).collect()
        }
    }
}

/// The elements of a tensor of that type.
fn decoded(bytes: &[u8], element: ElementType) -> Vec<f32> {
    match element {
        ElementType::F32 => bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect(),
        ElementType::F16 => {
            bytes.as_chunks().0.iter().map(|&number| half::f16::from_le_bytes(number).to_f32()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_both_types_lie_in_memory_as_on_the_gpu() {
        let numbers = [0.0, 1.0, -0.5, 65504.0, f32::INFINITY];
        for (element, size) in [(ElementType::F32, 4), (ElementType::F16, 2)] {
            let bytes = encoded(&numbers, element);
            assert_eq!(bytes.len(), numbers.len() * size);
            assert_eq!(decoded(&bytes, element), numbers);
        }
        assert_eq!(encoded(&[1.0], ElementType::F16), [0x00, 0x3c]);
    }
}
