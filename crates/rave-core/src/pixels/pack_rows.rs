//! The rows of one part of a frame, from a tensor.

use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use pulp::Arch;

use crate::{Colorimetry, Elements, Layout, PixelFamily, Result, Size, TensorShape};

use super::chroma_filter::{Down, blend};
use super::dither::Bias;
use super::finite::count_non_finite;
use super::matrix::{ToCode, ToRgb, Weights, chroma_gains, levels};
use super::parts::{FrameRows, grow_rows};
use super::resample::ChromaScaler;
use super::store;
use super::unpack::{convert, weigh};

/// Rows that [`Scratch::ring`] holds: more than the longest filter needs at once.
const RING: usize = 8;

/// Rows of one part.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    /// The tensor's rows, where they have to be converted from fp16.
    values: [Vec<f32>; 3],
    luma: Vec<f32>,
    /// B - Y and R - Y with room for [`Down::extend`].
    differences: [Vec<f32>; 2],
    /// The differences at the chroma columns, luma row `y` in place `y % RING`.
    ring: [[Vec<f32>; 2]; RING],
    /// The differences at the chroma samples.
    chroma: [Vec<f32>; 2],
    codes: [Vec<u16>; 3],
}

impl Scratch {
    pub(super) fn new(width: usize) -> Result<Self> {
        let mut scratch = Scratch::default();
        grow_rows(&mut scratch.values, width)?;
        grow_rows(std::slice::from_mut(&mut scratch.luma), width)?;
        grow_rows(&mut scratch.differences, width + 2 * Down::MARGIN)?;
        grow_rows(scratch.ring.as_flattened_mut(), width)?;
        grow_rows(&mut scratch.chroma, width)?;
        grow_rows(&mut scratch.codes, width)?;
        Ok(scratch)
    }
}

/// What one call computes with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) layout: Layout,
    pub(super) weights: Weights,
    /// Y' or R', G' and B' to codes.
    pub(super) luma: ToCode,
    /// Filtered B - Y and R - Y to codes of Cb and Cr.
    pub(super) chroma: [ToCode; 2],
    pub(super) horizontal: Option<Down>,
    pub(super) vertical: Option<Down>,
}

impl Numbers {
    pub(super) fn new(layout: Layout, size: Size, color: Colorimetry, white: f64) -> Self {
        let (luma, chroma) = levels(&layout, color);
        let down = |subsampled: u32, half_steps, extent: u32| {
            (subsampled > 0).then(|| Down::new(half_steps, extent as usize))
        };
        let siting = color.siting;
        let horizontal = down(layout.log2_chroma_width, siting.horizontal_half_steps(), size.width);
        let vertical = down(layout.log2_chroma_height, siting.vertical_half_steps(), size.height);
        let gain = horizontal.map_or(1.0, Down::gain) * vertical.map_or(1.0, Down::gain) * white;
        Numbers {
            layout,
            weights: Weights::new(color.matrix),
            luma: ToCode::new(&layout, luma, 1.0 / white),
            chroma: chroma_gains(color.matrix).map(|c| ToCode::new(&layout, chroma, c / gain)),
            horizontal,
            vertical,
        }
    }

    /// For a luma model: chroma comes as levels at its own samples, and so do R', G' and B'.
    pub(super) fn beside_chroma(layout: Layout, color: Colorimetry, white: f64) -> Self {
        let (luma, chroma) = levels(&layout, color);
        let gain = if layout.family == PixelFamily::Rgb { 1.0 } else { 1.0 / white };
        Numbers {
            layout,
            weights: Weights::new(color.matrix),
            luma: ToCode::new(&layout, luma, gain),
            chroma: [ToCode::new(&layout, chroma, 1.0); 2],
            horizontal: None,
            vertical: None,
        }
    }
}

/// The part of a tensor that becomes the frame.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) elements: Elements<'a>,
    pub(super) tensor: TensorShape,
    pub(super) columns: usize,
}

