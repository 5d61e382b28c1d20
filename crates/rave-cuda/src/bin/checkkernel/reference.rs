//! A case's input, and what rave-core's reference makes of it. Nothing here needs a GPU.

use half::f16;
use rave_core::pixels::{ChromaScaler, Pack, Unpack};
use rave_core::{ElementType, Elements, ElementsMut, Result, Size, Status, TensorShape, ValueRange};
use rave_cuda::LumaGeometry;

use super::case::{Case, Content};
use super::image::{FrameLayout, TensorBlock};
use super::luma_case::LumaCase;
use super::random::Random;

/// A frame to unpack.
pub(crate) struct UnpackReference {
    pub(crate) layout: FrameLayout,
    /// The frame's block.
    pub(crate) frame: Vec<u8>,
    /// Guards alone.
    pub(crate) empty: TensorBlock,
    /// The tensor's block as it should become.
    pub(crate) expected: TensorBlock,
}

impl UnpackReference {
    pub(crate) fn new(case: &Case, mut random: Random) -> Result<Self> {
        let layout = FrameLayout::new(case.format, case.size, case.pitch);
        let mut frame = layout.block();
        layout.fill(&mut frame, case.content, &mut random);
        let mut reference = Unpack::new(case.format, case.visible.size, case.channels, case.tensor)?;
        let shape = reference.tensor();
        let mut values = Values::zeros(case.element, shape.elements());
        reference.run(&layout.frame(&frame, case.visible)?, case.color, case.white, values.elements_mut())?;
        let empty = TensorBlock::new(case.element, shape, case.misaligned_tensor);
        let mut expected = empty.clone();
        expected.set(&values.elements());
        Ok(UnpackReference { layout, frame, empty, expected })
    }
}

/// A tensor to pack.
pub(crate) struct PackReference {
    pub(crate) tensor: TensorBlock,
    /// Elements that become samples and are not finite.
    pub(crate) not_finite: u32,
    pub(crate) layout: FrameLayout,
    /// The frame's block as it should become.
    pub(crate) expected: Vec<u8>,
}

impl PackReference {
    pub(crate) fn new(case: &Case, mut random: Random) -> Result<Self> {
        let shape = TensorShape { channels: 3, size: case.tensor };
        let values = tensor_values(case.element, case.content, case.white, shape, &mut random);
        let size = case.visible.size;
        let not_finite = count_not_finite(&values, shape, size);
        let layout = FrameLayout::new(case.format, size, case.pitch);
        let mut expected = layout.block();
        let mut reference = Pack::new(case.format, size, 3, case.tensor, case.dither)?;
        let mut frame = layout.frame_mut(&mut expected)?;
        unless_not_finite(reference.run(values.elements(), case.white, case.color, &mut frame), not_finite)?;
        let mut tensor = TensorBlock::new(case.element, shape, case.misaligned_tensor);
        tensor.set(&values.elements());
        Ok(PackReference { tensor, not_finite, layout, expected })
    }
}

/// A luma tensor to pack beside the chroma of another frame.
pub(crate) struct LumaReference {
    pub(crate) input_layout: FrameLayout,
    /// The input frame's block.
    pub(crate) input: Vec<u8>,
    pub(crate) tensor: TensorBlock,
    pub(crate) not_finite: u32,
    pub(crate) layout: FrameLayout,
    /// The output frame's block as it should become.
    pub(crate) expected: Vec<u8>,
}

impl LumaReference {
    pub(crate) fn new(case: &LumaCase, mut random: Random) -> Result<Self> {
        let LumaGeometry { input_format, visible, output_format, scale, element, tensor, dither } =
            case.geometry;
        let input_layout = FrameLayout::new(input_format, case.size, case.input_pitch);
        let mut input = input_layout.block();
        input_layout.fill(&mut input, case.input_content, &mut random);
        let mut chroma = ChromaScaler::new(input_format, visible, output_format, scale)?;
        chroma.run(&input_layout.frame(&input, case.visible)?, case.input_color, case.color)?;

        let size = chroma.size();
        let shape = TensorShape { channels: 1, size: tensor };
        let values = tensor_values(element, case.content, case.white, shape, &mut random);
        let not_finite = count_not_finite(&values, shape, size);
        let layout = FrameLayout::new(output_format, size, case.pitch);
        let mut expected = layout.block();
        let mut reference = Pack::new(output_format, size, 1, tensor, dither)?;
        let mut frame = layout.frame_mut(&mut expected)?;
        unless_not_finite(
            reference.run_luma(values.elements(), case.white, case.color, &chroma, &mut frame),
            not_finite,
        )?;
        let mut tensor = TensorBlock::new(element, shape, case.misaligned_tensor);
        tensor.set(&values.elements());
        Ok(LumaReference { input_layout, input, tensor, not_finite, layout, expected })
    }
}

/// What packing gave, but for the complaint about elements that are not finite: NaN becomes code 0 in the reference and
/// in the kernels, so that even frames whose content is called undefined can be compared.
fn unless_not_finite(outcome: Result<()>, not_finite: u32) -> Result<()> {
    match outcome {
        Err(error) if error.status() == Status::InferenceFailed && not_finite > 0 => Ok(()),
        outcome => outcome,
    }
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

fn tensor_values(
    element: ElementType,
    content: Content,
    white: ValueRange,
    shape: TensorShape,
    random: &mut Random,
) -> Values {
    let white = white.white();
    let largest = match element {
        ElementType::F32 => f32::MAX,
        ElementType::F16 => 65504.0,
    };
    let mut draw = || match content {
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
    match element {
        ElementType::F32 => Values::F32((0..count).map(|_| draw()).collect()),
        ElementType::F16 => Values::F16((0..count).map(|_| f16::from_f32(draw())).collect()),
    }
}

/// Elements of the part of the tensor that becomes the frame that are NaN or infinite.
fn count_not_finite(values: &Values, shape: TensorShape, size: Size) -> u32 {
    let (width, height) = (shape.size.width as usize, shape.size.height as usize);
    let inside =
        |index: usize| index % width < size.width as usize && index / width % height < size.height as usize;
    let count = |finite: &dyn Fn(usize) -> bool| {
        (0..shape.elements()).filter(|&index| inside(index) && !finite(index)).count() as u32
    };
    match values {
        Values::F32(values) => count(&|index| values[index].is_finite()),
        Values::F16(values) => count(&|index| values[index].is_finite()),
    }
}
