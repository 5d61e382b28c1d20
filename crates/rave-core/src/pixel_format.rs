//! The pixel formats of frames in memory, under FFmpeg's names, and how each stores its samples.

use std::fmt;

use crate::{Error, Result, Size, Status};

/// What the components of a format mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFamily {
    /// Y', Cb, Cr.
    Yuv,
    /// R', G', B'.
    Rgb,
    /// Y' alone.
    Gray,
}

/// Where one component's samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// The plane that holds the component.
    pub plane: usize,
    /// Distance between two of its samples, in samples (1 in a planar format, 2 in nv12's chroma, 3 in rgb24).
    pub step: usize,
    /// Its place within the step, in samples.
    pub offset: usize,
}

/// How a [`PixelFormat`] stores its samples. Samples are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What the components mean.
    pub family: PixelFamily,
    /// Significant bits of a sample, 8 to 16.
    pub depth: u32,
    /// Bytes that hold a sample, 1 or 2.
    pub sample_bytes: usize,
    /// How far a sample is shifted up inside its bytes (p010 holds 10 bits in the upper part of 16).
    pub shift: u32,
    /// Chroma planes have `ceil(width / 2^log2_chroma_width)` columns.
    pub log2_chroma_width: u32,
    /// Chroma planes have `ceil(height / 2^log2_chroma_height)` rows.
    pub log2_chroma_height: u32,
    /// Number of planes.
    pub planes: usize,
    /// Y Cb Cr, R G B or Y, in that order. Gray repeats its one component.
    pub components: [Component; 3],
}

impl Layout {
    /// Columns of chroma beside `columns` of luma.
    #[must_use]
    pub const fn chroma_columns(&self, columns: usize) -> usize {
        columns.div_ceil(1 << self.log2_chroma_width)
    }

    /// Rows of chroma beside `rows` of luma.
    #[must_use]
    pub const fn chroma_rows(&self, rows: usize) -> usize {
        rows.div_ceil(1 << self.log2_chroma_height)
    }
}

const fn at(plane: usize, step: usize, offset: usize) -> Component {
    Component { plane, step, offset }
}

const fn planar_yuv(depth: u32, log2_chroma_width: u32, log2_chroma_height: u32) -> Layout {
    Layout {
        family: PixelFamily::Yuv,
        depth,
        sample_bytes: if depth > 8 { 2 } else { 1 },
        shift: 0,
        log2_chroma_width,
        log2_chroma_height,
        planes: 3,
        components: [at(0, 1, 0), at(1, 1, 0), at(2, 1, 0)],
    }
}

/// nv12 and its kin: luma in plane 0, Cb and Cr alternating in plane 1.
const fn semi_planar(depth: u32, log2_chroma_width: u32, log2_chroma_height: u32) -> Layout {
    let sample_bytes = if depth > 8 { 2 } else { 1 };
    Layout {
        shift: 8 * sample_bytes as u32 - depth,
        planes: 2,
        components: [at(0, 1, 0), at(1, 2, 0), at(1, 2, 1)],
        ..planar_yuv(depth, log2_chroma_width, log2_chroma_height)
    }
}

/// gbrp and its kin: planes in the order G, B, R.
const fn planar_rgb(depth: u32) -> Layout {
    Layout {
        family: PixelFamily::Rgb,
        components: [at(2, 1, 0), at(0, 1, 0), at(1, 1, 0)],
        ..planar_yuv(depth, 0, 0)
    }
}

/// One plane of pixels of `step` samples, with red, green and blue at the given places. Other samples are padding.
const fn packed_rgb(depth: u32, step: usize, [r, g, b]: [usize; 3]) -> Layout {
    Layout {
        family: PixelFamily::Rgb,
        planes: 1,
        components: [at(0, step, r), at(0, step, g), at(0, step, b)],
        ..planar_yuv(depth, 0, 0)
    }
}

const fn gray(depth: u32) -> Layout {
    Layout { family: PixelFamily::Gray, planes: 1, components: [at(0, 1, 0); 3], ..planar_yuv(depth, 0, 0) }
}

macro_rules! pixel_formats {
    ($($code:literal $variant:ident $name:literal $layout:expr;)*) => {
        /// A pixel format. Its number is the C ABI's and never changes; its name is FFmpeg's `av_get_pix_fmt_name`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum PixelFormat {
            $(#[doc = concat!("FFmpeg's `", $name, "`.")] $variant = $code,)*
        }

        impl PixelFormat {
            /// Every format, in the order of their numbers.
            pub const ALL: &[PixelFormat] = &[$(PixelFormat::$variant,)*];

            /// FFmpeg's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(PixelFormat::$variant => $name,)* }
            }

            /// How samples are stored.
            #[must_use]
            pub const fn layout(self) -> Layout {
                match self { $(PixelFormat::$variant => $layout,)* }
            }
        }
    };
}

