//! Tiles of a picture: cut out of it for a model of fixed size, and its outputs blended into one.

use std::ops::Range;

use rave_core::tiling::{AxisWeights, TileBlender, TilePlan};
use rave_core::{ElementType, Error, Rect, Result, Scale, Size, Status, TensorShape};

use super::layout::element_suffix;
use super::params::{AxisPoint, BlendParams, CutParams, NO_TILE};
use super::{PixelKernels, check_tensor};
use crate::module::{Kernel, LaunchDims};
use crate::{DeviceBuffer, Stream, TensorBatchOnDevice, TensorOnDevice};

/// Columns that a block covers, as `LANES * COLUMNS` in `kernels/tiles.cu`.
const BLOCK_COLUMNS: u32 = 128;
/// Rows and warps of a block, as `BLOCK_ROWS` in `kernels/tiles.cu`.
const BLOCK_ROWS: u32 = 8;
/// What tensors of TensorRT are aligned to.
const TENSOR_ALIGNMENT: usize = 256;

/// Device memory that tiles of a frame may take on both sides of the model, so that they are cut and blended together.
/// A launch for each small tile takes many times as long as its bytes; a 1080p frame's tiles fit.
const TILES_BYTES: usize = 128 << 20;

/// How many of a frame's `count` tiles should be cut and blended by one launch when the model takes `batch` of them at a
/// time and a tile has `bytes` before and after it: a multiple of `batch` of which only the last may have no tile.
///
/// All where they take no more than 128 MiB, and at least one batch. One batch too where another would not begin at a
/// multiple of 256 bytes, as TensorRT asks of its tensors.
#[must_use]
pub fn tiles_together(count: usize, batch: usize, bytes: [usize; 2]) -> usize {
    let batch = batch.max(1);
    if bytes.iter().any(|bytes| !(bytes * batch).is_multiple_of(TENSOR_ALIGNMENT)) {
        return batch;
    }
    let fit = TILES_BYTES / (bytes.iter().sum::<usize>() * batch).max(1);
    batch * fit.clamp(1, count.div_ceil(batch).max(1))
}

/// Cuts a picture on the device into tiles, some at a time, and blends the model's outputs for them into another
/// picture, as [`rave_core::tiling`] does on the host and with the same bits. (NaN stays NaN, but not which one.)
///
/// [`tiles_together`] says how many. They are blended by one launch that writes each pixel of the canvas that they have a
/// part in once. The first tile at a pixel starts from 0 whatever the canvas holds: nothing has to zero it, and outside
/// the seams between launches nothing reads it.
///
/// Neither direction allocates or waits, and both can be recorded by [`Stream::capture`].
#[derive(Debug)]
pub struct DeviceTiler {
    plan: TilerPlan,
    /// What [`TilerPlan::tables`] made.
    tables: DeviceBuffer,
    cut: Kernel,
    blend: Kernel,
}

/// The element types of the tensors that tiles go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileElements {
    /// Of the picture that is cut.
    pub canvas: ElementType,
    /// Of the tiles, as the model takes them.
    pub input: ElementType,
    /// Of the model's outputs.
    pub output: ElementType,
}

/// What is fixed for a geometry.
#[derive(Debug)]
pub(super) struct TilerPlan {
    elements: TileElements,
    /// Where tiles begin in the picture that is cut, by column and by row of tiles.
    starts: [Vec<u32>; 2],
    /// Which pixels of the output each column and each row of tiles reaches.
    reach: [Vec<Range<u32>>; 2],
    points: [Vec<AxisPoint>; 2],
    input_canvas: TensorShape,
    pub(super) input_tile: TensorShape,
    output_canvas: TensorShape,
    pub(super) output_tile: TensorShape,
}

impl DeviceTiler {
    /// Prepares for the tiles of `plan`, pictures of `channels` channels, and a model whose outputs are `scale` times as
    /// large. Uploads the weights, for which it waits.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the output would be larger than any frame may be, [`Status::OutOfMemory`],
    /// [`Status::DeviceLost`].
    pub fn new(
        kernels: &PixelKernels,
        stream: &Stream,
        plan: &TilePlan,
        scale: Scale,
        channels: u32,
        elements: TileElements,
    ) -> Result<Self> {
        let plan = TilerPlan::new(plan, scale, channels, elements)?;
        let [cut, blend] = plan.kernels();
        let bytes = plan.tables();
        let tables = DeviceBuffer::new(stream.device(), bytes.len())?;
        tables.upload(stream, 0, &bytes)?;
        Ok(DeviceTiler {
            cut: kernels.tiles.kernel(&cut)?,
            blend: kernels.tiles.kernel(&blend)?,
            plan,
            tables,
        })
    }

