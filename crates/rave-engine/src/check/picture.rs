//! What engine and model are given.

use std::fmt;

use rave_core::pixels::Unpack;
use rave_core::{ColorTags, ElementsMut, Frame, PixelFormat, Rect, Result, Size, ValueRange};

/// A picture to compare on: a frame of a format that the pixel kernels know, with bytes of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    format: PixelFormat,
    stored: Size,
    visible: Rect,
    tags: ColorTags,
    /// Rows without padding.
    planes: Vec<Vec<u8>>,
}

impl Picture {
    /// A copy of `frame`.
    #[must_use]
    pub fn copy_of(frame: &Frame<'_>) -> Self {
        let rows = |plane: usize| {
            let plane = frame.plane(plane);
            (0..plane.height()).flat_map(|y| plane.row(y)).copied().collect()
        };
        Picture {
            format: frame.format(),
            stored: frame.size(),
            visible: frame.visible(),
            tags: frame.tags(),
            planes: (0..frame.format().layout().planes).map(rows).collect(),
        }
    }

    /// A picture of `size` and 16 bits: red, green and blue of each pixel, row after row.
    pub(super) fn of_rgb48(size: Size, samples: &[u16]) -> Self {
        let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        Picture {
            format: PixelFormat::Rgb48,
            stored: size,
            visible: Rect::of(size),
            tags: ColorTags::default(),
            planes: vec![bytes],
        }
    }

    /// The size of what is to be seen of it.
    #[must_use]
    pub fn size(&self) -> Size {
        self.visible.size
    }

    /// The middle of it, of size `part`, as a tensor of `channels` planes of size `tensor`, whose edges repeat.
    pub(crate) fn tensor(
        &self,
        part: Size,
        channels: u32,
        tensor: Size,
        white: ValueRange,
    ) -> Result<Vec<f32>> {
        let Picture { format, stored, visible, tags, planes } = self;
        let strides = (0..).map(|plane| format.row_bytes(plane, stored.width) as isize);
        let planes: Vec<(&[u8], isize)> = planes.iter().map(Vec::as_slice).zip(strides).collect();
        let frame = Frame::new(*format, *stored, *tags, &planes)?.with_visible(Rect {
            x: visible.x + (visible.size.width - part.width) / 2,
            y: visible.y + (visible.size.height - part.height) / 2,
            size: part,
        })?;
        let colors = tags.resolve(*format, visible.size);
        let mut unpack = Unpack::new(*format, part, channels, tensor)?;
        let mut elements = vec![0.0; unpack.tensor().elements()];
        unpack.run(&frame, colors, white, ElementsMut::F32(&mut elements))?;
        Ok(elements)
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} {})", self.size(), self.format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1703
    #[test]
    fn a_frame_is_read_by_its_own_format_crop_and_colours() {
        let size = Size::new(6, 4);
        let luma: Vec<u8> = (0..32).map(|at| 16 + 4 * at).collect();
        let chroma = [128; 12];
        // Rows of 8 bytes, of which 6 are the picture's.
        let planes = [(&luma[..], 8), (&chroma[..], 6)];
        let frame = Frame::new(PixelFormat::Nv12, size, ColorTags::default(), &planes).unwrap();
        let visible = Rect { x: 2, y: 1, size: Size::new(3, 2) };
        let picture = Picture::copy_of(&frame.with_visible(visible).unwrap());
        assert_eq!(picture.size(), visible.size);
        let tensor = picture.tensor(visible.size, 1, visible.size, ValueRange::Unit).unwrap();
        let expected: Vec<f32> = [10, 11, 12, 18, 19, 20].map(|at| 4.0 * at as f32 * (1.0 / 219.0)).to_vec();
        for (found, expected) in tensor.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-6, "{tensor:?}, expected {expected:?}");
        }
        let middle = picture.tensor(Size::new(1, 2), 1, Size::new(1, 2), ValueRange::Unit).unwrap();
        assert_eq!(middle, [tensor[1], tensor[4]]);
    }
}
