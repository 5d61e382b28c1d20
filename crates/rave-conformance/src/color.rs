//! What fixtures call formats and colours, and what the kernels and each oracle call them.
//!
//! Names are those of FFmpeg. Numbers are those of ITU-T H.273 and of zimg.h, written here anew: the tables of rave-core
//! are what is being checked.

use rave_core::{ChromaSiting, Colorimetry, Matrix, PixelFormat, Range};
use serde::Deserialize;

/// Matrix coefficients (H.273, table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MatrixName {
    Bt709,
    Fcc,
    Smpte170m,
    Smpte240m,
    Bt2020nc,
}

impl MatrixName {
    /// KR and KB of H.273, table 4.
    pub(crate) fn weights(self) -> (f64, f64) {
        match self {
            MatrixName::Bt709 => (0.2126, 0.0722),
            MatrixName::Fcc => (0.30, 0.11),
            MatrixName::Smpte170m => (0.299, 0.114),
            MatrixName::Smpte240m => (0.212, 0.087),
            MatrixName::Bt2020nc => (0.2627, 0.0593),
        }
    }

    /// Its code point, in H.273 and in zimg.h.
    pub(crate) fn code_point(self) -> i32 {
        match self {
            MatrixName::Bt709 => 1,
            MatrixName::Fcc => 4,
            MatrixName::Smpte170m => 6,
            MatrixName::Smpte240m => 7,
            MatrixName::Bt2020nc => 9,
        }
    }

    /// What FFmpeg's filter scale calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            MatrixName::Bt709 => "bt709",
            MatrixName::Fcc => "fcc",
            MatrixName::Smpte170m => "smpte170m",
            MatrixName::Smpte240m => "smpte240m",
            MatrixName::Bt2020nc => "bt2020",
        }
    }

    fn rave(self) -> Matrix {
        match self {
            MatrixName::Bt709 => Matrix::Bt709,
            MatrixName::Fcc => Matrix::Fcc,
            MatrixName::Smpte170m => Matrix::Bt601,
            MatrixName::Smpte240m => Matrix::Smpte240,
            MatrixName::Bt2020nc => Matrix::Bt2020,
        }
    }
}

/// Which codes carry the signal (H.273, VideoFullRangeFlag).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RangeName {
    Limited,
    Full,
}

impl RangeName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            RangeName::Limited => "limited",
            RangeName::Full => "full",
        }
    }

    fn rave(self) -> Range {
        match self {
            RangeName::Limited => Range::Limited,
            RangeName::Full => Range::Full,
        }
    }
}

/// Where chroma samples lie (H.273, ChromaLocType; figure 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SitingName {
    Left,
    Center,
    TopLeft,
    Top,
    BottomLeft,
    Bottom,
}

impl SitingName {
    /// ChromaLocType, which zimg.h numbers alike.
    pub(crate) fn code_point(self) -> i32 {
        self as i32
    }

    pub(crate) fn name(self) -> &'static str {
        ["left", "center", "topleft", "top", "bottomleft", "bottom"][self as usize]
    }

    /// How far right of the first luma column, and below the first luma row, the first chroma sample lies.
    pub(crate) fn offsets(self) -> (f64, f64) {
        let horizontal = match self {
            SitingName::Left | SitingName::TopLeft | SitingName::BottomLeft => 0.0,
            SitingName::Center | SitingName::Top | SitingName::Bottom => 0.5,
        };
        let vertical = match self {
            SitingName::TopLeft | SitingName::Top => 0.0,
            SitingName::Left | SitingName::Center => 0.5,
            SitingName::BottomLeft | SitingName::Bottom => 1.0,
        };
        (horizontal, vertical)
    }

    fn rave(self) -> ChromaSiting {
        match self {
            SitingName::Left => ChromaSiting::Left,
            SitingName::Center => ChromaSiting::Center,
            SitingName::TopLeft => ChromaSiting::TopLeft,
            SitingName::Top => ChromaSiting::Top,
            SitingName::BottomLeft => ChromaSiting::BottomLeft,
            SitingName::Bottom => ChromaSiting::Bottom,
        }
    }
}

/// How a frame's samples are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color {
    pub(crate) matrix: MatrixName,
    pub(crate) range: RangeName,
    pub(crate) siting: SitingName,
}

impl Color {
    pub(crate) fn rave(self) -> Colorimetry {
        Colorimetry { matrix: self.matrix.rave(), range: self.range.rave(), siting: self.siting.rave() }
    }
}

/// A pixel format, by FFmpeg's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Format(pub(crate) PixelFormat);

impl TryFrom<String> for Format {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        PixelFormat::from_name(&name).map(Format).ok_or_else(|| format!("RAVE has no pixel format {name:?}"))
    }
}