    /// The number of tiles of a picture.
    #[must_use]
    pub fn count(&self) -> usize {
        self.plan.count()
    }

    /// The shape of the picture that is cut.
    #[must_use]
    pub fn input_canvas(&self) -> TensorShape {
        self.plan.input_canvas
    }

    /// The shape of a tile, as the model takes it.
    #[must_use]
    pub fn input_tile(&self) -> TensorShape {
        self.plan.input_tile
    }

    /// The shape of the picture that is blended, whose elements are fp32.
    #[must_use]
    pub fn output_canvas(&self) -> TensorShape {
        self.plan.output_canvas
    }

    /// The shape of the model's output for a tile.
    #[must_use]
    pub fn output_tile(&self) -> TensorShape {
        self.plan.output_tile
    }

    /// Enqueues cutting `tiles` of `canvas`, the first into the first tensor of `batch`. Tensors behind those stay as they
    /// are. Nothing is allocated.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when there are no such tiles, the batch is shorter than they are many, or a tensor is
    /// not what [`DeviceTiler::new`] was told; [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
    pub fn cut(
        &self,
        stream: &Stream,
        canvas: &TensorOnDevice,
        tiles: Range<usize>,
        batch: &TensorBatchOnDevice,
    ) -> Result<()> {
        let (dims, params) = self.plan.cut(canvas, tiles, batch, self.tables.address())?;
        // SAFETY: the kernel takes CutParams, whose layout both sides assert. It reads the tables, which are freed only
        // after the device is done with them, and elements of the canvas, and writes elements of the batch; both may be
        // used until the work is done by the contracts of their `new`, and shapes and range were checked above.
        unsafe { self.cut.launch(stream, dims, &params) }
    }

    /// Enqueues adding the model's outputs for `tiles`, the first of which is the first tensor of `batch`, to `canvas`.
    /// A picture is complete after every tile was blended once, in ascending order; what the canvas held before does not
    /// matter. Nothing is allocated.
    ///
    /// # Errors
    /// As [`DeviceTiler::cut`].
    pub fn blend(
        &self,
        stream: &Stream,
        tiles: Range<usize>,
        batch: &TensorBatchOnDevice,
        canvas: &TensorOnDevice,
    ) -> Result<()> {
        let (dims, params) = self.plan.blend(tiles, batch, canvas, self.tables.address())?;
        // SAFETY: as in `cut`, with BlendParams; elements of the batch are read, elements of the canvas read and written.
        unsafe { self.blend.launch(stream, dims, &params) }
    }
}

impl TilerPlan {
    pub(super) fn new(plan: &TilePlan, scale: Scale, channels: u32, elements: TileElements) -> Result<Self> {
        let blender = TileBlender::new(plan, scale, channels)?;
        let output_tile = scale.apply(plan.tile())?;
        let across = blender.columns().len();
        let starts = |axis: &[AxisWeights], step: usize, along: fn(Rect) -> u32| {
            (0..axis.len()).map(|index| along(plan.rect(index * step))).collect()
        };
        let Size { width, height } = blender.canvas().size;
        Ok(TilerPlan {
            elements,
            starts: [
                starts(blender.columns(), 1, |rect| rect.x),
                starts(blender.rows(), across, |rect| rect.y),
            ],
            reach: [reach(blender.columns()), reach(blender.rows())],
            points: [points(blender.columns(), width), points(blender.rows(), height)],
            input_canvas: TensorShape { channels, size: plan.canvas() },
            input_tile: TensorShape { channels, size: plan.tile() },
            output_canvas: blender.canvas(),
            output_tile: TensorShape { channels, size: output_tile },
        })
    }

    /// The names of the kernels that cut and blend.
    pub(super) fn kernels(&self) -> [String; 2] {
        let TileElements { canvas, input, output } = self.elements;
        [
            format!("cut_{}_{}", element_suffix(canvas), element_suffix(input)),
            format!("blend_{}", element_suffix(output)),
        ]
    }

    /// What the kernels look up: the points of both axes, then the starts of both.
    pub(super) fn tables(&self) -> Vec<u8> {
        let points = self.points.iter().flatten().flat_map(|point| {
            [point.tile, point.offsets, point.weight.to_bits(), point.next_weight.to_bits()]
        });
        points.chain(self.starts.iter().flatten().copied()).flat_map(u32::to_ne_bytes).collect()
    }

