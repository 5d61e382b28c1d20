//! A frame to a tensor.

use half::f16;
use half::slice::HalfFloatSliceExt;
use pulp::Arch;

use crate::{
    Colorimetry, ElementType, ElementsMut, Frame, Layout, PixelFamily, PixelFormat, Rect, Result, Size,
    TensorShape, ValueRange,
};

use super::chroma_filter::{UpTaps, blend, double};
use super::load::{self, Span};
use super::matrix::{ToLevel, ToRgb, Weights, levels};
use super::parts::{TensorRows, for_each_part, grow_rows, scratch_for};

/// Turns the visible part of frames into an NCHW tensor; see the [module](super) for the equations.
///
/// A tensor larger than the visible part is filled on the right and at the bottom with copies of the last column and
/// row. Rows are spread over the current rayon pool; the result does not depend on the number of threads. Once run,
/// it allocates nothing as long as the pool's size stays.
#[derive(Clone, Debug)]
pub struct Unpack {
    format: PixelFormat,
    visible: Size,
    tensor: TensorShape,
    arch: Arch,
    scratch: Vec<Scratch>,
}

/// Rows of one part.
#[derive(Clone, Debug, Default)]
struct Scratch {
    /// Cb and Cr of up to two chroma rows, one sample of margin on either side.
    chroma: [[Vec<f32>; 2]; 2],
    /// Cb and Cr of the luma row, still subsampled horizontally.
    blended: [Vec<f32>; 2],
    /// Cb and Cr of every pixel.
    full: [Vec<f32>; 2],
    /// Red, green and blue where they are not yet the tensor's: for fp16, or to be weighed to luma.
    rgb: [Vec<f32>; 3],
}

impl Scratch {
    fn new(width: usize) -> Result<Self> {
        // A crop may begin and end inside a chroma pair.
        let pairs = width / 2 + 1;
        let margined = width.max(pairs) + 2;
        let mut scratch = Scratch::default();
        grow_rows(scratch.chroma.as_flattened_mut(), margined)?;
        grow_rows(&mut scratch.blended, margined)?;
        grow_rows(&mut scratch.full, 2 * pairs)?;
        grow_rows(&mut scratch.rgb, width)?;
        Ok(scratch)
    }
}

/// What one call of [`Unpack::run`] computes with.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    layout: Layout,
    luma: ToLevel,
    chroma: ToLevel,
    to_rgb: ToRgb,
    weights: Weights,
    horizontal: UpTaps,
    vertical: UpTaps,
}

impl Unpack {
    /// Prepares for frames of `format` whose visible part is `visible`, and tensors of `channels` (3: R, G, B; 1:
    /// luma) planes of size `tensor`.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](crate::Status::InvalidParameter) when a size is impossible, the tensor is smaller than the visible part, or
    /// `channels` is neither 1 nor 3.
    pub fn new(format: PixelFormat, visible: Size, channels: u32, tensor: Size) -> Result<Self> {
        let tensor = super::checked_shape("visible part", visible, channels, tensor)?;
        Ok(Unpack { format, visible, tensor, arch: Arch::new(), scratch: Vec::new() })
    }

    /// The shape of the tensor that [`Unpack::run`] fills.
    #[must_use]
    pub fn tensor(&self) -> TensorShape {
        self.tensor
    }

    /// Fills `tensor` from `frame`. `color` says how to read the frame, `white` what 1.0 of signal is in the tensor.
    ///
    /// Values are not clamped: codes outside the nominal range give values below black and above white.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](crate::Status::InvalidParameter) when the frame's format or visible size, or the number of elements, is not what
    /// [`Unpack::new`] was told; [`Status::OutOfMemory`](crate::Status::OutOfMemory), of which only the first call needs
    /// any.
    // RV-CORE-1001
    pub fn run(
        &mut self,
        frame: &Frame<'_>,
        color: Colorimetry,
        white: ValueRange,
        tensor: ElementsMut<'_>,
    ) -> Result<()> {
        super::check_frame(frame, self.format, self.visible)?;
        let (elements, kind) = match &tensor {
            ElementsMut::F32(elements) => (elements.len(), ElementType::F32),
            ElementsMut::F16(elements) => (elements.len(), ElementType::F16),
        };
        super::check_elements(elements, kind, self.tensor)?;

        let numbers = Numbers::new(self.format.layout(), color, f64::from(white.white()));
        let (width, height) = (self.tensor.size.width as usize, self.tensor.size.height as usize);
        let visible_width = self.visible.width as usize;
        scratch_for(&mut self.scratch, height, || Scratch::new(visible_width))?;
        let (arch, channels) = (self.arch, self.tensor.channels);
        let rows = TensorRows::new(tensor, channels, width);
        for_each_part(rows, 0..height, &mut self.scratch, &|mut part, rows, scratch| {
            for (index, y) in rows.enumerate() {
                let row = Row::new(frame.visible(), y);
                match &mut part {
                    TensorRows::F32(part) => row.to_f32(arch, frame, &numbers, scratch, part.row(index)),
                    TensorRows::F16(part) => row.to_f16(arch, frame, &numbers, scratch, part.row(index)),
                }
            }
            0
        });
        Ok(())
    }

