//! A tensor to a frame.

use std::ops::Range;

use pulp::Arch;

use crate::{
    Colorimetry, ElementType, Elements, Error, FrameMut, PixelFamily, PixelFormat, Result, Size, Status,
    TensorShape, ValueRange,
};

use super::dither::Bias;
use super::matrix::ToRgb;
use super::pack_rows::{Job, Numbers, Scratch, Source};
use super::parts::{FrameRows, for_each_part, scratch_for};
use super::resample::ChromaScaler;

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
    /// [`Status::OutOfMemory`], of which only the first call needs any.
    // RV-CORE-1002
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
                format!("a tensor of {} channels beside scaled chroma", self.tensor.channels),
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
        let numbers = Numbers::beside_chroma(self.format.layout(), color, white);
        let to_rgb = ToRgb::new(color.matrix, 1.0);
        self.in_parts(tensor, frame, &|mut job, rows, scratch| match numbers.layout.family {
            PixelFamily::Gray => job.luma(rows, &numbers, scratch),
            PixelFamily::Yuv => {
                job.scaled_chroma(rows.clone(), &numbers, chroma, scratch);
                job.luma(rows, &numbers, scratch)
            }
            PixelFamily::Rgb => {
                let to_level = (1.0 / white) as f32;
                job.rgb_of_luma(rows, &numbers, (to_level, to_rgb), chroma, scratch)
            }
        })
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
        scratch_for(&mut self.scratch, height, || Scratch::new(width))?;
        let source = Source { elements, tensor: self.tensor, columns: width };
        let target = FrameRows { planes: frame.planes_mut(), format: self.format };
        let (arch, bias) = (self.arch, &self.bias);
        let non_finite = for_each_part(target, 0..height, &mut self.scratch, &|target, rows, scratch| {
            let job = Job { arch, bias, source, target, first_row: rows.start };
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