    fn count(&self) -> usize {
        self.starts.iter().map(Vec::len).product()
    }

    fn check(&self, tiles: &Range<usize>, batch: &TensorBatchOnDevice) -> Result<()> {
        let expected = batch.count().min(self.count());
        if tiles.start < tiles.end && tiles.end <= self.count() && tiles.end - tiles.start <= batch.count() {
            return Ok(());
        }
        Err(Error::new(
            Status::InvalidParameter,
            format!("tiles {tiles:?} of {} in a batch of {}", self.count(), batch.count()),
        )
        .expected(format!("1 to {expected} tiles that exist")))
    }

    /// `tables` is the address of [`TilerPlan::tables`].
    pub(super) fn cut(
        &self,
        canvas: &TensorOnDevice,
        tiles: Range<usize>,
        batch: &TensorBatchOnDevice,
        tables: u64,
    ) -> Result<(LaunchDims, CutParams)> {
        self.check(&tiles, batch)?;
        check_tensor(canvas, self.elements.canvas, self.input_canvas)?;
        check_tensor(&batch.first(), self.elements.input, self.input_tile)?;
        let size = self.input_tile.size;
        let blocks_across = size.width.div_ceil(BLOCK_COLUMNS);
        let columns = tables + 16 * self.points.iter().map(Vec::len).sum::<usize>() as u64;
        let across = self.starts[0].len();
        let dims = LaunchDims {
            grid: (blocks_across * tiles.len() as u32, size.height.div_ceil(BLOCK_ROWS)),
            block: (32, BLOCK_ROWS),
        };
        let params = CutParams {
            canvas: canvas.address(),
            batch: batch.first().address(),
            columns,
            rows: columns + 4 * across as u64,
            canvas_width: self.input_canvas.size.width as i32,
            canvas_height: self.input_canvas.size.height as i32,
            tile_width: size.width as i32,
            tile_height: size.height as i32,
            channels: self.input_tile.channels as i32,
            tiles_across: across as i32,
            first: tiles.start as i32,
            blocks_across: blocks_across as i32,
        };
        Ok((dims, params))
    }

    /// `tables` is the address of [`TilerPlan::tables`].
    pub(super) fn blend(
        &self,
        tiles: Range<usize>,
        batch: &TensorBatchOnDevice,
        canvas: &TensorOnDevice,
        tables: u64,
    ) -> Result<(LaunchDims, BlendParams)> {
        self.check(&tiles, batch)?;
        check_tensor(canvas, ElementType::F32, self.output_canvas)?;
        check_tensor(&batch.first(), self.elements.output, self.output_tile)?;
        let [columns, rows] = &self.reach;
        let across = columns.len();
        let last = tiles.end - 1;
        let (top, bottom) = (tiles.start / across, last / across);
        // A batch of several rows of tiles may reach all columns.
        let (left, right) =
            if top == bottom { (tiles.start % across, last % across) } else { (0, across - 1) };
        let (left, right) = (columns[left].start, columns[right].end);
        let (top, bottom) = (rows[top].start, rows[bottom].end);
        let dims = LaunchDims {
            grid: ((right - left).div_ceil(BLOCK_COLUMNS), (bottom - top).div_ceil(BLOCK_ROWS)),
            block: (32, BLOCK_ROWS),
        };
        let params = BlendParams {
            canvas: canvas.address(),
            batch: batch.first().address(),
            columns: tables,
            rows: tables + 16 * self.points[0].len() as u64,
            left: left as i32,
            top: top as i32,
            right: right as i32,
            bottom: bottom as i32,
            canvas_width: self.output_canvas.size.width as i32,
            canvas_height: self.output_canvas.size.height as i32,
            tile_width: self.output_tile.size.width as i32,
            tile_height: self.output_tile.size.height as i32,
            channels: self.output_tile.channels as i32,
            tiles_across: across as i32,
            first: tiles.start as i32,
            end: tiles.end as i32,
        };
        Ok((dims, params))
    }
}

/// The pixels that each tile along an axis has a part in.
fn reach(axis: &[AxisWeights]) -> Vec<Range<u32>> {
    axis.iter().map(|part| part.start as u32..(part.start + part.weights.len()) as u32).collect()
}

