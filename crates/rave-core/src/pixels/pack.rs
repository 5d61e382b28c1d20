//! A tensor to a frame.

use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use pulp::Arch;

use crate::{
    Colorimetry, ElementType, Elements, Error, FrameMut, Layout, PixelFamily, PixelFormat, Result, Size,
    Status, TensorShape, ValueRange,
};

use super::chroma_filter::Down;
use super::dither::Bias;
use super::finite::count_non_finite;
use super::matrix::{ToCode, ToRgb, Weights, chroma_gains, levels};
use super::parts::{FrameRows, for_each_part, part_count};
use super::resample::ChromaScaler;
use super::store;

/// Turns NCHW tensors into frames; see the [module](super) for the equations.
///
/// Of a tensor larger than the frame, what is on the right and at the bottom is not looked at. Rows are spread over
/// the current rayon pool; the result does not depend on the number of threads. Once run, it allocates nothing as
/// long as the pool's size stays.
#[derive(Clone, Debug)]
pub struct Pack {
    format: PixelFormat,
    size: Size,
    tensor: TensorShape,
    bias: Bias,
    arch: Arch,
    scratch: Vec<Scratch>,
}

/// Rows that [`Scratch::ring`] holds: more than the longest filter needs at once.
const RING: usize = 8;

/// Rows of one part.
#[derive(Clone, Debug)]
struct Scratch {
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
    fn new(width: usize) -> Self {
        let row = |length: usize| vec![0.0; length];
        let margined = || row(width + 2 * Down::MARGIN);
        Scratch {
            values: [row(width), row(width), row(width)],
            luma: row(width),
            differences: [margined(), margined()],
            ring: [(); RING].map(|()| [row(width), row(width)]),
            chroma: [row(width), row(width)],
            codes: [(); 3].map(|()| vec![0; width]),
        }
    }
}

/// What one call computes with.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    layout: Layout,
    weights: Weights,
    /// Y' or R', G' and B' to codes.
    luma: ToCode,
    /// Filtered B - Y and R - Y to codes of Cb and Cr.
    chroma: [ToCode; 2],
    horizontal: Option<Down>,
    vertical: Option<Down>,
}

impl Numbers {
    fn new(layout: Layout, size: Size, color: Colorimetry, white: f64) -> Self {
        let (luma, chroma) = levels(&layout, color);
        let down = |subsampled: u32, half_steps, extent: u32| {
            (subsampled > 0).then(|| Down::new(half_steps, extent as usize))
        };
        let siting = color.siting;
        let horizontal = down(
            layout.log2_chroma_width,
            siting.horizontal_half_steps(),
            size.width,
        );
        let vertical = down(
            layout.log2_chroma_height,
            siting.vertical_half_steps(),
            size.height,
        );
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
}

/// The part of a tensor that becomes the frame.
#[derive(Clone, Copy)]
struct Source<'a> {
    elements: Elements<'a>,
    tensor: TensorShape,
    columns: usize,
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

impl Pack {
    /// Prepares for frames of `format` and `size`, and tensors of `channels` (3: R, G, B; 1: luma) planes of size
    /// `tensor`. `dither` has an effect on formats of 8 bits only.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when a size is impossible, the tensor is smaller than the frame, or `channels` is
    /// neither 1 nor 3.
    pub fn new(format: PixelFormat, size: Size, channels: u32, tensor: Size, dither: bool) -> Result<Self> {
        let tensor = super::checked_shape("frame", size, channels, tensor)?;
        Ok(Pack {
            format,
            size,
            tensor,
            bias: Bias::new(dither && format.layout().depth == 8),
            arch: Arch::new(),
            scratch: Vec::new(),
        })
    }

    /// The shape of the tensor that is read.
    #[must_use]
    pub fn tensor(&self) -> TensorShape {
        self.tensor
    }

