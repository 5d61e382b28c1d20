//! What a stream or frame says of its colours.

use rave_core::{ChromaSiting, ColorTags, Colorimetry, Matrix, Range, Result};

use crate::sys;

/// Code points of ITU-T H.273, as FFmpeg numbers them (`AVColorSpace` and its kin); 2 is "unspecified" for the first
/// three, 0 for the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColorCodes {
    /// The colour primaries.
    pub primaries: i32,
    /// The transfer characteristics: 16 is PQ (HDR10), 18 is HLG.
    pub transfer: i32,
    /// The matrix coefficients.
    pub matrix: i32,
    /// The range.
    pub range: i32,
    /// Where chroma samples lie.
    pub siting: i32,
}

impl Default for ColorCodes {
    fn default() -> Self {
        ColorCodes { primaries: 2, transfer: 2, matrix: 2, range: 0, siting: 0 }
    }
}

impl ColorCodes {
    /// What the pixel kernels need of it.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`](rave_core::Status::UnsupportedFormat) for a matrix that they do not do
    /// ([`Matrix::from_code`]).
    pub fn tags(&self) -> Result<ColorTags> {
        Ok(ColorTags {
            matrix: Matrix::from_code(self.matrix)?,
            range: Range::from_code(self.range)?,
            siting: ChromaSiting::from_code(self.siting)?,
        })
    }

    /// The same, with what a conversion has made of matrix, range and siting. RGB has no matrix and no siting.
    #[must_use]
    pub fn converted(self, made: Colorimetry, rgb: bool) -> Self {
        let (matrix, siting) = if rgb { (0, 0) } else { (made.matrix.code(), made.siting.code()) };
        // BT.601 has two code points: what the stream said stays.
        let matrix = if (self.matrix, matrix) == (5, 6) { 5 } else { matrix };
        ColorCodes { matrix, range: made.range.code(), siting, ..self }
    }

    /// Whether the transfer characteristics are those of high dynamic range: PQ or HLG.
    #[must_use]
    pub fn is_hdr(&self) -> bool {
        matches!(self.transfer, 16 | 18)
    }

    /// # Safety
    /// `parameters` points to valid parameters of a stream.
    pub(crate) unsafe fn of_parameters(parameters: *const sys::AVCodecParameters) -> Self {
        // SAFETY: required of the caller; enumerations are read as numbers.
        unsafe {
            ColorCodes {
                primaries: sys::enum_code!((*parameters).color_primaries),
                transfer: sys::enum_code!((*parameters).color_trc),
                matrix: sys::enum_code!((*parameters).color_space),
                range: sys::enum_code!((*parameters).color_range),
                siting: sys::enum_code!((*parameters).chroma_location),
            }
        }
    }

    /// # Safety
    /// `frame` points to a valid frame.
    pub(crate) unsafe fn of_frame(frame: *const sys::AVFrame) -> Self {
        // SAFETY: required of the caller; enumerations are read as numbers.
        unsafe {
            ColorCodes {
                primaries: sys::enum_code!((*frame).color_primaries),
                transfer: sys::enum_code!((*frame).color_trc),
                matrix: sys::enum_code!((*frame).colorspace),
                range: sys::enum_code!((*frame).color_range),
                siting: sys::enum_code!((*frame).chroma_location),
            }
        }
    }

    /// # Safety
    /// `frame` points to a valid frame that nobody else uses.
    pub(crate) unsafe fn write_to_frame(self, frame: *mut sys::AVFrame) {
        // SAFETY: required of the caller; the numbers are code points that libav*'s headers declare, because they came
        // from it or from rave-core's enumerations.
        unsafe {
            sys::set_enum_code!((*frame).color_primaries, self.primaries);
            sys::set_enum_code!((*frame).color_trc, self.transfer);
            sys::set_enum_code!((*frame).colorspace, self.matrix);
            sys::set_enum_code!((*frame).color_range, self.range);
            sys::set_enum_code!((*frame).chroma_location, self.siting);
        }
    }

    /// # Safety
    /// `context` points to an encoder's context that is not open yet.
    pub(crate) unsafe fn write_to_encoder(self, context: *mut sys::AVCodecContext) {
        // SAFETY: as in `write_to_frame`.
        unsafe {
            sys::set_enum_code!((*context).color_primaries, self.primaries);
            sys::set_enum_code!((*context).color_trc, self.transfer);
            sys::set_enum_code!((*context).colorspace, self.matrix);
            sys::set_enum_code!((*context).color_range, self.range);
            sys::set_enum_code!((*context).chroma_sample_location, self.siting);
        }
    }
}