/// Which tiles have a part in each of the `length` pixels of an axis.
fn points(axis: &[AxisWeights], length: u32) -> Vec<AxisPoint> {
    const NONE: AxisPoint =
        AxisPoint { tile: 0, offsets: NO_TILE << 16 | NO_TILE, weight: 0.0, next_weight: 0.0 };
    let mut points = vec![NONE; length as usize];
    for (tile, part) in axis.iter().enumerate() {
        for (index, (point, &weight)) in points[part.start..].iter_mut().zip(&part.weights).enumerate() {
            // Below NO_TILE, since no side has more than rave_core::MAX_SIDE pixels.
            let offset = (part.offset + index) as u32;
            if point.offsets == NONE.offsets {
                *point = AxisPoint {
                    tile: tile as u32,
                    offsets: NO_TILE << 16 | offset,
                    weight,
                    next_weight: 0.0,
                };
            } else {
                debug_assert!(point.offsets >> 16 == NO_TILE && point.tile + 1 == tile as u32);
                point.offsets = offset << 16 | point.offsets & NO_TILE;
                point.next_weight = weight;
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const F16: TileElements =
        TileElements { canvas: ElementType::F16, input: ElementType::F16, output: ElementType::F16 };

    fn plan() -> TilerPlan {
        // Three columns and two rows of tiles.
        let plan = TilePlan::new(Size::new(80, 56), Size::new(32, 32), 8, Scale::ONE).unwrap();
        TilerPlan::new(&plan, Scale::ONE, 3, F16).unwrap()
    }

    fn batch(shape: TensorShape, count: usize) -> TensorBatchOnDevice {
        // SAFETY: nothing is launched with these tensors.
        unsafe { TensorBatchOnDevice::new(4096, ElementType::F16, shape, count) }.unwrap()
    }

    fn tensor(element: ElementType, shape: TensorShape) -> TensorOnDevice {
        // SAFETY: as in `batch`.
        unsafe { TensorOnDevice::new(4096, element, shape) }.unwrap()
    }

    #[test]
    fn tiles_go_together_as_far_as_memory_and_alignment_allow() {
        const MIB: usize = 1 << 20;
        for (count, batch, bytes, expected) in [
            (60, 1, [200_704, 1_806_336], 60),
            (12, 1, [3 * MIB / 2, 6 * MIB], 12),
            (12, 5, [3 * MIB / 2, 6 * MIB], 15),
            (16, 1, [6 * MIB, 24 * MIB], 4),
            (16, 3, [6 * MIB, 24 * MIB], 3),
            (9, 1, [64 * MIB, 256 * MIB], 1),
            (9, 1, [MIB, 4 * MIB + 128], 1),
            (9, 2, [MIB, 4 * MIB + 128], 10),
        ] {
            assert_eq!(tiles_together(count, batch, bytes), expected, "{count} by {batch} of {bytes:?}");
        }
    }

    #[test]
    fn tiles_that_do_not_exist_or_do_not_fit_are_refused() {
        let plan = plan();
        assert_eq!(plan.count(), 6);
        let canvas = tensor(ElementType::F16, plan.input_canvas);
        let cut = |tiles, slots| plan.cut(&canvas, tiles, &batch(plan.input_tile, slots), 512);
        for (tiles, slots) in [(0..6, 6), (5..6, 4), (2..4, 2)] {
            assert!(cut(tiles, slots).is_ok());
        }
        #[allow(clippy::reversed_empty_ranges, reason = "it is refused")]
        for (tiles, slots) in [(0..0, 1), (4..2, 6), (0..3, 2), (5..7, 6)] {
            assert_eq!(cut(tiles, slots).unwrap_err().status(), Status::InvalidParameter);
        }
        let fp16 = tensor(ElementType::F16, plan.output_canvas);
        assert!(plan.blend(0..1, &batch(plan.output_tile, 1), &fp16, 512).is_err(), "the canvas is fp32");
    }

    #[test]
    fn a_launch_covers_what_its_tiles_reach_and_no_more() {
        let plan = plan();
        let canvas = tensor(ElementType::F32, plan.output_canvas);
        let area = |tiles: Range<usize>| {
            let (_, params) = plan.blend(tiles, &batch(plan.output_tile, 6), &canvas, 512).unwrap();
            (params.left, params.top, params.right, params.bottom)
        };
        assert_eq!(area(0..6), (0, 0, 80, 56));
        // Neighbours share 8 pixels from 24 on, of which the middle 4 fade.
        assert_eq!(area(0..1), (0, 0, 30, 30));
        assert_eq!(area(4..5), (26, 26, 54, 56));
        assert_eq!(area(2..4), (0, 0, 80, 56));
    }
}