    /// Writes `frame` from `tensor`, in which `white` is 1.0 of signal; `color` says how the frame is to be read.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the frame's format or size, or the number of elements, is not what
    /// [`Pack::new`] was told, or a luma tensor is to fill a format with colour ([`Pack::run_luma`] does that).
    /// [`Status::InferenceFailed`] when elements are NaN or infinite; the frame's content is then undefined.
    pub fn run(
        &mut self,
        tensor: Elements<'_>,
        white: ValueRange,
        color: Colorimetry,
        frame: &mut FrameMut<'_>,
    ) -> Result<()> {
        if self.tensor.channels == 1 && self.format.family() != PixelFamily::Gray {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("a luma tensor for a {} frame without chroma", self.format),
            )
            .expected("the scaled chroma of the source frame")
            .help("use Pack::run_luma"));
        }
        let numbers = Numbers::new(self.format.layout(), self.size, color, f64::from(white.white()));
        let channels = self.tensor.channels;
        self.in_parts(tensor, frame, &|job, rows, scratch| match numbers.layout.family {
            PixelFamily::Rgb => job.rgb(rows, &numbers, scratch),
            PixelFamily::Gray if channels == 1 => job.luma(rows, &numbers, scratch),
            PixelFamily::Gray => job.gray_of_rgb(rows, &numbers, scratch),
            PixelFamily::Yuv => job.yuv(rows, &numbers, scratch),
        })
    }

    /// Writes `frame` from the luma `tensor` and `chroma`, which has run on the source frame. For RGB formats the two
    /// are put together by `color`'s matrix; for gray formats `chroma` is not used.
    ///
    /// # Errors
    /// As [`Pack::run`], and [`Status::InvalidParameter`] when this was made for three channels or `chroma` for
    /// another format or size.
    pub fn run_luma(
        &mut self,
        tensor: Elements<'_>,
        white: ValueRange,
        color: Colorimetry,
        chroma: &ChromaScaler,
        frame: &mut FrameMut<'_>,
    ) -> Result<()> {
        if self.tensor.channels != 1 {
            return Err(Error::new(
                Status::InvalidParameter,
                format!(
                    "a tensor of {} channels beside scaled chroma",
                    self.tensor.channels
                ),
            )
            .expected("1 (luma)"));
        }
        if (chroma.format(), chroma.size()) != (self.format, self.size) {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("chroma scaled for a {} {} frame", chroma.size(), chroma.format()),
            )
            .expected(format!("{} {}", self.size, self.format)));
        }
        let white = f64::from(white.white());
        let mut numbers = Numbers::new(self.format.layout(), self.size, color, white);
        let (luma_levels, chroma_levels) = levels(&numbers.layout, color);
        numbers.chroma = [ToCode::new(&numbers.layout, chroma_levels, 1.0); 2];
        if numbers.layout.family == PixelFamily::Rgb {
            numbers.luma = ToCode::new(&numbers.layout, luma_levels, 1.0);
        }
        let to_rgb = ToRgb::new(color.matrix, 1.0);
        self.in_parts(
            tensor,
            frame,
            &|mut job, rows, scratch| match numbers.layout.family {
                PixelFamily::Gray => job.luma(rows, &numbers, scratch),
                PixelFamily::Yuv => {
                    job.scaled_chroma(rows.clone(), &numbers, chroma, scratch);
                    job.luma(rows, &numbers, scratch)
                }
                PixelFamily::Rgb => {
                    let scale = (1.0 / white) as f32;
                    job.rgb_of_luma(rows, &numbers, (scale, to_rgb), chroma, scratch)
                }
            },
        )
    }

    fn in_parts(
        &mut self,
        elements: Elements<'_>,
        frame: &mut FrameMut<'_>,
        work: &(impl Fn(Job<'_>, Range<usize>, &mut Scratch) -> usize + Sync),
    ) -> Result<()> {
        super::check_target(frame, self.format, self.size)?;
        let (count, kind) = match elements {
            Elements::F32(elements) => (elements.len(), ElementType::F32),
            Elements::F16(elements) => (elements.len(), ElementType::F16),
        };
        super::check_elements(count, kind, self.tensor)?;

        let (width, height) = (self.size.width as usize, self.size.height as usize);
        self.scratch
            .resize_with(part_count(height), || Scratch::new(width));
        let source = Source {
            elements,
            tensor: self.tensor,
            columns: width,
        };
        let target = FrameRows {
            planes: frame.planes_mut(),
            format: self.format,
        };
        let (arch, bias) = (self.arch, &self.bias);
        let non_finite = for_each_part(target, 0..height, &mut self.scratch, &|target, rows, scratch| {
            let job = Job {
                arch,
                bias,
                source,
                target,
                first_row: rows.start,
            };
            work(job, rows, scratch)
        });
        if non_finite == 0 {
            return Ok(());
        }
        let all = self.size.pixels() * u64::from(self.tensor.channels);
        Err(Error::new(
            Status::InferenceFailed,
            format!("{non_finite} of the {all} elements of the model's output are NaN or infinite"),
        )
        .expected("finite numbers")
        .help("run the model in fp32 if it overflows fp16"))
    }

    /// The same, with no instructions beyond the compilation target's.
    #[cfg(test)]
    pub(super) fn portable(mut self) -> Self {
        self.arch = Arch::Scalar;
        self
    }
}

/// One part's rows to fill.
struct Job<'a> {
    arch: Arch,
    bias: &'a Bias,
    source: Source<'a>,
    target: FrameRows<'a>,
    first_row: usize,
}