// RV-CORE-1104
pixel_formats! {
    1 Yuv420p "yuv420p" planar_yuv(8, 1, 1);
    2 Yuv422p "yuv422p" planar_yuv(8, 1, 0);
    3 Yuv444p "yuv444p" planar_yuv(8, 0, 0);
    4 Yuv420p10 "yuv420p10le" planar_yuv(10, 1, 1);
    5 Yuv422p10 "yuv422p10le" planar_yuv(10, 1, 0);
    6 Yuv444p10 "yuv444p10le" planar_yuv(10, 0, 0);
    7 Yuv420p12 "yuv420p12le" planar_yuv(12, 1, 1);
    8 Yuv422p12 "yuv422p12le" planar_yuv(12, 1, 0);
    9 Yuv444p12 "yuv444p12le" planar_yuv(12, 0, 0);
    10 Yuv420p16 "yuv420p16le" planar_yuv(16, 1, 1);
    11 Yuv422p16 "yuv422p16le" planar_yuv(16, 1, 0);
    12 Yuv444p16 "yuv444p16le" planar_yuv(16, 0, 0);
    20 Nv12 "nv12" semi_planar(8, 1, 1);
    21 Nv16 "nv16" semi_planar(8, 1, 0);
    22 P010 "p010le" semi_planar(10, 1, 1);
    23 P012 "p012le" semi_planar(12, 1, 1);
    24 P016 "p016le" semi_planar(16, 1, 1);
    25 P210 "p210le" semi_planar(10, 1, 0);
    26 P216 "p216le" semi_planar(16, 1, 0);
    40 Rgb24 "rgb24" packed_rgb(8, 3, [0, 1, 2]);
    41 Bgr24 "bgr24" packed_rgb(8, 3, [2, 1, 0]);
    42 Rgb0 "rgb0" packed_rgb(8, 4, [0, 1, 2]);
    43 Bgr0 "bgr0" packed_rgb(8, 4, [2, 1, 0]);
    44 ZeroRgb "0rgb" packed_rgb(8, 4, [1, 2, 3]);
    45 ZeroBgr "0bgr" packed_rgb(8, 4, [3, 2, 1]);
    46 Rgb48 "rgb48le" packed_rgb(16, 3, [0, 1, 2]);
    50 Gbrp "gbrp" planar_rgb(8);
    51 Gbrp10 "gbrp10le" planar_rgb(10);
    52 Gbrp12 "gbrp12le" planar_rgb(12);
    53 Gbrp14 "gbrp14le" planar_rgb(14);
    54 Gbrp16 "gbrp16le" planar_rgb(16);
    60 Gray8 "gray" gray(8);
    61 Gray10 "gray10le" gray(10);
    62 Gray12 "gray12le" gray(12);
    63 Gray14 "gray14le" gray(14);
    64 Gray16 "gray16le" gray(16);
}

impl PixelFormat {
    /// The number that crosses the C ABI.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The format of a C ABI number.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a number that names no format.
    pub fn from_code(code: i32) -> Result<Self> {
        PixelFormat::ALL.iter().copied().find(|format| format.code() == code).ok_or_else(|| {
            Error::new(Status::UnsupportedFormat, format!("pixel format number {code}"))
                .expected("a RAVE_PIX_FMT_ constant")
        })
    }

    /// The format with FFmpeg's name `name`, if RAVE has it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        PixelFormat::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// What the components mean.
    #[must_use]
    pub const fn family(self) -> PixelFamily {
        self.layout().family
    }

    /// Samples per row and rows of `plane` in a frame of `size`; a row holds `width * step` samples.
    #[must_use]
    pub fn plane_size(self, plane: usize, size: Size) -> Size {
        let layout = self.layout();
        if layout.family == PixelFamily::Yuv && plane > 0 {
            Size {
                width: size.width.div_ceil(1 << layout.log2_chroma_width),
                height: size.height.div_ceil(1 << layout.log2_chroma_height),
            }
        } else {
            size
        }
    }

    /// The bytes that the visible part of one row of `plane` takes in a frame of `width`.
    #[must_use]
    pub fn row_bytes(self, plane: usize, width: u32) -> usize {
        let layout = self.layout();
        let step = layout.components.iter().find(|c| c.plane == plane).map_or(1, |c| c.step);
        self.plane_size(plane, Size::new(width, 1)).width as usize * step * layout.sample_bytes
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-CORE-1104
    #[test]
    fn numbers_and_names_are_unique_and_round_trip() {
        for (index, &format) in PixelFormat::ALL.iter().enumerate() {
            assert_eq!(PixelFormat::from_code(format.code()).unwrap(), format);
            assert_eq!(PixelFormat::from_name(format.name()), Some(format));
            assert!(PixelFormat::ALL[..index].iter().all(|other| other.code() < format.code()));
        }
        assert_eq!(PixelFormat::from_code(0).unwrap_err().status(), Status::UnsupportedFormat);
        assert_eq!(PixelFormat::from_name("yuv410p"), None);
    }

    #[test]
    fn planes_of_odd_frames_round_up() {
        let odd = Size::new(5, 3);
        assert_eq!(PixelFormat::Yuv420p.plane_size(1, odd), Size::new(3, 2));
        assert_eq!(PixelFormat::Yuv422p10.plane_size(2, odd), Size::new(3, 3));
        assert_eq!(PixelFormat::Yuv422p10.row_bytes(2, 5), 6);
        assert_eq!(PixelFormat::P010.row_bytes(1, 5), 12);
        assert_eq!(PixelFormat::Rgb24.row_bytes(0, 5), 15);
        assert_eq!(PixelFormat::Gbrp.plane_size(2, odd), odd);
    }

    #[test]
    fn every_component_fits_its_plane() {
        for format in PixelFormat::ALL {
            let layout = format.layout();
            assert!(layout.depth + layout.shift <= 8 * layout.sample_bytes as u32, "{format}");
            for component in layout.components {
                assert!(component.plane < layout.planes && component.offset < component.step, "{format}");
            }
        }
    }
}
