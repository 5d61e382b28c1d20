//! Colour descriptions of frames, in the code points of ITU-T H.273, and how an unspecified one is resolved.

use std::fmt;

use crate::{Error, PixelFamily, PixelFormat, Result, Size, Status};

/// The luma weights that turn R'G'B' into Y'CbCr (ITU-T H.273, MatrixCoefficients).
///
/// Only matrices that are linear in R'G'B' are here. Constant-luminance and ICtCp need the transfer function too;
/// such frames are refused by [`Matrix::from_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// ITU-R BT.709-6. Code point 1.
    Bt709,
    /// US FCC 73.682. Code point 4.
    Fcc,
    /// ITU-R BT.601-7, 625 and 525 lines. Code points 5 and 6.
    Bt601,
    /// SMPTE ST 240. Code point 7.
    Smpte240,
    /// ITU-R BT.2020-2, non-constant luminance. Code point 9.
    Bt2020,
}

impl Matrix {
    /// The weights of red and blue, Kr and Kb; green's is `1 - Kr - Kb`.
    #[must_use]
    pub const fn weights(self) -> (f64, f64) {
        match self {
            Matrix::Bt709 => (0.2126, 0.0722),
            Matrix::Fcc => (0.30, 0.11),
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Smpte240 => (0.212, 0.087),
            Matrix::Bt2020 => (0.2627, 0.0593),
        }
    }

    /// The H.273 code point. BT.601 is 6 (its two code points have equal weights).
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Matrix::Bt709 => 1,
            Matrix::Fcc => 4,
            Matrix::Bt601 => 6,
            Matrix::Smpte240 => 7,
            Matrix::Bt2020 => 9,
        }
    }

    /// The matrix of an H.273 code point; `None` for 0 (identity, RGB), 2 (unspecified) and 3 (reserved).
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a matrix that is not linear in R'G'B', [`Status::InvalidParameter`] for a
    /// number that H.273 does not define.
    // RV-CORE-1103
    pub fn from_code(code: i32) -> Result<Option<Self>> {
        Ok(Some(match code {
            0 | 2 | 3 => return Ok(None),
            1 => Matrix::Bt709,
            4 => Matrix::Fcc,
            5 | 6 => Matrix::Bt601,
            7 => Matrix::Smpte240,
            9 => Matrix::Bt2020,
            8 | 10..=17 => {
                return Err(Error::new(
                    Status::UnsupportedFormat,
                    format!("the frame's matrix coefficients are H.273 code point {code}"),
                )
                .expected("BT.601, BT.709, BT.2020 non-constant luminance, FCC or SMPTE 240")
                .help("convert it first, for example with zscale=matrix=709"));
            }
            _ => {
                return Err(Error::new(
                    Status::InvalidParameter,
                    format!("matrix coefficients {code} are not an H.273 code point"),
                ));
            }
        }))
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Matrix::Bt709 => "BT.709",
            Matrix::Fcc => "FCC",
            Matrix::Bt601 => "BT.601",
            Matrix::Smpte240 => "SMPTE 240",
            Matrix::Bt2020 => "BT.2020",
        })
    }
}

/// Which codes carry the signal (H.273, VideoFullRangeFlag).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// Luma 16..235 and chroma 16..240 at 8 bit, scaled by 2^(depth-8). FFmpeg's `tv`.
    Limited,
    /// All codes. FFmpeg's `pc`.
    Full,
}

impl Range {
    /// FFmpeg's `AVColorRange` number: 1 limited, 2 full.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Range::Limited => 1,
            Range::Full => 2,
        }
    }

    /// The range of an `AVColorRange` number; `None` for 0 (unspecified).
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for any other number.
    pub fn from_code(code: i32) -> Result<Option<Self>> {
        match code {
            0 => Ok(None),
            1 => Ok(Some(Range::Limited)),
            2 => Ok(Some(Range::Full)),
            _ => Err(Error::new(Status::InvalidParameter, format!("colour range {code}"))
                .expected("0 (unspecified), 1 (limited) or 2 (full)")),
        }
    }
}

/// Where chroma samples lie between luma samples (H.273, ChromaLocType).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChromaSiting {
    /// On the left luma column, midway between two rows: MPEG-2, H.264, the default of 4:2:0.
    Left,
    /// Midway both ways: JPEG, MPEG-1.
    Center,
    /// On the top left luma sample: BT.2020, UHD.
    TopLeft,
    /// Midway between two columns, on the top row.
    Top,
    /// On the left column and the bottom row.
    BottomLeft,
    /// Midway between two columns, on the bottom row.
    Bottom,
}

