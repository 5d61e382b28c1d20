//! Frames in host memory: planes of rows, borrowed from whoever owns the pixels.

use crate::{ColorTags, Error, PixelFormat, Rect, Result, Size, Status};

/// How the rows of one plane lie in a byte slice. Negative strides (a picture stored bottom-up) are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rows {
    first: usize,
    stride: isize,
    row_bytes: usize,
    count: usize,
}

impl Rows {
    // RV-CORE-1010, RV-CORE-1101
    fn checked(plane: usize, len: usize, stride: isize, row_bytes: usize, count: usize) -> Result<Self> {
        let invalid = |found: String| Error::new(Status::InvalidParameter, format!("plane {plane}: {found}"));
        let step = stride.unsigned_abs();
        if count > 1 && step < row_bytes {
            return Err(
                invalid(format!("stride {stride}")).expected(format!("at least {row_bytes} bytes a row"))
            );
        }
        let span = step
            .checked_mul(count.saturating_sub(1))
            .and_then(|bytes| bytes.checked_add(row_bytes))
            .filter(|&bytes| bytes <= len)
            .ok_or_else(|| {
                invalid(format!("{len} bytes"))
                    .expected(format!("{count} rows of {row_bytes} bytes at stride {stride}"))
            })?;
        let first = if stride < 0 { span - row_bytes } else { 0 };
        Ok(Rows { first, stride, row_bytes, count })
    }

    #[inline]
    fn start(&self, y: usize) -> usize {
        assert!(y < self.count, "row {y} of {}", self.count);
        self.first.wrapping_add_signed(self.stride * y as isize)
    }
}

/// One plane to read from.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    bytes: &'a [u8],
    rows: Rows,
}

impl<'a> Plane<'a> {
    /// Row `y`, from the top of the picture, without padding.
    ///
    /// # Panics
    /// When `y` is not below the number of rows.
    #[inline]
    #[must_use]
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.bytes[self.rows.start(y)..][..self.rows.row_bytes]
    }

    /// The number of rows.
    #[inline]
    #[must_use]
    pub fn height(&self) -> usize {
        self.rows.count
    }
}

/// One plane to write to.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    bytes: &'a mut [u8],
    rows: Rows,
}

impl<'a> PlaneMut<'a> {
    /// Row `y`, from the top of the picture, without padding.
    ///
    /// # Panics
    /// When `y` is not below the number of rows.
    #[inline]
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let start = self.rows.start(y);
        &mut self.bytes[start..][..self.rows.row_bytes]
    }

    /// The number of rows.
    #[inline]
    #[must_use]
    pub fn height(&self) -> usize {
        self.rows.count
    }

    /// All rows at once, top to bottom, so that they can be handed to several threads.
    #[must_use]
    pub fn rows_mut(&mut self) -> Vec<&mut [u8]> {
        let Rows { stride, row_bytes, count, .. } = self.rows;
        let step = stride.unsigned_abs().max(row_bytes).max(1);
        let span = step * count.saturating_sub(1) + row_bytes;
        let mut rows: Vec<&mut [u8]> =
            self.bytes[..span].chunks_mut(step).map(|row| &mut row[..row_bytes]).collect();
        if stride < 0 {
            rows.reverse();
        }
        rows
    }

    /// The rows above `y` and the rows from `y` on, so that two threads can write to them. Allocates nothing.
    ///
    /// # Panics
    /// When `y` is above the number of rows.
    #[must_use]
    pub fn split_at_row(self, y: usize) -> (PlaneMut<'a>, PlaneMut<'a>) {
        let PlaneMut { bytes, rows } = self;
        assert!(y <= rows.count, "row {y} of {}", rows.count);
        let step = rows.stride.unsigned_abs();
        let part = |bytes, first, count| PlaneMut { bytes, rows: Rows { first, count, ..rows } };
        if rows.stride >= 0 {
            let (above, below) = bytes.split_at_mut((step * y).min(bytes.len()));
            (part(above, 0, y), part(below, 0, rows.count - y))
        } else if y == 0 {
            (part(&mut [], 0, 0), part(bytes, rows.first, rows.count))
        } else {
            // Bottom-up: the rows from `y` on lie before row `y - 1`.
            let (below, above) = bytes.split_at_mut(rows.first - step * (y - 1));
            let first = rows.first.saturating_sub(step * y);
            (part(above, step * (y - 1), y), part(below, first, rows.count - y))
        }
    }

    /// Reborrows the plane.
    #[must_use]
    pub fn reborrow(&mut self) -> PlaneMut<'_> {
        PlaneMut { bytes: self.bytes, rows: self.rows }
    }
}

