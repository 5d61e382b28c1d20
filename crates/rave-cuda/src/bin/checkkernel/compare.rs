//! One case: the kernel beside rave-core's reference.

use half::f16;
use rave_core::pixels::{Pack, Unpack};
use rave_core::{ElementType, Elements, ElementsMut, Result, Status, TensorShape};
use rave_cuda::{DeviceBuffer, NonFiniteCounter, PackKernel, PixelKernels, Stream, UnpackKernel};

use crate::case::{Case, Content};
use crate::image::{FrameLayout, TensorBlock};
use crate::random::Random;

/// What cases run on.
pub(crate) struct Bed {
    pub(crate) stream: Stream,
    pub(crate) kernels: PixelKernels,
}

/// Elements of either type.
enum Values {
    F32(Vec<f32>),
    F16(Vec<f16>),
}

impl Values {
    fn zeros(element: ElementType, count: usize) -> Self {
        match element {
            ElementType::F32 => Values::F32(vec![0.0; count]),
            ElementType::F16 => Values::F16(vec![f16::ZERO; count]),
        }
    }

    fn elements(&self) -> Elements<'_> {
        match self {
            Values::F32(values) => Elements::F32(values),
            Values::F16(values) => Elements::F16(values),
        }
    }

    fn elements_mut(&mut self) -> ElementsMut<'_> {
        match self {
            Values::F32(values) => ElementsMut::F32(values),
            Values::F16(values) => ElementsMut::F16(values),
        }
    }
}

/// Frame to tensor; what differs, if anything.
pub(crate) fn unpack(bed: &Bed, case: &Case, mut random: Random) -> Result<Option<String>> {
    let layout = FrameLayout::new(case.format, case.size, case.pitch);
    let mut block = layout.block();
    layout.fill(&mut block, case.content, &mut random);

    let visible = case.visible.size;
    let mut reference = Unpack::new(case.format, visible, case.channels, case.tensor)?;
    let shape = reference.tensor();
    let mut values = Values::zeros(case.element, shape.elements());
    reference.run(
        &layout.frame(&block, case)?,
        case.color,
        case.white,
        values.elements_mut(),
    )?;
    let mut expected = TensorBlock::new(case.element, shape, case.misaligned_tensor);

    let stream = &bed.stream;
    let source = DeviceBuffer::new(stream.device(), layout.bytes())?;
    source.upload(stream, 0, &block)?;
    let target = expected.upload(stream)?;
    let kernel = UnpackKernel::new(
        &bed.kernels,
        case.format,
        visible,
        case.element,
        case.channels,
        case.tensor,
    )?;
    let frame = layout.on_device(&source)?.with_visible(case.visible)?;
    kernel.launch(
        stream,
        &frame,
        case.color,
        case.white,
        &expected.on_device(&target)?,
    )?;
    let mut found = vec![0; target.bytes()];
    target.download(stream, 0, &mut found)?;

    expected.set(&values.elements());
    Ok(expected.compare(&found))
}

/// Tensor to frame; what differs, if anything.
pub(crate) fn pack(bed: &Bed, case: &Case, mut random: Random) -> Result<Option<String>> {
    let shape = TensorShape {
        channels: 3,
        size: case.tensor,
    };
    let values = tensor_values(case, shape, &mut random);
    let size = case.visible.size;
    let bad = count_not_finite(&values, shape, size);

    let layout = FrameLayout::new(case.format, size, case.pitch);
    let mut expected = layout.block();
    let mut reference = Pack::new(case.format, size, 3, case.tensor, case.dither)?;
    let outcome = reference.run(
        values.elements(),
        case.white,
        case.color,
        &mut layout.frame_mut(&mut expected)?,
    );
    match outcome {
        Err(error) if error.status() == Status::InferenceFailed && bad > 0 => {}
        outcome => outcome?,
    }

    let stream = &bed.stream;
    let mut tensor = TensorBlock::new(case.element, shape, case.misaligned_tensor);
    tensor.set(&values.elements());
    let source = tensor.upload(stream)?;
    let target = DeviceBuffer::new(stream.device(), layout.bytes())?;
    target.upload(stream, 0, &layout.block())?;
    let mut counter = NonFiniteCounter::new(stream.device(), stream)?;
    let kernel = PackKernel::new(
        &bed.kernels,
        case.format,
        size,
        case.element,
        case.tensor,
        case.dither,
    )?;
    kernel.launch(
        stream,
        &tensor.on_device(&source)?,
        case.white,
        case.color,
        &layout.on_device(&target)?,
        Some(&counter),
    )?;
    counter.read_later(stream)?;
    let mut found = vec![0; target.bytes()];
    target.download(stream, 0, &mut found)?;
    let counted = counter.poll()?;
    if counted != Some(bad) {
        return Ok(Some(format!(
            "{bad} elements are not finite, counted {counted:?}"
        )));
    }
    // NaN becomes code 0 in both, so that even frames of undefined content are equal.
    Ok(layout.compare(&found, &expected))
}

fn tensor_values(case: &Case, shape: TensorShape, random: &mut Random) -> Values {
    let white = case.white.white();
    let largest = match case.element {
        ElementType::F32 => f32::MAX,
        ElementType::F16 => 65504.0,
    };
    let mut draw = || match case.content {
        Content::Uniform => (random.unit() * 1.2 - 0.1) * white,
        Content::NearZero => (random.unit() - 0.5) * 0.02 * white,
        Content::NearMax => (1.0 + (random.unit() - 0.5) * 0.02) * white,
        Content::Huge => match random.below(4) {
            0 => largest * (random.unit() * 2.0 - 1.0),
            1 => f32::MIN_POSITIVE * random.unit(),
            _ => random.unit() * white,
        },
        Content::NotFinite => match random.below(64) {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::NEG_INFINITY,
            _ => random.unit() * white,
        },
    };
    let count = shape.elements();
    match case.element {
        ElementType::F32 => Values::F32((0..count).map(|_| draw()).collect()),
        ElementType::F16 => Values::F16((0..count).map(|_| f16::from_f32(draw())).collect()),
    }
}

/// Elements of the part of the tensor that becomes the frame that are NaN or infinite.
fn count_not_finite(values: &Values, shape: TensorShape, size: rave_core::Size) -> u32 {
    let (width, height) = (shape.size.width as usize, shape.size.height as usize);
    let inside =
        |index: usize| index % width < size.width as usize && index / width % height < size.height as usize;
    let count = |finite: &dyn Fn(usize) -> bool| {
        (0..shape.elements())
            .filter(|&index| inside(index) && !finite(index))
            .count() as u32
    };
    match values {
        Values::F32(values) => count(&|index| values[index].is_finite()),
        Values::F16(values) => count(&|index| values[index].is_finite()),
    }
}
