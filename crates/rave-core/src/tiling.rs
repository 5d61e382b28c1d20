//! Cutting a frame into tiles that share an overlap, and blending what a model makes of them into one picture.
//!
//! Along each axis the tiles are spread evenly, so that neighbours share at least the overlap that was asked for. In
//! the output, the outer part of the shared stretch is left to the tile that sees more around it, and the middle part
//! fades linearly from one tile to the next. The weights of all tiles at a pixel sum to 1: there is no seam.

use half::slice::HalfFloatSliceExt;

use crate::memory::{grow, room};
use crate::{Elements, ElementsMut, Error, Rect, Result, Scale, Size, Status, TensorShape};

/// The overlap that is used when none is asked for, in input pixels: more than the receptive field's radius of the
/// common super-resolution networks.
pub const DEFAULT_OVERLAP: u32 = 32;

/// Where the tiles of a frame lie. All numbers are input pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TilePlan {
    tile: Size,
    canvas: Size,
    columns: Vec<u32>,
    rows: Vec<u32>,
}

impl TilePlan {
    /// Covers `frame` with tiles of `tile` that share at least `overlap` pixels with each neighbour. Tiles begin at
    /// multiples of `scale`'s denominator, so that each becomes a whole number of output pixels.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the overlap is more than half a tile, or when the tile is no multiple of the
    /// scale's denominator; [`Status::OutOfMemory`].
    pub fn new(frame: Size, tile: Size, overlap: u32, scale: Scale) -> Result<Self> {
        let align = scale.denominator();
        // RV-CORE-1203
        if overlap > tile.width.min(tile.height) / 2 {
            return Err(Error::new(Status::InvalidParameter, format!("overlap {overlap} of {tile} tiles"))
                .expected(format!("at most {}", tile.width.min(tile.height) / 2)));
        }
        if !tile.width.is_multiple_of(align) || !tile.height.is_multiple_of(align) {
            return Err(Error::new(Status::InvalidParameter, format!("a tile of {tile} at scale {scale}"))
                .expected(format!("multiples of {align}")));
        }
        let aligned = frame.round_up(align);
        let canvas = Size::new(aligned.width.max(tile.width), aligned.height.max(tile.height));
        Ok(TilePlan {
            tile,
            canvas,
            columns: spread(canvas.width, tile.width, overlap, align)?,
            rows: spread(canvas.height, tile.height, overlap, align)?,
        })
    }

    /// The size of every tile.
    #[must_use]
    pub fn tile(&self) -> Size {
        self.tile
    }

    /// What the tiles cover together: the frame, extended where it is smaller than a tile.
    #[must_use]
    pub fn canvas(&self) -> Size {
        self.canvas
    }

    /// The number of tiles.
    #[must_use]
    pub fn count(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// The rectangle of tile `index`, counted row by row.
    ///
    /// # Panics
    /// When `index` is not below [`TilePlan::count`].
    #[must_use]
    pub fn rect(&self, index: usize) -> Rect {
        let (row, column) = (index / self.columns.len(), index % self.columns.len());
        Rect { x: self.columns[column], y: self.rows[row], size: self.tile }
    }
}

/// The first pixels of the tiles along one axis.
fn spread(length: u32, tile: u32, overlap: u32, align: u32) -> Result<Vec<u32>> {
    let rest = length - tile;
    // Both are multiples of `align`, so rounding an even spread down to it never makes a step longer than this.
    let step = ((tile - overlap) / align * align).max(align);
    let gaps = rest.div_ceil(step);
    let mut starts = room(gaps as usize + 1, "tiles along an axis")?;
    starts.extend((0..=gaps).map(|index| match gaps {
        0 => 0,
        _ => {
            let even = u64::from(rest) * u64::from(index) / u64::from(gaps);
            if index == gaps { rest } else { even as u32 / align * align }
        }
    }));
    Ok(starts)
}

/// Blends model outputs, tile by tile, into one picture.
#[derive(Debug)]
pub struct TileBlender {
    columns: Vec<AxisWeights>,
    rows: Vec<AxisWeights>,
    canvas: TensorShape,
    row: Vec<f32>,
}

/// One tile's part in one axis of the output. At any pixel of the axis at most two tiles, which are neighbours, have one.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisWeights {
    /// The first output pixel that the tile contributes to.
    pub start: usize,
    /// Offset of that pixel within the tile's own output.
    pub offset: usize,
    /// The weight of that pixel and of those after it, above 0 and at most 1.
    pub weights: Vec<f32>,
}