/// A frame to read from.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    format: PixelFormat,
    size: Size,
    visible: Rect,
    tags: ColorTags,
    planes: [Option<Plane<'a>>; 3],
}

/// A frame to write to.
#[derive(Debug)]
pub struct FrameMut<'a> {
    format: PixelFormat,
    size: Size,
    wanted: ColorTags,
    planes: [Option<PlaneMut<'a>>; 3],
}

fn plane_count_error(format: PixelFormat, found: usize) -> Error {
    Error::new(Status::InvalidParameter, format!("a {format} frame with {found} planes"))
        .expected(format!("{}", format.layout().planes))
}

impl<'a> Frame<'a> {
    /// A frame of `size` whose planes are `(bytes, stride)`, `bytes` covering every row and, with a negative
    /// stride, starting at the picture's last row. The whole frame is visible.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the size is impossible, a plane is missing or too small.
    pub fn new(
        format: PixelFormat,
        size: Size,
        tags: ColorTags,
        planes: &[(&'a [u8], isize)],
    ) -> Result<Self> {
        size.checked("frame")?;
        if planes.len() != format.layout().planes {
            return Err(plane_count_error(format, planes.len()));
        }
        let mut checked = [None; 3];
        for (index, &(bytes, stride)) in planes.iter().enumerate() {
            let rows = format.plane_size(index, size).height as usize;
            let rows = Rows::checked(index, bytes.len(), stride, format.row_bytes(index, size.width), rows)?;
            checked[index] = Some(Plane { bytes, rows });
        }
        Ok(Frame { format, size, visible: Rect::of(size), tags, planes: checked })
    }

    /// Restricts the frame to `visible` (FFmpeg's pending `crop_*`).
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the rectangle is empty or reaches outside the frame.
    pub fn with_visible(mut self, visible: Rect) -> Result<Self> {
        let fits = |start: u32, extent: u32, limit: u32| {
            extent > 0 && start.checked_add(extent).is_some_and(|end| end <= limit)
        };
        let Rect { x, y, size } = visible;
        if fits(x, size.width, self.size.width) && fits(y, size.height, self.size.height) {
            self.visible = visible;
            return Ok(self);
        }
        Err(Error::new(Status::InvalidParameter, format!("crop to {size} at ({x}, {y})"))
            .expected(format!("a rectangle inside the {} frame", self.size)))
    }

    /// The pixel format.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The size of the stored picture, before cropping.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The part that is to be processed.
    #[must_use]
    pub fn visible(&self) -> Rect {
        self.visible
    }

    /// What the frame says of its colours.
    #[must_use]
    pub fn tags(&self) -> ColorTags {
        self.tags
    }

    /// Plane `index`.
    ///
    /// # Panics
    /// When the format has no such plane.
    #[must_use]
    pub fn plane(&self, index: usize) -> Plane<'a> {
        self.planes[index].expect("the format has this plane")
    }

    /// Copies the pixels over all of `out`.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when `out` is of another format or size, or not all of this frame is visible.
    pub fn copy_to(&self, out: &mut FrameMut<'_>) -> Result<()> {
        if (self.format, self.size) != (out.format, out.size) || self.visible != Rect::of(self.size) {
            let Size { width, height } = self.visible.size;
            let found = format!("{width}x{height} of a frame of {} {}", self.size, self.format);
            return Err(Error::new(Status::UnsupportedFormat, found)
                .expected(format!("a whole frame of {} {}", out.size, out.format)));
        }
        for (from, to) in self.planes.iter().zip(&mut out.planes) {
            if let (Some(from), Some(to)) = (from, to) {
                (0..from.height()).for_each(|y| to.row_mut(y).copy_from_slice(from.row(y)));
            }
        }
        Ok(())
    }

    /// Whether a model makes the same of `other`: equal in every byte of the stored rows, in the part that is visible,
    /// and in what is said of the colours.
    #[must_use]
    pub fn is_same(&self, other: &Frame<'_>) -> bool {
        let described = |frame: &Frame<'_>| (frame.format, frame.size, frame.visible, frame.tags);
        let same_rows = |a: &Plane<'_>, b: &Plane<'_>| (0..a.height()).all(|y| a.row(y) == b.row(y));
        described(self) == described(other)
            && self.planes.iter().flatten().zip(other.planes.iter().flatten()).all(|(a, b)| same_rows(a, b))
    }
}

impl<'a> FrameMut<'a> {
    /// Asks for colours to be coded in this way, where the input leaves a choice: when R'G'B' becomes Y'CbCr or gray.
    #[must_use]
    pub fn with_wanted(mut self, wanted: ColorTags) -> Self {
        self.wanted = wanted;
        self
    }

