//! What stands for a frame's pixels.

use rave_core::{Frame, FrameMut, PixelFamily, PixelFormat, Rect, Size};
use sha2::{Digest as _, Sha256};

use crate::Digest;

/// SHA-256 of the bytes of the visible part of a frame in host memory: plane after plane, row after row, without padding.
///
/// Of a frame that is visible as a whole this is the hash of the raw picture, as FFmpeg's `-f framehash -hash sha256` has
/// it. Of a subsampled plane it covers every sample that a visible pixel takes part in.
// RV-LEDGER-1101
#[must_use]
pub fn fingerprint(frame: &Frame<'_>) -> Digest {
    let mut hash = Sha256::new();
    let Rect { x, y, size } = frame.visible();
    for plane in 0..frame.format().layout().planes {
        let (columns, rows) = part(frame.format(), plane, x, y, size);
        let pixels = frame.plane(plane);
        rows.for_each(|row| hash.update(&pixels.row(row)[columns.clone()]));
    }
    Digest(hash.finalize().into())
}

/// [`fingerprint`] of a frame that can be written.
#[must_use]
pub fn fingerprint_mut(frame: &mut FrameMut<'_>) -> Digest {
    let mut hash = Sha256::new();
    for plane in frame.planes_mut().iter_mut().flatten() {
        (0..plane.height()).for_each(|row| hash.update(&*plane.row_mut(row)));
    }
    Digest(hash.finalize().into())
}

/// Which bytes of which rows of `plane` a rectangle takes.
fn part(
    format: PixelFormat,
    plane: usize,
    x: u32,
    y: u32,
    size: Size,
) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let layout = format.layout();
    let (mut left, mut top) = (x, y);
    let (mut right, mut bottom) = (x + size.width, y + size.height);
    if layout.family == PixelFamily::Yuv && plane > 0 {
        let (across, down) = (layout.log2_chroma_width, layout.log2_chroma_height);
        (left, right) = (left >> across, right.div_ceil(1 << across));
        (top, bottom) = (top >> down, bottom.div_ceil(1 << down));
    }
    // In samples of this very plane, of which the format knows the bytes.
    let bytes = |columns: u32| {
        let step = layout.components.iter().find(|component| component.plane == plane).map_or(1, |c| c.step);
        columns as usize * step * layout.sample_bytes
    };
    (bytes(left)..bytes(right), top as usize..bottom as usize)
}

#[cfg(test)]
mod tests {
    use rave_core::ColorTags;

    use super::*;

    fn frame<'a>(format: PixelFormat, size: Size, planes: &[(&'a [u8], isize)]) -> Frame<'a> {
        Frame::new(format, size, ColorTags::default(), planes).unwrap()
    }

    /// RV-LEDGER-1101
    #[test]
    fn a_fingerprint_is_the_hash_of_the_raw_picture_whatever_the_padding() {
        let size = Size::new(5, 3);
        let luma: Vec<u8> = (0..15).collect();
        let chroma: Vec<u8> = (100..112).collect();
        let whole = Digest::of([&luma[..], &chroma].concat());
        assert_eq!(fingerprint(&frame(PixelFormat::Nv12, size, &[(&luma, 5), (&chroma, 6)])), whole);

        let padded: Vec<u8> = luma.chunks(5).flat_map(|row| [row, &[9; 3]].concat()).collect();
        assert_eq!(fingerprint(&frame(PixelFormat::Nv12, size, &[(&padded, 8), (&chroma, 6)])), whole);
        let flipped: Vec<u8> = luma.chunks(5).rev().flatten().copied().collect();
        assert_eq!(fingerprint(&frame(PixelFormat::Nv12, size, &[(&flipped, -5), (&chroma, 6)])), whole);

        let (mut luma, mut chroma) = (luma, chroma);
        let planes: Vec<(&mut [u8], isize)> = vec![(&mut luma, 5), (&mut chroma, 6)];
        assert_eq!(fingerprint_mut(&mut FrameMut::new(PixelFormat::Nv12, size, planes).unwrap()), whole);
    }

    /// RV-LEDGER-1101
    #[test]
    fn of_a_cropped_frame_only_what_is_visible_counts() {
        let size = Size::new(6, 4);
        let (luma, u, v): (Vec<u8>, Vec<u8>, Vec<u8>) =
            ((0..24).collect(), (30..36).collect(), (40..46).collect());
        let planes: [(&[u8], isize); 3] = [(&luma, 6), (&u, 3), (&v, 3)];
        let visible = Rect { x: 3, y: 2, size: Size::new(2, 2) };
        let cropped = frame(PixelFormat::Yuv420p, size, &planes).with_visible(visible).unwrap();
        // Columns 3 and 4 of rows 2 and 3; their chroma is columns 1 and 2 of row 1.
        assert_eq!(fingerprint(&cropped), Digest::of([15, 16, 21, 22, 34, 35, 44, 45]));
    }
}
