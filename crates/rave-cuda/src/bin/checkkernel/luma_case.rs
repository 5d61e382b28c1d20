//! What is varied when a luma tensor is packed beside the chroma of another frame.

use std::fmt;

use rave_core::{Colorimetry, ElementType, Matrix, PixelFormat, Range, Rect, Scale, Size, ValueRange};
use rave_cuda::LumaGeometry;

use super::case::{
    Content, ELEMENTS, FORMATS, FRAME_CONTENTS, MATRICES, PITCHES, Pitch, SITINGS, TENSOR_CONTENTS,
    draw_padded, draw_visible,
};
use super::random::Random;

/// Scales that models have, then those that widen the filter, and one that repeats late.
const SCALES: [(u32, u32); 8] = [(1, 1), (3, 1), (4, 3), (2, 1), (1, 2), (2, 3), (2, 7), (37, 23)];

const SIZES: [Size; 6] = [
    Size::new(1, 1),
    Size::new(3, 5),
    Size::new(17, 9),
    Size::new(64, 19),
    Size::new(131, 37),
    Size::new(267, 35),
];

#[derive(Clone, Copy, Debug)]
pub(crate) struct LumaCase {
    pub(crate) seed: u64,
    pub(crate) index: u64,
    pub(crate) geometry: LumaGeometry,
    /// The input frame and its visible part.
    pub(crate) size: Size,
    pub(crate) visible: Rect,
    pub(crate) input_pitch: Pitch,
    pub(crate) input_content: Content,
    pub(crate) input_color: Colorimetry,
    /// The tensor.
    pub(crate) content: Content,
    pub(crate) white: ValueRange,
    pub(crate) misaligned_tensor: bool,
    /// The output frame.
    pub(crate) pitch: Pitch,
    pub(crate) color: Colorimetry,
}

/// What is looped over; the rest of a case is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LumaAxes {
    input: PixelFormat,
    output: PixelFormat,
    element: ElementType,
    scale: Scale,
    size: Size,
}

/// What is tried of one output format: every input format with both element types and two scales, or with one each if
/// `quick`; then frames in place, as a model of scale 1 writes them, and frames of a usual size.
pub(crate) fn luma_axes(quick: bool, output: PixelFormat) -> Vec<LumaAxes> {
    let scale = |(numerator, denominator)| Scale::new(numerator, denominator).expect("neither is 0");
    let mut axes = Vec::new();
    let row = FORMATS.iter().position(|&format| format == output).unwrap_or(0);
    for (column, input) in FORMATS.into_iter().enumerate() {
        let turn = row + 3 * column;
        let mut add = |element, turn: usize| {
            let (scale, size) = (scale(SCALES[turn % SCALES.len()]), SIZES[turn % SIZES.len()]);
            axes.push(LumaAxes { input, output, element, scale, size });
        };
        if quick {
            add(ELEMENTS[turn % 2], turn);
        } else {
            for element in ELEMENTS {
                add(element, turn);
                add(element, turn + 5);
            }
        }
    }
    for element in ELEMENTS {
        let same = |scale, size| LumaAxes { input: output, output, element, scale, size };
        axes.extend(SIZES.map(|size| same(Scale::ONE, size)));
        if !quick {
            axes.push(same(scale((2, 1)), Size::new(960, 540)));
        }
    }
    axes
}

fn draw_color(matrix: Matrix, random: &mut Random) -> Colorimetry {
    let range = random.pick(&[Range::Limited, Range::Full]);
    Colorimetry { matrix, range, siting: random.pick(&SITINGS) }
}

impl LumaCase {
    /// Case `index` of a run with `seed`.
    pub(crate) fn draw(seed: u64, index: u64, axes: LumaAxes) -> (Self, Random) {
        let LumaAxes { input, output, element, scale, size } = axes;
        let mut random = Random::of(seed, index);
        let matrix = random.pick(&MATRICES);
        let input_color = draw_color(matrix, &mut random);
        // Filters are the shortest where chroma stays as it is sited, which is what is asked for most.
        let color = if random.flip() { input_color } else { draw_color(matrix, &mut random) };
        let visible = draw_visible(size, &mut random);
        let scaled = scale.apply(visible.size).expect("small sizes");
        let case = LumaCase {
            seed,
            index,
            geometry: LumaGeometry {
                input_format: input,
                visible: visible.size,
                output_format: output,
                scale,
                element,
                tensor: draw_padded(scaled, &mut random),
                dither: random.flip(),
            },
            size,
            visible,
            input_pitch: random.pick(&PITCHES),
            input_content: random.pick(&FRAME_CONTENTS),
            input_color,
            content: random.pick(&TENSOR_CONTENTS),
            white: random.pick(&[ValueRange::Unit, ValueRange::Byte]),
            misaligned_tensor: random.below(4) == 0,
            pitch: random.pick(&PITCHES),
            color,
        };
        (case, random)
    }

    /// Whether the output frame can take the place of the input frame.
    pub(crate) fn in_place(&self) -> bool {
        let LumaGeometry { input_format, output_format, scale, .. } = self.geometry;
        input_format == output_format
            && scale == Scale::ONE
            && self.visible == Rect::of(self.size)
            && self.input_pitch == self.pitch
    }
}

impl fmt::Display for LumaCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LumaGeometry { input_format, visible, output_format, scale, element, tensor, dither } =
            self.geometry;
        let color = |c: &Colorimetry| format!("{} {:?} {:?}", c.matrix, c.range, c.siting);
        write!(
            f,
            "--seed {} case {}: {input_format} {}, visible {visible} at ({}, {}), pitch {:?}, {:?}, {}; scale {scale}; \
             {element} tensor {tensor}{}, {:?}, white {:?}; {output_format}, pitch {:?}, {}, dither {dither}{}",
            self.seed,
            self.index,
            self.size,
            self.visible.x,
            self.visible.y,
            self.input_pitch,
            self.input_content,
            color(&self.input_color),
            if self.misaligned_tensor { " misaligned" } else { "" },
            self.content,
            self.white,
            self.pitch,
            color(&self.color),
            if self.in_place() { ", in place" } else { "" },
        )
    }
}