impl Job<'_> {
    /// Row `y` of plane `plane`; both count from the frame's top.
    fn plane_row(&mut self, plane: usize, y: usize, first_row: usize) -> &mut [u8] {
        self.target.planes[plane]
            .as_mut()
            .expect("the format has this plane")
            .row_mut(y - first_row)
    }

    fn luma(mut self, rows: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
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

    fn gray_of_rgb(mut self, rows: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
        let mut non_finite = 0;
        for y in rows {
            let [r, g, b] = self.source.rgb(y, &mut scratch.values);
            non_finite += self.count_non_finite([r, g, b]);
            let luma = &mut scratch.luma[..];
            self.arch
                .dispatch(|| super::unpack::weigh(r, g, b, numbers.weights, luma));
            self.write_luma(y, &scratch.luma, numbers, &mut scratch.codes[0]);
        }
        non_finite
    }

    fn count_non_finite(&self, rgb: [&[f32]; 3]) -> usize {
        rgb.into_iter()
            .map(|values| self.arch.dispatch(|| count_non_finite(values)))
            .sum()
    }

    fn rgb(mut self, rows: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
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

    fn scaled_chroma(
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

    fn rgb_of_luma(
        mut self,
        rows: Range<usize>,
        numbers: &Numbers,
        (scale, to_rgb): (f32, ToRgb),
        chroma: &ChromaScaler,
        scratch: &mut Scratch,
    ) -> usize {
        let mut non_finite = 0;
        let mut rgb = std::mem::take(&mut scratch.values);
        for y in rows {
            let values = self.source.row(0, y, &mut scratch.luma);
            non_finite += self.arch.dispatch(|| count_non_finite(values));
            let [r, g, b] = rgb.each_mut().map(Vec::as_mut_slice);
            self.arch.dispatch(|| scaled(values, scale, g));
            self.arch
                .dispatch(|| super::unpack::convert(chroma.row(y), r, g, b, to_rgb));
            let rgb = rgb.each_ref().map(Vec::as_slice);
            self.write_rgb(y, rgb, numbers, &mut scratch.codes);
        }
        scratch.values = rgb;
        non_finite
    }

    fn yuv(mut self, rows: Range<usize>, numbers: &Numbers, scratch: &mut Scratch) -> usize {
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
        let (near, far) = vertical
            .extrapolation()
            .expect("the row after the last is needed");
        let mut out = std::mem::take(&mut scratch.ring[y % RING]);
        for (component, out) in out.iter_mut().enumerate() {
            let last = &scratch.ring[(y - 1) % RING][component][..columns];
            let before = &scratch.ring[(y - 2) % RING][component][..columns];
            self.arch
                .dispatch(|| super::chroma_filter::blend(last, near, before, far, out));
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