impl TileBlender {
    /// A blender of tiles of `plan` whose outputs are `scale` times as large and have `channels` channels.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the output would be larger than any frame may be; [`Status::OutOfMemory`].
    pub fn new(plan: &TilePlan, scale: Scale, channels: u32) -> Result<Self> {
        let tile = scale.apply(plan.tile)?;
        let mut row = Vec::new();
        grow(&mut row, tile.width as usize, "samples of a row")?;
        let canvas = TensorShape { channels, size: scale.apply(plan.canvas)? };
        Ok(TileBlender {
            columns: weights(&plan.columns, tile.width, scale)?,
            rows: weights(&plan.rows, tile.height, scale)?,
            canvas,
            row,
        })
    }

    /// The shape of the whole picture, fp32.
    #[must_use]
    pub fn canvas(&self) -> TensorShape {
        self.canvas
    }

    /// The weights of each column of tiles, in output pixels. A pixel's weight is its column's times its row's.
    #[must_use]
    pub fn columns(&self) -> &[AxisWeights] {
        &self.columns
    }

    /// The weights of each row of tiles, in output pixels.
    #[must_use]
    pub fn rows(&self) -> &[AxisWeights] {
        &self.rows
    }

    /// Adds the model's output for tile `index` to `canvas`, which has [`TileBlender::canvas`]'s shape and was zero
    /// before the first tile.
    ///
    /// # Panics
    /// When `tile` or `canvas` has another number of elements than the plan says, or there is no tile `index`.
    // RV-CORE-1202
    pub fn add(&mut self, index: usize, tile: Elements<'_>, canvas: &mut [f32]) {
        assert_eq!(canvas.len(), self.canvas.elements(), "elements of the canvas");
        let (rows, columns) =
            (&self.rows[index / self.columns.len()], &self.columns[index % self.columns.len()]);
        let tile_width = self.row.len();
        let channels = self.canvas.channels as usize;
        let elements = match tile {
            Elements::F32(values) => values.len(),
            Elements::F16(values) => values.len(),
        };
        let tile_height = elements / channels / tile_width;
        assert_eq!(elements, channels * tile_height * tile_width, "elements of the tile");
        let (width, height) = (self.canvas.size.width as usize, self.canvas.size.height as usize);
        for channel in 0..channels {
            for (y, &row_weight) in rows.weights.iter().enumerate() {
                let from = (channel * tile_height + rows.offset + y) * tile_width;
                let source = match tile {
                    Elements::F32(values) => &values[from..][..tile_width],
                    Elements::F16(values) => {
                        values[from..][..tile_width].convert_to_f32_slice(&mut self.row);
                        &self.row
                    }
                };
                let to = (channel * height + rows.start + y) * width + columns.start;
                let target = &mut canvas[to..][..columns.weights.len()];
                let source = &source[columns.offset..][..columns.weights.len()];
                for ((target, &value), &weight) in target.iter_mut().zip(source).zip(&columns.weights) {
                    *target += value * (weight * row_weight);
                }
            }
        }
    }
}