    /// How colours are to be coded where the input leaves a choice.
    #[must_use]
    pub fn wanted(&self) -> ColorTags {
        self.wanted
    }

    /// A frame of `size` whose planes are `(bytes, stride)`, as [`Frame::new`].
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the size is impossible, a plane is missing or too small.
    pub fn new(format: PixelFormat, size: Size, planes: Vec<(&'a mut [u8], isize)>) -> Result<Self> {
        FrameMut::of_planes(format, size, planes)
    }

    /// The same of planes that are in no vector, such as an array's: nothing is allocated.
    ///
    /// # Errors
    /// As [`FrameMut::new`].
    pub fn of_planes<P>(format: PixelFormat, size: Size, planes: P) -> Result<Self>
    where
        P: IntoIterator<Item = (&'a mut [u8], isize), IntoIter: ExactSizeIterator>,
    {
        size.checked("frame")?;
        let planes = planes.into_iter();
        if planes.len() != format.layout().planes {
            return Err(plane_count_error(format, planes.len()));
        }
        let mut checked = [None, None, None];
        for (index, (bytes, stride)) in planes.enumerate() {
            let rows = format.plane_size(index, size).height as usize;
            let rows = Rows::checked(index, bytes.len(), stride, format.row_bytes(index, size.width), rows)?;
            checked[index] = Some(PlaneMut { bytes, rows });
        }
        Ok(FrameMut { format, size, wanted: ColorTags::default(), planes: checked })
    }

    /// The pixel format.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The size of the picture.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Every plane at once, so that they can be written side by side; `None` where the format has none.
    #[must_use]
    pub fn planes_mut(&mut self) -> [Option<PlaneMut<'_>>; 3] {
        self.planes.each_mut().map(|plane| plane.as_mut().map(PlaneMut::reborrow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_same_when_no_byte_crop_or_tag_differs_and_padding_does_not_count() {
        let tags = ColorTags::default();
        let bytes = |stride: usize, padding: u8| -> Vec<u8> {
            (0..3 * stride)
                .map(|i| if i % stride < 5 { (i / stride * 5 + i % stride) as u8 } else { padding })
                .collect()
        };
        let (a, b) = (bytes(5, 0), bytes(8, 9));
        fn gray(bytes: &[u8], stride: isize, tags: ColorTags) -> Frame<'_> {
            Frame::new(PixelFormat::Gray8, Size::new(5, 3), tags, &[(bytes, stride)]).unwrap()
        }
        let frame = gray(&a, 5, tags);
        assert!(frame.is_same(&gray(&b, 8, tags)));
        for index in 0..a.len() {
            let mut other = a.clone();
            other[index] ^= 1;
            assert!(!frame.is_same(&gray(&other, 5, tags)), "byte {index}");
        }
        let full = ColorTags { range: Some(crate::Range::Full), ..tags };
        assert!(!frame.is_same(&gray(&a, 5, full)));
        let cropped = gray(&a, 5, tags).with_visible(Rect { x: 1, y: 0, size: Size::new(4, 3) }).unwrap();
        assert!(!frame.is_same(&cropped));
    }

    /// RV-CORE-1010
    #[test]
    fn a_negative_stride_stores_the_picture_bottom_up() {
        let bytes = [7, 8, 0, 4, 5, 0, 1, 2];
        let size = Size::new(2, 3);
        let frame = Frame::new(PixelFormat::Gray8, size, ColorTags::default(), &[(&bytes, -3)]).unwrap();
        let rows: Vec<_> = (0..3).map(|y| frame.plane(0).row(y).to_vec()).collect();
        assert_eq!(rows, [[1, 2], [4, 5], [7, 8]]);

        let mut copy = bytes;
        let mut frame = FrameMut::new(PixelFormat::Gray8, size, vec![(&mut copy, -3)]).unwrap();
        let mut plane = frame.planes_mut()[0].take().unwrap();
        assert_eq!(plane.rows_mut(), [[1, 2], [4, 5], [7, 8]]);
        assert_eq!(plane.row_mut(2), [7, 8]);
    }

    #[test]
    fn a_plane_splits_at_any_row_into_the_same_rows() {
        for stride in [3isize, -3, 2, -2] {
            for y in 0..=3 {
                let size = Size::new(2, 3);
                let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8];
                let mut frame = FrameMut::new(PixelFormat::Gray8, size, vec![(&mut bytes, stride)]).unwrap();
                let whole: Vec<Vec<u8>> = {
                    let mut plane = frame.planes_mut()[0].take().unwrap();
                    plane.rows_mut().iter().map(|row| row.to_vec()).collect()
                };
                let (mut above, mut below) = frame.planes_mut()[0].take().unwrap().split_at_row(y);
                assert_eq!((above.height(), below.height()), (y, 3 - y));
                let mut rows: Vec<Vec<u8>> = (0..y).map(|row| above.row_mut(row).to_vec()).collect();
                rows.extend((0..3 - y).map(|row| below.row_mut(row).to_vec()));
                assert_eq!(rows, whole, "stride {stride}, split at {y}");
            }
        }
    }

    /// RV-CORE-1101
    #[test]
    fn a_plane_that_is_too_small_is_refused() {
        let bytes = [0; 11];
        let size = Size::new(4, 3);
        let new = |stride| Frame::new(PixelFormat::Gray8, size, ColorTags::default(), &[(&bytes, stride)]);
        for stride in [4, 3, -3, 0, isize::MAX, isize::MIN] {
            assert_eq!(new(stride).unwrap_err().status(), Status::InvalidParameter, "{stride}");
        }
        assert!(Frame::new(PixelFormat::Gray8, size, ColorTags::default(), &[]).is_err());
    }

    /// RV-CORE-1101
    #[test]
    fn pixels_are_copied_whatever_the_strides_and_only_whole_frames_of_one_kind() {
        let from: Vec<u8> = (0..15).collect();
        let size = Size::new(4, 3);
        let frame = Frame::new(PixelFormat::Gray8, size, ColorTags::default(), &[(&from, 5)]).unwrap();
        let mut to = [99; 18];
        frame
            .copy_to(&mut FrameMut::of_planes(PixelFormat::Gray8, size, [(&mut to[..], -6)]).unwrap())
            .unwrap();
        assert_eq!(to, [10, 11, 12, 13, 99, 99, 5, 6, 7, 8, 99, 99, 0, 1, 2, 3, 99, 99]);

        let part = frame.clone().with_visible(Rect { x: 0, y: 0, size: Size::new(3, 3) }).unwrap();
        let mut smaller =
            FrameMut::of_planes(PixelFormat::Gray8, Size::new(3, 3), [(&mut to[..], 6)]).unwrap();
        for refused in [part.copy_to(&mut smaller), frame.copy_to(&mut smaller)] {
            assert_eq!(refused.unwrap_err().status(), Status::UnsupportedFormat);
        }
    }

    #[test]
    fn a_crop_must_lie_inside() {
        let bytes = [0; 12];
        let frame =
            Frame::new(PixelFormat::Gray8, Size::new(4, 3), ColorTags::default(), &[(&bytes, 4)]).unwrap();
        let rect = |x, y, w, h| Rect { x, y, size: Size::new(w, h) };
        assert!(frame.clone().with_visible(rect(1, 1, 3, 2)).is_ok());
        for outside in [rect(1, 1, 4, 2), rect(0, 0, 0, 1), rect(u32::MAX, 0, 2, 1)] {
            assert!(frame.clone().with_visible(outside).is_err());
        }
    }
}