impl<'a> Source<'a> {
    fn row<'s>(&self, channel: usize, y: usize, converted: &'s mut [f32]) -> &'s [f32]
    where
        'a: 's,
    {
        let Size { width, height } = self.tensor.size;
        let start = (channel * height as usize + y) * width as usize;
        match self.elements {
            Elements::F32(elements) => &elements[start..][..self.columns],
            Elements::F16(elements) => {
                let converted = &mut converted[..self.columns];
                elements[start..][..self.columns].convert_to_f32_slice(converted);
                converted
            }
        }
    }

    fn rgb<'s>(&self, y: usize, converted: &'s mut [Vec<f32>; 3]) -> [&'s [f32]; 3]
    where
        'a: 's,
    {
        let [r, g, b] = converted;
        [self.row(0, y, r), self.row(1, y, g), self.row(2, y, b)]
    }
}

/// One part's rows to fill.
pub(super) struct Job<'a> {
    pub(super) arch: Arch,
    pub(super) bias: &'a Bias,
    pub(super) source: Source<'a>,
    pub(super) target: FrameRows<'a>,
    pub(super) first_row: usize,
}

impl Job<'_> {
    /// Row `y` of plane `plane`; both count from the frame's top.
    fn plane_row(&mut self, plane: usize, y: usize, first_row: usize) -> &mut [u8] {
        self.target.planes[plane].as_mut().expect("the format has this plane").row_mut(y - first_row)
    }

    pub(super) fn luma(mut self, rows: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
        let mut non_finite = 0;
        for y in rows {
            let values = self.source.row(0, y, &mut scratch.values[0]);
            non_finite += self.arch.dispatch(|| count_non_finite(values));
            self.write_luma(y, values, numbers, &mut scratch.codes[0]);
        }
        non_finite
    }

    fn write_luma(&mut self, y: usize, values: &[f32], numbers: &Numbers, codes: &mut [u16]) {
        let (arch, bias) = (self.arch, self.bias.row(y));
        let row = self.plane_row(0, y, self.first_row);
        arch.dispatch(|| {
            store::quantise(values, bias, numbers.luma, codes);
            store::planar(codes, &numbers.layout, row);
        });
    }

    pub(super) fn gray_of_rgb(
        mut self,
        rows: Range<usize>,
        numbers: &Numbers,
        scratch: &mut Scratch,
    ) -> usize {
        let mut non_finite = 0;
        for y in rows {
            let [r, g, b] = self.source.rgb(y, &mut scratch.values);
            non_finite += self.count_non_finite([r, g, b]);
            let luma = &mut scratch.luma[..];
            self.arch.dispatch(|| weigh(r, g, b, numbers.weights, luma));
            self.write_luma(y, &scratch.luma, numbers, &mut scratch.codes[0]);
        }
        non_finite
    }

    fn count_non_finite(&self, rgb: [&[f32]; 3]) -> usize {
        rgb.into_iter().map(|values| self.arch.dispatch(|| count_non_finite(values))).sum()
    }

    pub(super) fn rgb(mut self, rows: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
        let mut non_finite = 0;
        for y in rows {
            let rgb = self.source.rgb(y, &mut scratch.values);
            non_finite += self.count_non_finite(rgb);
            self.write_rgb(y, rgb, numbers, &mut scratch.codes);
        }
        non_finite
    }

    fn write_rgb(&mut self, y: usize, rgb: [&[f32]; 3], numbers: &Numbers, codes: &mut [Vec<u16>; 3]) {
        let (arch, bias) = (self.arch, self.bias.row(y));
        for (values, codes) in rgb.into_iter().zip(codes.iter_mut()) {
            let codes = &mut codes[..];
            arch.dispatch(|| store::quantise(values, bias, numbers.luma, codes));
        }
        let codes = codes.each_ref().map(Vec::as_slice);
        if numbers.layout.planes == 1 {
            let row = self.plane_row(0, y, self.first_row);
            arch.dispatch(|| store::packed(codes, &numbers.layout, row));
        } else {
            for (codes, component) in codes.into_iter().zip(numbers.layout.components) {
                let row = self.plane_row(component.plane, y, self.first_row);
                arch.dispatch(|| store::planar(codes, &numbers.layout, row));
            }
        }
    }

    /// Writes row `y` of Cb and Cr.
    fn write_chroma(&mut self, y: usize, values: [&[f32]; 2], numbers: &Numbers, codes: &mut [Vec<u16>; 3]) {
        let (arch, bias, layout) = (self.arch, self.bias.row(y), &numbers.layout);
        let first_row = self.first_row >> layout.log2_chroma_height;
        let columns = values[0].len();
        let [cb, cr, _] = codes.each_mut().map(|codes| &mut codes[..columns]);
        let [to_cb, to_cr] = numbers.chroma;
        arch.dispatch(|| store::quantise(values[0], bias, to_cb, cb));
        arch.dispatch(|| store::quantise(values[1], bias, to_cr, cr));
        if layout.planes == 2 {
            let row = self.plane_row(1, y, first_row);
            arch.dispatch(|| store::pairs([cb, cr], layout, row));
        } else {
            for (plane, codes) in [(1, &*cb), (2, &*cr)] {
                let row = self.plane_row(plane, y, first_row);
                arch.dispatch(|| store::planar(codes, layout, row));
            }
        }
    }

    pub(super) fn scaled_chroma(
        &mut self,
        rows: Range<usize>,
        numbers: &Numbers,
        chroma: &ChromaScaler,
        scratch: &mut Scratch,
    ) {
        let shift = numbers.layout.log2_chroma_height;
        for y in rows.start >> shift..rows.end.div_ceil(1 << shift) {
            self.write_chroma(y, chroma.row(y), numbers, &mut scratch.codes);
        }
    }

    pub(super) fn rgb_of_luma(
        mut self,
        rows: Range<usize>,
        numbers: &Numbers,
        (to_level, to_rgb): (f32, ToRgb),
        chroma: &ChromaScaler,
        scratch: &mut Scratch,
    ) -> usize {
        let mut non_finite = 0;
        let mut rgb = std::mem::take(&mut scratch.values);
        for y in rows {
            let values = self.source.row(0, y, &mut scratch.luma);
            non_finite += self.arch.dispatch(|| count_non_finite(values));
            let [r, g, b] = rgb.each_mut().map(Vec::as_mut_slice);
            self.arch.dispatch(|| scaled(values, to_level, g));
            self.arch.dispatch(|| convert(chroma.row(y), r, g, b, to_rgb));
            let rgb = rgb.each_ref().map(Vec::as_slice);
            self.write_rgb(y, rgb, numbers, &mut scratch.codes);
        }
        scratch.values = rgb;
        non_finite
    }

    pub(super) fn yuv(mut self, rows: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
        let mut non_finite = 0;
        let Some(vertical) = numbers.vertical else {
            for y in rows.clone() {
                non_finite += self.yuv_row(y, rows.clone(), numbers, scratch);
                let columns = numbers.layout.chroma_columns(self.source.columns);
                let ring = scratch.ring[y % RING].each_ref().map(|row| &row[..columns]);
                self.write_chroma(y, ring, numbers, &mut scratch.codes);
            }
            return non_finite;
        };
        let columns = numbers.layout.chroma_columns(self.source.columns);
        let chroma_rows = rows.start / 2..rows.end.div_ceil(2);
        let clamp = |y: isize| y.clamp(0, vertical.extended() as isize - 1) as usize;
        let mut next = clamp(vertical.support(chroma_rows.start).0);
        for k in chroma_rows {
            let (first, count) = vertical.support(k);
            let needed: [usize; 5] = std::array::from_fn(|tap| clamp(first + tap.min(count - 1) as isize));
            while next <= needed[4] {
                if next < vertical.extent() {
                    non_finite += self.yuv_row(next, rows.clone(), numbers, scratch);
                } else {
                    self.extrapolate(next, vertical, columns, scratch);
                }
                next += 1;
            }
            for component in 0..2 {
                let taps = needed.map(|y| &scratch.ring[y % RING][component][..columns]);
                let out = &mut scratch.chroma[component][..columns];
                self.arch.dispatch(|| vertical.combine(taps, out));
            }
            let chroma = scratch.chroma.each_ref().map(|row| &row[..columns]);
            self.write_chroma(k, chroma, numbers, &mut scratch.codes);
        }
        non_finite
    }

    /// Makes row `y` of the ring, the one after the last of an odd number, from the two before it.
    fn extrapolate(&self, y: usize, vertical: Down, columns: usize, scratch: &mut Scratch) {
        let (near, far) = vertical.extrapolation().expect("the row after the last is needed");
        let mut out = std::mem::take(&mut scratch.ring[y % RING]);
        for (component, out) in out.iter_mut().enumerate() {
            let last = &scratch.ring[(y - 1) % RING][component][..columns];
            let before = &scratch.ring[(y - 2) % RING][component][..columns];
            self.arch.dispatch(|| blend(last, near, before, far, out));
        }
        scratch.ring[y % RING] = out;
    }

    /// Puts the differences of luma row `y` into the ring, at the chroma columns; if the row is one of `own` (and not
    /// only needed by the filter), also writes its luma and returns how many of its elements are not finite.
    fn yuv_row(&mut self, y: usize, own: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
        let arch = self.arch;
        let columns = self.source.columns;
        let [r, g, b] = self.source.rgb(y, &mut scratch.values);
        let luma = &mut scratch.luma[..];
        let [cb, cr] = &mut scratch.differences;
        let ring = &mut scratch.ring[y % RING];
        if let Some(horizontal) = numbers.horizontal {
            let inner = Down::MARGIN..Down::MARGIN + columns;
            let differences = [&mut cb[inner.clone()], &mut cr[inner]];
            arch.dispatch(|| luma_and_differences([r, g, b], numbers.weights, luma, differences));
            for (row, out) in [cb, cr].into_iter().zip(ring) {
                let out = &mut out[..numbers.layout.chroma_columns(columns)];
                horizontal.extend(row);
                arch.dispatch(|| horizontal.halve(row, out));
            }
        } else {
            let differences = ring.each_mut().map(Vec::as_mut_slice);
            arch.dispatch(|| luma_and_differences([r, g, b], numbers.weights, luma, differences));
        }
        if !own.contains(&y) {
            return 0;
        }
        let non_finite = self.count_non_finite([r, g, b]);
        self.write_luma(y, &scratch.luma, numbers, &mut scratch.codes[0]);
        non_finite
    }
}

/// Y, B - Y and R - Y.
#[inline(always)]
fn luma_and_differences(rgb: [&[f32]; 3], weights: Weights, luma: &mut [f32], differences: [&mut [f32]; 2]) {
    #[inline(always)]
    fn kernel(
        r: &[f32],
        g: &[f32],
        b: &[f32],
        weights: Weights,
        luma: &mut [f32],
        cb: &mut [f32],
        cr: &mut [f32],
    ) {
        let out = luma.iter_mut().zip(cb).zip(cr);
        for (((&r, &g), &b), ((y, cb), cr)) in r.iter().zip(g).zip(b).zip(out) {
            let luma = weights.r * r + weights.g * g + weights.b * b;
            *y = luma;
            *cb = b - luma;
            *cr = r - luma;
        }
    }
    let [r, g, b] = rgb;
    let [cb, cr] = differences;
    kernel(r, g, b, weights, luma, cb, cr);
}

#[inline(always)]
fn scaled(values: &[f32], scale: f32, out: &mut [f32]) {
    for (out, &value) in out.iter_mut().zip(values) {
        *out = value * scale;
    }
}
