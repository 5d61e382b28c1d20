//! A picture in tiles, and what rave-core's reference makes of it. Nothing here needs a GPU.

use std::fmt;
use std::ops::Range;

use half::f16;
use rave_core::tiling::{TileBlender, TilePlan, cut_tile};
use rave_core::{ElementType, Elements, ElementsMut, Result, Scale, Size, TensorShape};
use rave_cuda::{TensorBatchOnDevice, TileElements};

use super::image::TensorBlock;
use super::random::Random;

/// What is varied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileCase {
    pub(crate) frame: Size,
    pub(crate) tile: Size,
    pub(crate) overlap: u32,
    pub(crate) scale: Scale,
    pub(crate) channels: u32,
    pub(crate) elements: TileElements,
    /// Tiles of a batch.
    pub(crate) batch: usize,
    /// Tensors do not begin at a multiple of 16 bytes.
    pub(crate) misaligned: bool,
    /// Elements are any bits in place of pictures.
    pub(crate) any_bits: bool,
}

impl TileCase {
    pub(crate) fn draw(random: &mut Random) -> Self {
        const SCALES: [(u32, u32); 7] = [(1, 1), (2, 1), (3, 1), (4, 1), (3, 2), (1, 2), (4, 3)];
        let (numerator, denominator) = random.pick(&SCALES);
        let scale = Scale::new(numerator, denominator).expect("neither is 0");
        let side = |random: &mut Random| (4 + random.below(60)).next_multiple_of(denominator);
        let tile = Size::new(side(random), side(random));
        let element = |random: &mut Random| random.pick(&[ElementType::F32, ElementType::F16]);
        TileCase {
            frame: Size::new(1 + random.below(170), 1 + random.below(110)),
            tile,
            overlap: random.below(tile.width.min(tile.height) / 2 + 1),
            scale,
            channels: random.pick(&[1, 3]),
            elements: TileElements {
                canvas: element(random),
                input: element(random),
                output: element(random),
            },
            batch: random.pick(&[1, 2, 3, 4, 7, 1000]),
            misaligned: random.flip(),
            any_bits: random.below(4) == 0,
        }
    }

    pub(crate) fn plan(&self) -> Result<TilePlan> {
        TilePlan::new(self.frame, self.tile, self.overlap, self.scale)
    }
}

impl fmt::Display for TileCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TileCase { frame, tile, overlap, scale, channels, elements, batch, misaligned, any_bits } = self;
        let TileElements { canvas, input, output } = elements;
        write!(
            f,
            "{frame} in {tile} tiles, overlap {overlap}, {scale}, {channels} channels, {canvas} to {input}, {output}, \
             batches of {batch}{}{}",
            if *misaligned { " misaligned" } else { "" },
            if *any_bits { ", any bits" } else { "" },
        )
    }
}

/// A picture, its tiles by batch, a model's outputs for them, and the picture that those become.
pub(crate) struct TileReference {
    pub(crate) canvas: TensorBlock,
    pub(crate) batches: Vec<TileBatch>,
    /// Guards alone.
    pub(crate) empty: TensorBlock,
    /// The blended picture as it should become.
    pub(crate) expected: TensorBlock,
}

/// The tiles that go through the model at once.
pub(crate) struct TileBatch {
    pub(crate) tiles: Range<usize>,
    /// The model's input: guards alone, and as it should become. The last batch leaves tensors unused.
    pub(crate) empty: TensorBlock,
    pub(crate) expected: TensorBlock,
    /// The model's output.
    pub(crate) output: TensorBlock,
}

