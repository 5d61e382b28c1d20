//! A picture's rows over rayon's threads, each part with scratch of its own, without allocating.

use std::ops::Range;

use half::f16;

use crate::memory::{grow, room};
use crate::{ElementsMut, PixelFamily, PixelFormat, PlaneMut, Result};

/// Something that is written row by row and can be cut at a row.
pub(super) trait SplitRows: Sized + Send {
    /// The rows before `row` and the rows from `row` on; `row` counts from this part's first row.
    fn split_at_row(self, row: usize) -> (Self, Self);
}

/// Into how many parts the current rayon pool should cut a picture of `rows`: one for a single thread, else enough
/// that an uneven load evens out. What is computed does not depend on it.
fn part_count(rows: usize) -> usize {
    const FEWEST_ROWS: usize = 16;
    match rayon::current_num_threads() {
        1 => 1,
        threads => (4 * threads).min(rows / FEWEST_ROWS).max(1),
    }
}

/// Brings `scratch` to one element for each of the [`part_count`] parts of `rows`; nothing is allocated where it has them.
// RV-CORE-1011, RV-FFI-1013
pub(super) fn scratch_for<S>(scratch: &mut Vec<S>, rows: usize, make: impl Fn() -> Result<S>) -> Result<()> {
    let parts = part_count(rows);
    scratch.truncate(parts);
    if scratch.len() < parts {
        let mut all = room(parts, "parts of a picture")?;
        all.append(scratch);
        *scratch = all;
    }
    while scratch.len() < parts {
        scratch.push(make()?);
    }
    Ok(())
}

/// Brings each of `rows` to `length` samples.
pub(super) fn grow_rows<T: Clone + Default>(rows: &mut [Vec<T>], length: usize) -> Result<()> {
    rows.iter_mut().try_for_each(|row| grow(row, length, "samples of a row"))
}

/// Calls `work` for consecutive parts of `rows`, one for each element of `scratch`, on the current rayon pool, and
/// returns the sum of what it returned. Parts start at multiples of 2 from the first row.
// RV-CORE-1004, RV-FILT-1002
pub(super) fn for_each_part<T: SplitRows, S: Send>(
    target: T,
    rows: Range<usize>,
    scratch: &mut [S],
    work: &(impl Fn(T, Range<usize>, &mut S) -> usize + Sync),
) -> usize {
    if let [scratch] = scratch {
        return work(target, rows, scratch);
    }
    let (left, right) = scratch.split_at_mut(scratch.len() / 2);
    let count = rows.len() * left.len() / (left.len() + right.len()) / 2 * 2;
    let middle = rows.start + count;
    let (above, below) = target.split_at_row(count);
    let (a, b) = rayon::join(
        || for_each_part(above, rows.start..middle, left, work),
        || for_each_part(below, middle..rows.end, right, work),
    );
    a + b
}

/// Planes of fp32 rows of one width.
pub(super) struct Rows<'a, T, const N: usize> {
    planes: [&'a mut [T]; N],
    width: usize,
}

impl<'a, T, const N: usize> Rows<'a, T, N> {
    pub(super) fn new(planes: [&'a mut [T]; N], width: usize) -> Self {
        Rows { planes, width }
    }

    /// Row `y` of every plane that there is; empty where there is none.
    pub(super) fn row(&mut self, y: usize) -> [&mut [T]; N] {
        let width = self.width;
        self.planes.each_mut().map(
            |plane| {
                if plane.is_empty() { &mut [] } else { &mut plane[y * width..][..width] }
            },
        )
    }
}

impl<'a, T: Send, const N: usize> SplitRows for Rows<'a, T, N> {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        let Rows { planes, width } = self;
        let mut above = [const { None }; N];
        let mut below = [const { None }; N];
        for (index, plane) in planes.into_iter().enumerate() {
            let (a, b) = plane.split_at_mut((row * width).min(plane.len()));
            (above[index], below[index]) = (Some(a), Some(b));
        }
        let rows = |planes: [Option<&'a mut [T]>; N]| Rows::new(planes.map(Option::unwrap_or_default), width);
        (rows(above), rows(below))
    }
}

/// The rows of a tensor's channels.
pub(super) enum TensorRows<'a> {
    F32(Rows<'a, f32, 3>),
    F16(Rows<'a, f16, 3>),
}

impl<'a> TensorRows<'a> {
    /// Three channels, or one in the first place.
    pub(super) fn new(tensor: ElementsMut<'a>, channels: u32, width: usize) -> Self {
        fn split<T>(tensor: &mut [T], channels: u32, width: usize) -> Rows<'_, T, 3> {
            let channel = tensor.len() / channels as usize;
            let (first, rest) = tensor.split_at_mut(channel);
            let (second, third) = rest.split_at_mut(rest.len() / 2);
            Rows::new([first, second, third], width)
        }
        match tensor {
            ElementsMut::F32(tensor) => TensorRows::F32(split(tensor, channels, width)),
            ElementsMut::F16(tensor) => TensorRows::F16(split(tensor, channels, width)),
        }
    }
}

impl SplitRows for TensorRows<'_> {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        match self {
            TensorRows::F32(rows) => {
                let (above, below) = rows.split_at_row(row);
                (TensorRows::F32(above), TensorRows::F32(below))
            }
            TensorRows::F16(rows) => {
                let (above, below) = rows.split_at_row(row);
                (TensorRows::F16(above), TensorRows::F16(below))
            }
        }
    }
}

/// The rows of a frame's planes; chroma planes are cut where the luma row's chroma row is.
pub(super) struct FrameRows<'a> {
    pub(super) planes: [Option<PlaneMut<'a>>; 3],
    pub(super) format: PixelFormat,
}

impl SplitRows for FrameRows<'_> {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        let FrameRows { planes, format } = self;
        let layout = format.layout();
        let mut above = [None, None, None];
        let mut below = [None, None, None];
        for (index, plane) in planes.into_iter().enumerate() {
            let Some(plane) = plane else { continue };
            let subsampled = index > 0 && layout.family == PixelFamily::Yuv;
            let row = if subsampled { row.div_ceil(1 << layout.log2_chroma_height) } else { row };
            let (a, b) = plane.split_at_row(row);
            (above[index], below[index]) = (Some(a), Some(b));
        }
        (FrameRows { planes: above, format }, FrameRows { planes: below, format })
    }
}