    /// The same, with no instructions beyond the compilation target's.
    #[cfg(test)]
    pub(super) fn portable(mut self) -> Self {
        self.arch = Arch::Scalar;
        self
    }
}

impl Numbers {
    fn new(layout: Layout, color: Colorimetry, white: f64) -> Self {
        let (luma, chroma) = levels(&layout, color);
        Numbers {
            layout,
            luma: ToLevel::new(luma, white),
            chroma: ToLevel::centred(chroma),
            to_rgb: ToRgb::new(color.matrix, white / chroma.span),
            weights: Weights::new(color.matrix),
            horizontal: UpTaps::new(color.siting.horizontal_half_steps()),
            vertical: UpTaps::new(color.siting.vertical_half_steps()),
        }
    }
}

/// One row of the tensor and the frame's row that it is made of.
#[derive(Clone, Copy, Debug)]
struct Row {
    visible: Rect,
    y: usize,
}

impl Row {
    fn new(visible: Rect, tensor_row: usize) -> Self {
        let y = visible.y as usize + tensor_row.min(visible.size.height as usize - 1);
        Row { visible, y }
    }

    fn span(self) -> Span {
        Span { x: self.visible.x as usize, columns: self.visible.size.width as usize }
    }

    fn to_f32(
        self,
        arch: Arch,
        frame: &Frame<'_>,
        numbers: &Numbers,
        scratch: &mut Scratch,
        out: [&mut [f32]; 3],
    ) {
        let width = self.span().columns;
        let [first, second, third] = out;
        if second.is_empty() {
            self.luma(arch, frame, numbers, &mut scratch.rgb, &mut first[..width]);
        } else {
            let visible = [&mut first[..width], &mut second[..width], &mut third[..width]];
            self.rgb(arch, frame, numbers, scratch, visible);
        }
        for channel in [first, second, third] {
            replicate_last(channel, width);
        }
    }

    // RV-CORE-1005, RV-FILT-1001
    fn to_f16(
        self,
        arch: Arch,
        frame: &Frame<'_>,
        numbers: &Numbers,
        scratch: &mut Scratch,
        out: [&mut [f16]; 3],
    ) {
        let width = self.span().columns;
        let mut rgb = std::mem::take(&mut scratch.rgb);
        let [r, g, b] = rgb.each_mut().map(Vec::as_mut_slice);
        if out[1].is_empty() {
            if numbers.layout.family == PixelFamily::Rgb {
                arch.dispatch(|| load_rgb(frame, self, numbers, [&mut *r, g, b]));
                arch.dispatch(|| weigh_in_place(r, g, b, numbers.weights));
            } else {
                arch.dispatch(|| load_luma(frame, self, numbers, r));
            }
        } else {
            self.rgb(arch, frame, numbers, scratch, [r, g, b]);
        }
        for (channel, values) in out.into_iter().zip(&rgb) {
            if !channel.is_empty() {
                channel[..width].convert_from_f32_slice(values);
                replicate_last(channel, width);
            }
        }
        scratch.rgb = rgb;
    }

    fn luma(
        self,
        arch: Arch,
        frame: &Frame<'_>,
        numbers: &Numbers,
        rgb: &mut [Vec<f32>; 3],
        out: &mut [f32],
    ) {
        if numbers.layout.family == PixelFamily::Rgb {
            let [r, g, b] = rgb.each_mut().map(Vec::as_mut_slice);
            arch.dispatch(|| load_rgb(frame, self, numbers, [&mut *r, &mut *g, &mut *b]));
            arch.dispatch(|| weigh(r, g, b, numbers.weights, out));
        } else {
            arch.dispatch(|| load_luma(frame, self, numbers, out));
        }
    }

    fn rgb(
        self,
        arch: Arch,
        frame: &Frame<'_>,
        numbers: &Numbers,
        scratch: &mut Scratch,
        out: [&mut [f32]; 3],
    ) {
        match numbers.layout.family {
            PixelFamily::Rgb => arch.dispatch(|| load_rgb(frame, self, numbers, out)),
            PixelFamily::Gray => {
                let [r, g, b] = out;
                arch.dispatch(|| load_luma(frame, self, numbers, r));
                g.copy_from_slice(r);
                b.copy_from_slice(r);
            }
            PixelFamily::Yuv => {
                let full = self.full_chroma(arch, frame, numbers, scratch);
                let [r, g, b] = out;
                // Luma waits in green's place.
                arch.dispatch(|| load_luma(frame, self, numbers, g));
                arch.dispatch(|| convert(full, r, g, b, numbers.to_rgb));
            }
        }
    }

