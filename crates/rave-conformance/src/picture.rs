//! Frames as samples, one plane for each component, whatever their layout in memory is.

use rave_core::{ColorTags, Error, Frame, FrameMut, PixelFamily, PixelFormat, Result, Size, Status};

/// The samples of one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Samples {
    pub(crate) size: Size,
    pub(crate) codes: Vec<u16>,
}

impl Samples {
    pub(crate) fn at(&self, x: u32, y: u32) -> u16 {
        self.codes[(y * self.size.width + x) as usize]
    }
}

/// A frame: Y, Cb, Cr, or R, G, B, or Y alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
    pub(crate) components: Vec<Samples>,
}

/// The names of a format's components.
pub(crate) fn component_names(format: PixelFormat) -> &'static [&'static str] {
    match format.family() {
        PixelFamily::Yuv => &["Y", "Cb", "Cr"],
        PixelFamily::Rgb => &["R", "G", "B"],
        PixelFamily::Gray => &["Y"],
    }
}

/// Whether a component is chroma that is subsampled, on either axis.
pub(crate) fn subsampled(format: PixelFormat, component: usize) -> (bool, bool) {
    let layout = format.layout();
    let chroma = layout.family == PixelFamily::Yuv && component > 0;
    (chroma && layout.log2_chroma_width > 0, chroma && layout.log2_chroma_height > 0)
}

/// The size of a component's plane.
pub(crate) fn component_size(format: PixelFormat, size: Size, component: usize) -> Size {
    let halve = |extent: u32, half: bool| if half { extent.div_ceil(2) } else { extent };
    let (wide, high) = subsampled(format, component);
    Size::new(halve(size.width, wide), halve(size.height, high))
}

impl Picture {
    /// A picture whose codes are what `code` says of component, column and row.
    pub(crate) fn new(format: PixelFormat, size: Size, mut code: impl FnMut(usize, u32, u32) -> u16) -> Self {
        let components = (0..component_names(format).len()).map(|component| {
            let size = component_size(format, size, component);
            let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
            Samples { size, codes: places.map(|(x, y)| code(component, x, y)).collect() }
        });
        Picture { format, size, components: components.collect() }
    }

    /// The bytes of each plane, rows without padding, as RAVE's table of formats lays them out.
    pub(crate) fn planes(&self) -> Vec<Vec<u8>> {
        let layout = self.format.layout();
        let mut planes = empty_planes(self.format, self.size);
        for (index, samples) in self.components.iter().enumerate() {
            let component = layout.components[index];
            let step = component.step * layout.sample_bytes;
            let plane = &mut planes[component.plane];
            for (place, &code) in samples.codes.iter().enumerate() {
                let at = place * step + component.offset * layout.sample_bytes;
                let bytes = (code << layout.shift).to_le_bytes();
                plane[at..][..layout.sample_bytes].copy_from_slice(&bytes[..layout.sample_bytes]);
            }
        }
        planes
    }

    /// The picture that these bytes hold.
    pub(crate) fn from_planes(format: PixelFormat, size: Size, planes: &[Vec<u8>]) -> Self {
        let layout = format.layout();
        let mut picture = Picture::new(format, size, |_, _, _| 0);
        for (index, samples) in picture.components.iter_mut().enumerate() {
            let component = layout.components[index];
            let step = component.step * layout.sample_bytes;
            for (place, code) in samples.codes.iter_mut().enumerate() {
                let at = place * step + component.offset * layout.sample_bytes;
                let bytes = &planes[component.plane][at..][..layout.sample_bytes];
                let high = if layout.sample_bytes == 2 { bytes[1] } else { 0 };
                *code = u16::from_le_bytes([bytes[0], high]) >> layout.shift;
            }
        }
        picture
    }

    /// The same, of the planes one after the other, as FFmpeg's rawvideo has them.
    ///
    /// # Errors
    /// When there are more or fewer bytes.
    pub(crate) fn from_raw(format: PixelFormat, size: Size, bytes: &[u8]) -> Result<Self> {
        let mut planes = empty_planes(format, size);
        let expected: usize = planes.iter().map(Vec::len).sum();
        if bytes.len() != expected {
            let found = format!("a {size} {format} frame of {} bytes", bytes.len());
            return Err(Error::new(Status::Unknown, found).expected(format!("{expected}")));
        }
        let mut rest = bytes;
        for plane in &mut planes {
            let (these, others) = rest.split_at(plane.len());
            plane.copy_from_slice(these);
            rest = others;
        }
        Ok(Picture::from_planes(format, size, &planes))
    }

    /// Lends the bytes of `planes` as a frame.
    pub(crate) fn frame<'a>(&self, planes: &'a [Vec<u8>], tags: ColorTags) -> Result<Frame<'a>> {
        let planes: Vec<(&[u8], isize)> = planes
            .iter()
            .enumerate()
            .map(|(index, bytes)| (bytes.as_slice(), self.format.row_bytes(index, self.size.width) as isize))
            .collect();
        Frame::new(self.format, self.size, tags, &planes)
    }
}

/// Planes of the right sizes, all bytes 255, which is what RAVE writes where no component is.
pub(crate) fn empty_planes(format: PixelFormat, size: Size) -> Vec<Vec<u8>> {
    (0..format.layout().planes)
        .map(|plane| {
            vec![255; format.row_bytes(plane, size.width) * format.plane_size(plane, size).height as usize]
        })
        .collect()
}

/// Lends `planes` as a frame to write to.
pub(crate) fn frame_mut(format: PixelFormat, size: Size, planes: &mut [Vec<u8>]) -> Result<FrameMut<'_>> {
    let planes = planes
        .iter_mut()
        .enumerate()
        .map(|(index, bytes)| (bytes.as_mut_slice(), format.row_bytes(index, size.width) as isize))
        .collect();
    FrameMut::new(format, size, planes)
}

/// The format with the same samples, each component in a plane of its own.
///
/// # Errors
/// For a format that has none.
pub(crate) fn planar_sibling(format: PixelFormat) -> Result<PixelFormat> {
    let layout = format.layout();
    PixelFormat::ALL
        .iter()
        .copied()
        .find(|other| {
            let them = other.layout();
            them.planes == 3
                && (them.family, them.depth) == (layout.family, layout.depth)
                && them.log2_chroma_width == layout.log2_chroma_width
                && them.log2_chroma_height == layout.log2_chroma_height
        })
        .ok_or_else(|| Error::new(Status::InvalidParameter, format!("{format} has no planar sibling")))
}