/// Copies the pixels of `rect` out of a picture of shape `canvas` into a tile's tensor.
///
/// # Panics
/// When `rect` reaches outside the canvas, or a slice has another number of elements than its shape.
pub fn cut_tile(picture: &[f32], canvas: TensorShape, rect: Rect, tile: ElementsMut<'_>) {
    assert_eq!(picture.len(), canvas.elements(), "elements of the canvas");
    let (width, height) = (canvas.size.width as usize, canvas.size.height as usize);
    let (tile_width, tile_height) = (rect.size.width as usize, rect.size.height as usize);
    let rows = (0..canvas.channels as usize)
        .flat_map(|channel| (0..tile_height).map(move |y| channel * height + rect.y as usize + y))
        .map(|row| &picture[row * width + rect.x as usize..][..tile_width]);
    match tile {
        ElementsMut::F32(values) => {
            for (target, source) in values.chunks_exact_mut(tile_width).zip(rows) {
                target.copy_from_slice(source);
            }
        }
        ElementsMut::F16(values) => {
            for (target, source) in values.chunks_exact_mut(tile_width).zip(rows) {
                target.convert_from_f32_slice(source);
            }
        }
    }
}

/// The weights of the tiles that begin at `starts` along one axis, in output pixels.
// RV-CORE-1201
fn weights(starts: &[u32], tile: u32, scale: Scale) -> Result<Vec<AxisWeights>> {
    let start = |index: usize| f64::from(starts[index] / scale.denominator() * scale.numerator());
    // A fade sits in the middle of what two neighbours share and is half as long, but never so long that it reaches
    // the next fade: so at most two tiles meet at a pixel, and their weights are complements.
    let fade = |index: usize| {
        let step = start(index) - start(index - 1);
        let shared = f64::from(tile) - step;
        let middle = start(index) + shared / 2.0;
        let half = (shared / 2.0).min(step) / 2.0;
        (middle - half, middle + half)
    };
    // How far the fade into tile `index` has come at the centre of an output pixel; written once, so that the tile
    // before takes exactly the complement.
    let arrived = |index: usize, pixel: f64| -> f32 {
        let (from, to) = fade(index);
        if to > from {
            ((pixel + 0.5 - from) / (to - from)).clamp(0.0, 1.0) as f32
        } else if pixel + 0.5 >= from {
            1.0
        } else {
            0.0
        }
    };
    let mut axis = room(starts.len(), "tiles along an axis")?;
    for index in 0..starts.len() {
        let weight = |offset: usize| {
            let pixel = start(index) + offset as f64;
            let entered = if index == 0 { 1.0 } else { arrived(index, pixel) };
            let left = if index + 1 == starts.len() { 0.0 } else { arrived(index + 1, pixel) };
            if left > 0.0 { 1.0 - left } else { entered }
        };
        let mut all = 0..tile as usize;
        let first = all.clone().position(|offset| weight(offset) > 0.0).unwrap_or(0);
        let last = all.rposition(|offset| weight(offset) > 0.0).map_or(first, |last| last + 1);
        let mut weights = room(last - first, "weights of a tile")?;
        weights.extend((first..last).map(weight));
        axis.push(AxisWeights { start: start(index) as usize + first, offset: first, weights });
    }
    Ok(axis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn axis_sums(plan: &TilePlan, scale: Scale) -> (Vec<f32>, Vec<f32>) {
        let blender = TileBlender::new(plan, scale, 1).unwrap();
        let sum = |axis: &[AxisWeights], length: u32| {
            let mut sums = vec![0.0; length as usize];
            for part in axis {
                for (sum, weight) in sums[part.start..].iter_mut().zip(&part.weights) {
                    *sum += weight;
                }
            }
            sums
        };
        let size = blender.canvas().size;
        (sum(&blender.columns, size.width), sum(&blender.rows, size.height))
    }

    #[test]
    fn a_frame_no_larger_than_a_tile_is_one_tile() {
        let plan = TilePlan::new(Size::new(200, 100), Size::new(224, 224), 32, Scale::ONE).unwrap();
        assert_eq!((plan.count(), plan.canvas()), (1, Size::new(224, 224)));
    }

    #[test]
    fn tiles_are_spread_evenly_and_end_at_the_edge() {
        let plan = TilePlan::new(Size::new(320, 224), Size::new(224, 224), 32, Scale::ONE).unwrap();
        assert_eq!(plan.count(), 2);
        assert_eq!(plan.rect(1), Rect { x: 96, y: 0, size: Size::new(224, 224) });
    }

    /// RV-CORE-1203
    #[test]
    fn an_overlap_over_half_a_tile_is_refused() {
        let error = TilePlan::new(Size::new(64, 64), Size::new(32, 48), 17, Scale::ONE).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        let thirds = Scale::new(4, 3).unwrap();
        assert!(TilePlan::new(Size::new(64, 64), Size::new(32, 33), 8, thirds).is_err());
    }

    proptest! {
        /// RV-CORE-1201
        #[test]
        fn tiles_cover_the_canvas_share_the_overlap_and_weigh_one_everywhere(
            width in 1u32..700, height in 1u32..300, tile in 4u32..200, overlap in 0u32..100,
            numerator in 1u32..5, denominator in 1u32..4,
        ) {
            let scale = Scale::new(numerator, denominator).unwrap();
            let align = scale.denominator();
            let tile = tile.next_multiple_of(align).max(2 * align);
            let overlap = overlap.min(tile / 2);
            let plan = TilePlan::new(Size::new(width, height), Size::new(tile, tile), overlap, scale).unwrap();
            for starts in [&plan.columns, &plan.rows] {
                prop_assert!(starts.iter().all(|start| start % align == 0));
                for pair in starts.windows(2) {
                    prop_assert!(pair[1] > pair[0]);
                    prop_assert!(pair[0] + tile >= pair[1] + overlap);
                }
            }
            let (columns, rows) = axis_sums(&plan, scale);
            for sum in columns.into_iter().chain(rows) {
                prop_assert!((sum - 1.0).abs() <= f32::EPSILON, "weights sum to {}", sum);
            }
            let blender = TileBlender::new(&plan, scale, 1).unwrap();
            for axis in [blender.columns(), blender.rows()] {
                prop_assert!(axis.iter().all(|part| part.weights.iter().all(|&weight| weight > 0.0)));
                let end = |part: &AxisWeights| part.start + part.weights.len();
                prop_assert!(axis.windows(2).all(|pair| pair[0].start < pair[1].start && end(&pair[0]) < end(&pair[1])));
                prop_assert!(axis.windows(3).all(|three| end(&three[0]) <= three[2].start), "three tiles meet");
            }
        }

        /// RV-CORE-1202
        #[test]
        fn cutting_and_blending_unchanged_tiles_gives_the_picture_back(
            width in 5u32..90, height in 5u32..70, tile in 8u32..40, overlap in 0u32..20, half in any::<bool>(),
        ) {
            let overlap = overlap.min(tile / 2);
            let plan =
                TilePlan::new(Size::new(width, height), Size::new(tile, tile), overlap, Scale::ONE).unwrap();
            let canvas = TensorShape { channels: 3, size: plan.canvas() };
            // Multiples of 1/256 up to 1 are exact in fp16 too.
            let picture: Vec<f32> =
                (0..canvas.elements()).map(|index| (index * 7919 % 257) as f32 / 256.0).collect();
            let mut blender = TileBlender::new(&plan, Scale::ONE, 3).unwrap();
            let mut blended = vec![0.0; canvas.elements()];
            let shape = TensorShape { channels: 3, size: plan.tile() };
            for index in 0..plan.count() {
                if half {
                    let mut cut = vec![half::f16::ZERO; shape.elements()];
                    cut_tile(&picture, canvas, plan.rect(index), ElementsMut::F16(&mut cut));
                    blender.add(index, Elements::F16(&cut), &mut blended);
                } else {
                    let mut cut = vec![0.0; shape.elements()];
                    cut_tile(&picture, canvas, plan.rect(index), ElementsMut::F32(&mut cut));
                    blender.add(index, Elements::F32(&cut), &mut blended);
                }
            }
            for (before, after) in picture.iter().zip(&blended) {
                prop_assert!((before - after).abs() <= 2.0 * f32::EPSILON);
            }
        }
    }
}
