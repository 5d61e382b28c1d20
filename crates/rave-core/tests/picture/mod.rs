//! Frames of random samples, read back sample by sample.

#![allow(dead_code, reason = "every test program uses another part of it")]

use rave_core::{
    ChromaSiting, ColorTags, Colorimetry, Frame, FrameMut, Matrix, PixelFamily, PixelFormat, Range, Size,
};

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1, 1 excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub(crate) const MATRICES: [Matrix; 5] =
    [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020, Matrix::Fcc, Matrix::Smpte240];
pub(crate) const RANGES: [Range; 2] = [Range::Limited, Range::Full];
pub(crate) const SITINGS: [ChromaSiting; 6] = [
    ChromaSiting::Left,
    ChromaSiting::Center,
    ChromaSiting::TopLeft,
    ChromaSiting::Top,
    ChromaSiting::BottomLeft,
    ChromaSiting::Bottom,
];

/// The sitings that make a difference in `format`.
pub(crate) fn sitings(format: PixelFormat) -> &'static [ChromaSiting] {
    let layout = format.layout();
    match (layout.log2_chroma_width, layout.log2_chroma_height) {
        (0, 0) => &SITINGS[..1],
        (_, 0) => &SITINGS[..2],
        _ => &SITINGS,
    }
}

pub(crate) fn color(matrix: Matrix, range: Range, siting: ChromaSiting) -> Colorimetry {
    Colorimetry { matrix, range, siting }
}

/// The size of the plane of component `component`.
pub(crate) fn component_size(format: PixelFormat, size: Size, component: usize) -> Size {
    let layout = format.layout();
    if layout.family == PixelFamily::Yuv && component > 0 {
        Size::new(
            size.width.div_ceil(1 << layout.log2_chroma_width),
            size.height.div_ceil(1 << layout.log2_chroma_height),
        )
    } else {
        size
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
    pub(crate) planes: Vec<Vec<u8>>,
    pub(crate) strides: Vec<isize>,
}

impl Picture {
    /// All bytes 255 (so that padding is what Pack writes), rows with `extra` bytes of padding, bottom-up if
    /// `flipped`.
    pub(crate) fn new(format: PixelFormat, size: Size, extra: usize, flipped: bool) -> Self {
        let (mut planes, mut strides) = (Vec::new(), Vec::new());
        for plane in 0..format.layout().planes {
            let stride = format.row_bytes(plane, size.width) + extra;
            planes.push(vec![255; stride * format.plane_size(plane, size).height as usize]);
            strides.push(if flipped { -(stride as isize) } else { stride as isize });
        }
        Picture { format, size, planes, strides }
    }

    pub(crate) fn random(format: PixelFormat, size: Size, random: &mut Random) -> Self {
        Self::filled(format, size, |_, _, _| {
            (random.next() >> 16) as u32 & ((1 << format.layout().depth) - 1)
        })
    }

    pub(crate) fn filled(
        format: PixelFormat,
        size: Size,
        mut code: impl FnMut(usize, u32, u32) -> u32,
    ) -> Self {
        let mut picture = Self::new(format, size, 0, false);
        let components = if format.family() == PixelFamily::Gray { 1 } else { 3 };
        for component in 0..components {
            let extent = component_size(format, size, component);
            for y in 0..extent.height {
                for x in 0..extent.width {
                    picture.set(component, x, y, code(component, x, y));
                }
            }
        }
        picture
    }

    fn place(&self, component: usize, x: u32, y: u32) -> (usize, usize) {
        let layout = self.format.layout();
        let c = layout.components[component];
        let rows = component_size(self.format, self.size, component).height as usize;
        let stride = self.strides[c.plane].unsigned_abs();
        let y = if self.strides[c.plane] < 0 { rows - 1 - y as usize } else { y as usize };
        (c.plane, y * stride + (x as usize * c.step + c.offset) * layout.sample_bytes)
    }

    pub(crate) fn set(&mut self, component: usize, x: u32, y: u32, code: u32) {
        let layout = self.format.layout();
        let (plane, at) = self.place(component, x, y);
        let bytes = (code << layout.shift).to_le_bytes();
        self.planes[plane][at..][..layout.sample_bytes].copy_from_slice(&bytes[..layout.sample_bytes]);
    }

    pub(crate) fn get(&self, component: usize, x: u32, y: u32) -> u32 {
        let layout = self.format.layout();
        let (plane, at) = self.place(component, x, y);
        let mut bytes = [0; 4];
        bytes[..layout.sample_bytes].copy_from_slice(&self.planes[plane][at..][..layout.sample_bytes]);
        u32::from_le_bytes(bytes) >> layout.shift
    }

    pub(crate) fn frame(&self) -> Frame<'_> {
        let planes: Vec<(&[u8], isize)> =
            self.planes.iter().map(Vec::as_slice).zip(self.strides.iter().copied()).collect();
        Frame::new(self.format, self.size, ColorTags::default(), &planes).unwrap()
    }

    pub(crate) fn frame_mut(&mut self) -> FrameMut<'_> {
        let planes =
            self.planes.iter_mut().map(Vec::as_mut_slice).zip(self.strides.iter().copied()).collect();
        FrameMut::new(self.format, self.size, planes).unwrap()
    }

    /// The largest difference of a code, and where.
    pub(crate) fn worst_difference(&self, other: &Picture) -> (u32, String) {
        let mut worst = (0, String::new());
        let components = if self.format.family() == PixelFamily::Gray { 1 } else { 3 };
        for component in 0..components {
            let extent = component_size(self.format, self.size, component);
            for y in 0..extent.height {
                for x in 0..extent.width {
                    let (a, b) = (self.get(component, x, y), other.get(component, x, y));
                    if a.abs_diff(b) > worst.0 {
                        worst = (a.abs_diff(b), format!("component {component} at ({x}, {y}): {a} and {b}"));
                    }
                }
            }
        }
        worst
    }
}