    /// Cb and Cr, as codes less their offset, of every pixel of the row.
    fn full_chroma<'s>(
        self,
        arch: Arch,
        frame: &Frame<'_>,
        numbers: &Numbers,
        scratch: &'s mut Scratch,
    ) -> [&'s [f32]; 2] {
        let layout = &numbers.layout;
        let Span { x, columns } = self.span();
        let first = x >> layout.log2_chroma_width;
        let last = (x + columns - 1) >> layout.log2_chroma_width;
        let span = Span { x: first, columns: last - first + 1 };
        let used = 1..span.columns + 1;

        let (top, bottom) = {
            let Rect { y, size, .. } = self.visible;
            let shift = layout.log2_chroma_height;
            ((y >> shift) as usize, ((y + size.height - 1) >> shift) as usize)
        };
        let here = self.y >> layout.log2_chroma_height;
        let mut load = |slot: usize, y: usize| {
            let [cb, cr] = &mut scratch.chroma[slot];
            let rows = [&mut cb[used.clone()], &mut cr[used.clone()]];
            arch.dispatch(|| load::chroma(frame, y, span, numbers.chroma, rows));
        };
        load(0, here);
        let blended = if layout.log2_chroma_height == 0 {
            &mut scratch.chroma[0]
        } else {
            let (weight_here, step, weight_other) = numbers.vertical.at(self.y);
            if weight_other == 0.0 {
                &mut scratch.chroma[0]
            } else {
                load(1, here.saturating_add_signed(step).clamp(top, bottom));
                let [near, far] = &scratch.chroma;
                for (out, (near, far)) in scratch.blended.iter_mut().zip(near.iter().zip(far)) {
                    let (near, far) = (&near[used.clone()], &far[used.clone()]);
                    let out = &mut out[used.clone()];
                    arch.dispatch(|| blend(near, weight_here, far, weight_other, out));
                }
                &mut scratch.blended
            }
        };
        if layout.log2_chroma_width == 0 {
            return blended.each_ref().map(|row| &row[used.clone()]);
        }
        for (row, out) in blended.iter_mut().zip(&mut scratch.full) {
            row[0] = row[1];
            row[used.end] = row[used.end - 1];
            let out = &mut out[..2 * span.columns];
            arch.dispatch(|| double(row, numbers.horizontal, out));
        }
        scratch.full.each_ref().map(|row| &row[x % 2..][..columns])
    }
}

fn replicate_last<T: Copy>(row: &mut [T], width: usize) {
    if row.len() > width {
        let last = row[width - 1];
        row[width..].fill(last);
    }
}

#[inline(always)]
fn load_luma(frame: &Frame<'_>, row: Row, numbers: &Numbers, out: &mut [f32]) {
    load::planar(frame.plane(0).row(row.y), &numbers.layout, row.span(), numbers.luma, out);
}

#[inline(always)]
fn load_rgb(frame: &Frame<'_>, row: Row, numbers: &Numbers, out: [&mut [f32]; 3]) {
    load::rgb(frame, row.y, row.span(), numbers.luma, out);
}

/// `(Kr R + Kg G) + Kb B`.
#[inline(always)]
pub(super) fn weigh(r: &[f32], g: &[f32], b: &[f32], weights: Weights, out: &mut [f32]) {
    for (((out, &r), &g), &b) in out.iter_mut().zip(r).zip(g).zip(b) {
        *out = weights.r * r + weights.g * g + weights.b * b;
    }
}

/// [`weigh`], with luma in red's place.
#[inline(always)]
fn weigh_in_place(r: &mut [f32], g: &[f32], b: &[f32], weights: Weights) {
    for ((r, &g), &b) in r.iter_mut().zip(g).zip(b) {
        *r = weights.r * *r + weights.g * g + weights.b * b;
    }
}

/// Y'CbCr, luma in green's place, to R'G'B'.
#[inline(always)]
pub(super) fn convert(chroma: [&[f32]; 2], r: &mut [f32], g: &mut [f32], b: &mut [f32], m: ToRgb) {
    let [cb, cr] = chroma;
    for ((((r, g), b), &cb), &cr) in r.iter_mut().zip(g).zip(b).zip(cb).zip(cr) {
        let y = *g;
        *r = y + m.r_cr * cr;
        *g = y + m.g_cb * cb + m.g_cr * cr;
        *b = y + m.b_cb * cb;
    }
}