impl ChromaSiting {
    /// FFmpeg's `AVChromaLocation` number.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            ChromaSiting::Left => 1,
            ChromaSiting::Center => 2,
            ChromaSiting::TopLeft => 3,
            ChromaSiting::Top => 4,
            ChromaSiting::BottomLeft => 5,
            ChromaSiting::Bottom => 6,
        }
    }

    /// The siting of an `AVChromaLocation` number; `None` for 0 (unspecified).
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for any other number.
    pub fn from_code(code: i32) -> Result<Option<Self>> {
        Ok(Some(match code {
            0 => return Ok(None),
            1 => ChromaSiting::Left,
            2 => ChromaSiting::Center,
            3 => ChromaSiting::TopLeft,
            4 => ChromaSiting::Top,
            5 => ChromaSiting::BottomLeft,
            6 => ChromaSiting::Bottom,
            _ => {
                return Err(Error::new(Status::InvalidParameter, format!("chroma location {code}"))
                    .expected("0 (unspecified) to 6 (bottom)"));
            }
        }))
    }

    /// How far right of the left luma column of its pair a chroma sample lies, in half luma pixels: 0 or 1.
    #[must_use]
    pub const fn horizontal_half_steps(self) -> u32 {
        match self {
            ChromaSiting::Left | ChromaSiting::TopLeft | ChromaSiting::BottomLeft => 0,
            ChromaSiting::Center | ChromaSiting::Top | ChromaSiting::Bottom => 1,
        }
    }

    /// How far below the top luma row of its pair a chroma sample lies, in half luma pixels: 0, 1 or 2.
    #[must_use]
    pub const fn vertical_half_steps(self) -> u32 {
        match self {
            ChromaSiting::TopLeft | ChromaSiting::Top => 0,
            ChromaSiting::Left | ChromaSiting::Center => 1,
            ChromaSiting::BottomLeft | ChromaSiting::Bottom => 2,
        }
    }
}

/// What a frame says of its colours; `None` is "unspecified".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ColorTags {
    /// The matrix coefficients.
    pub matrix: Option<Matrix>,
    /// The range.
    pub range: Option<Range>,
    /// The chroma siting.
    pub siting: Option<ChromaSiting>,
}

/// A colour description with nothing left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colorimetry {
    /// The matrix coefficients. Also set for RGB and gray, where a conversion to or from luma may need them.
    pub matrix: Matrix,
    /// The range.
    pub range: Range,
    /// The chroma siting. Without meaning where chroma is not subsampled.
    pub siting: ChromaSiting,
}

impl ColorTags {
    /// Fills in what is unspecified, as a decoder's user would expect:
    ///
    /// - matrix: BT.601 below 720 lines, BT.709 from there;
    /// - range: limited for Y'CbCr, full for gray (as FFmpeg's swscale reads it); RGB is full whatever it says;
    /// - siting: left.
    #[must_use]
    // RV-CORE-1102
    pub fn resolve(self, format: PixelFormat, size: Size) -> Colorimetry {
        let family = format.family();
        Colorimetry {
            matrix: self.matrix.unwrap_or(if size.height < 720 { Matrix::Bt601 } else { Matrix::Bt709 }),
            range: match family {
                PixelFamily::Rgb => Range::Full,
                PixelFamily::Yuv => self.range.unwrap_or(Range::Limited),
                PixelFamily::Gray => self.range.unwrap_or(Range::Full),
            },
            siting: self.siting.unwrap_or(ChromaSiting::Left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        for matrix in [Matrix::Bt709, Matrix::Fcc, Matrix::Bt601, Matrix::Smpte240, Matrix::Bt2020] {
            assert_eq!(Matrix::from_code(matrix.code()).unwrap(), Some(matrix));
        }
        for code in 0..=2 {
            assert_eq!(Range::from_code(code).unwrap().map_or(0, Range::code), code);
        }
        for code in 0..=6 {
            assert_eq!(ChromaSiting::from_code(code).unwrap().map_or(0, ChromaSiting::code), code);
        }
    }

    /// RV-CORE-1103
    #[test]
    fn matrices_that_are_not_linear_are_refused_and_unknown_numbers_are_invalid() {
        for code in [8, 10, 14] {
            assert_eq!(Matrix::from_code(code).unwrap_err().status(), Status::UnsupportedFormat);
        }
        for code in [-1, 18] {
            assert_eq!(Matrix::from_code(code).unwrap_err().status(), Status::InvalidParameter);
        }
        assert_eq!(Range::from_code(3).unwrap_err().status(), Status::InvalidParameter);
        assert_eq!(ChromaSiting::from_code(7).unwrap_err().status(), Status::InvalidParameter);
    }

    /// RV-CORE-1102
    #[test]
    fn an_unspecified_matrix_follows_the_height() {
        let tags = ColorTags::default();
        let resolve = |height| tags.resolve(PixelFormat::Yuv420p, Size::new(64, height)).matrix;
        assert_eq!(resolve(719), Matrix::Bt601);
        assert_eq!(resolve(720), Matrix::Bt709);
    }
}