impl TileReference {
    pub(crate) fn new(case: &TileCase, random: &mut Random) -> Result<Self> {
        let TileCase { scale, channels, elements, misaligned, any_bits, .. } = *case;
        let plan = case.plan()?;
        let mut blender = TileBlender::new(&plan, scale, channels)?;
        let input = TensorShape { channels, size: plan.tile() };
        let output = TensorShape { channels, size: scale.apply(plan.tile())? };
        let shape = TensorShape { channels, size: plan.canvas() };

        let picture = Values::draw(elements.canvas, shape.elements(), any_bits, random);
        let mut canvas = TensorBlock::new(elements.canvas, shape, misaligned);
        canvas.set(&picture.elements());
        let picture = picture.to_f32();

        let slots = case.batch.min(plan.count() + 1);
        let stacked = |shape: TensorShape, count: usize| TensorShape {
            channels: shape.channels * count as u32,
            size: shape.size,
        };
        let mut blended = vec![0.0; blender.canvas().elements()];
        let mut batches = Vec::new();
        for first in (0..plan.count()).step_by(slots) {
            let tiles = first..plan.count().min(first + slots);
            let empty = TensorBlock::new(elements.input, stacked(input, slots), misaligned);
            let mut cut = Values::zeros(elements.input, input.elements() * tiles.len());
            let outputs = Values::draw(elements.output, output.elements() * slots, any_bits, random);
            for (slot, tile) in tiles.clone().enumerate() {
                cut_tile(
                    &picture,
                    shape,
                    plan.rect(tile),
                    cut.part(slot * input.elements(), input.elements()),
                );
                let from = slot * output.elements();
                blender.add(tile, outputs.elements_of(from..from + output.elements()), &mut blended);
            }
            let mut expected = empty.clone();
            expected.set(&cut.elements());
            let mut block = TensorBlock::new(elements.output, stacked(output, slots), misaligned);
            block.set(&outputs.elements());
            batches.push(TileBatch { tiles, empty, expected, output: block });
        }
        let empty = TensorBlock::new(ElementType::F32, blender.canvas(), misaligned);
        let mut expected = empty.clone();
        expected.set(&Elements::F32(&blended));
        Ok(TileReference { canvas, batches, empty, expected })
    }
}

/// `block` at `base`, as tensors of `shape`.
pub(crate) fn batch_on_device(
    block: &TensorBlock,
    base: u64,
    shape: TensorShape,
) -> Result<TensorBatchOnDevice> {
    let all = block.on_device(base)?;
    let count = all.shape().elements() / shape.elements();
    // SAFETY: they are the elements of the block's tensor, whose contract callers keep.
    unsafe { TensorBatchOnDevice::new(all.address(), block.element, shape, count) }
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

    fn draw(element: ElementType, count: usize, any_bits: bool, random: &mut Random) -> Self {
        let mut value = || match random.below(16) {
            0 => -0.0,
            _ => random.unit() * 1.2 - 0.1,
        };
        match (element, any_bits) {
            (ElementType::F32, false) => Values::F32((0..count).map(|_| value()).collect()),
            (ElementType::F16, false) => Values::F16((0..count).map(|_| f16::from_f32(value())).collect()),
            (ElementType::F32, true) => {
                Values::F32((0..count).map(|_| f32::from_bits(random.next() as u32)).collect())
            }
            (ElementType::F16, true) => {
                Values::F16((0..count).map(|_| f16::from_bits(random.next() as u16)).collect())
            }
        }
    }

    fn elements(&self) -> Elements<'_> {
        match self {
            Values::F32(values) => Elements::F32(values),
            Values::F16(values) => Elements::F16(values),
        }
    }

    fn elements_of(&self, range: Range<usize>) -> Elements<'_> {
        match self {
            Values::F32(values) => Elements::F32(&values[range]),
            Values::F16(values) => Elements::F16(&values[range]),
        }
    }

    fn part(&mut self, from: usize, count: usize) -> ElementsMut<'_> {
        match self {
            Values::F32(values) => ElementsMut::F32(&mut values[from..][..count]),
            Values::F16(values) => ElementsMut::F16(&mut values[from..][..count]),
        }
    }

    fn to_f32(&self) -> Vec<f32> {
        match self {
            Values::F32(values) => values.clone(),
            Values::F16(values) => values.iter().map(|value| value.to_f32()).collect(),
        }
    }
}
