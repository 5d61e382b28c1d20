//! Frames and tensors as one block of bytes with guards around every row, on the host and on the device.

use std::ops::Range;

use half::f16;
use rave_core::{ElementType, Elements, Frame, FrameMut, PixelFormat, Rect, Result, Size, TensorShape};
use rave_cuda::{DevicePlane, FrameOnDevice, TensorOnDevice, element_bytes};

use super::case::{Content, Pitch};
use super::random::Random;

/// What every byte outside rows is, before and after.
const GUARD: u8 = 0xa5;
/// Bytes of guard before, between and after planes.
const MARGIN: usize = 512;

/// Where a frame's planes lie in a block.
#[derive(Clone, Debug)]
pub(crate) struct FrameLayout {
    format: PixelFormat,
    size: Size,
    /// Offset and pitch of each plane.
    planes: Vec<(usize, usize)>,
    bytes: usize,
}

impl FrameLayout {
    pub(crate) fn new(format: PixelFormat, size: Size, pitch: Pitch) -> Self {
        let sample = format.layout().sample_bytes;
        let mut end = 0;
        let planes = (0..format.layout().planes)
            .map(|plane| {
                let row = format.row_bytes(plane, size.width);
                let rows = format.plane_size(plane, size).height as usize;
                let start = (end + MARGIN).next_multiple_of(512);
                let (start, pitch) = match pitch {
                    Pitch::Tight => (start, row),
                    Pitch::Aligned512 => (start, row.next_multiple_of(512)),
                    Pitch::Odd => (start + sample, row + 3 * sample),
                };
                end = start + pitch * rows;
                (start, pitch)
            })
            .collect();
        FrameLayout { format, size, planes, bytes: end + MARGIN }
    }

    /// A block of guards.
    pub(crate) fn block(&self) -> Vec<u8> {
        vec![GUARD; self.bytes]
    }

    /// The bytes of each row, with the plane and row number.
    fn rows(&self) -> impl Iterator<Item = (usize, usize, Range<usize>)> + '_ {
        self.planes.iter().enumerate().flat_map(move |(plane, &(start, pitch))| {
            let row = self.format.row_bytes(plane, self.size.width);
            let rows = self.format.plane_size(plane, self.size).height as usize;
            (0..rows).map(move |y| (plane, y, start + y * pitch..start + y * pitch + row))
        })
    }

    /// The bytes of the samples that cover `visible`, row by row.
    pub(crate) fn covering(&self, visible: Rect) -> Vec<Range<usize>> {
        let layout = self.format.layout();
        let covered = |plane: usize, start: u32, extent: u32, log2: u32| {
            let log2 = if plane > 0 { log2 } else { 0 };
            (start >> log2) as usize..((start + extent - 1) >> log2) as usize + 1
        };
        self.rows()
            .filter_map(|(plane, y, row)| {
                let rows = covered(plane, visible.y, visible.size.height, layout.log2_chroma_height);
                let columns = covered(plane, visible.x, visible.size.width, layout.log2_chroma_width);
                let column = self.format.row_bytes(plane, 1);
                let bytes = row.start + columns.start * column..row.start + columns.end * column;
                rows.contains(&y).then_some(bytes)
            })
            .collect()
    }

    /// Fills the rows with samples.
    pub(crate) fn fill(&self, block: &mut [u8], content: Content, random: &mut Random) {
        let layout = self.format.layout();
        let max = (1u32 << layout.depth) - 1;
        let code = |random: &mut Random| match content {
            Content::NearZero => random.below(max / 16 + 1),
            Content::NearMax => max - random.below(max / 16 + 1),
            _ => random.below(max + 1),
        };
        for (_, _, row) in self.rows() {
            for sample in block[row].chunks_exact_mut(layout.sample_bytes) {
                let value = code(random) << layout.shift;
                // Bits below the code of an msb format are not part of it and must not matter.
                let noise = if layout.shift > 0 { random.below(1 << layout.shift) } else { 0 };
                let stored = (value | noise).to_le_bytes();
                sample.copy_from_slice(&stored[..layout.sample_bytes]);
            }
        }
    }

    pub(crate) fn frame<'a>(&self, block: &'a [u8], visible: Rect) -> Result<Frame<'a>> {
        let planes: Vec<_> =
            self.planes.iter().map(|&(start, pitch)| (&block[start..], pitch as isize)).collect();
        let tags = rave_core::ColorTags::default();
        Frame::new(self.format, self.size, tags, &planes)?.with_visible(visible)
    }

    pub(crate) fn frame_mut<'a>(&self, mut block: &'a mut [u8]) -> Result<FrameMut<'a>> {
        let mut planes = Vec::new();
        let mut consumed = 0;
        for (index, &(start, pitch)) in self.planes.iter().enumerate() {
            let end = self.planes.get(index + 1).map_or(self.bytes, |next| next.0);
            let (before, after) = block.split_at_mut(end - consumed);
            planes.push((&mut before[start - consumed..], pitch as isize));
            block = after;
            consumed = end;
        }
        FrameMut::new(self.format, self.size, planes)
    }

    /// The frame in a copy of the block at `base`.
    pub(crate) fn on_device(&self, base: u64) -> Result<FrameOnDevice> {
        let planes: Vec<_> = self
            .planes
            .iter()
            .map(|&(start, pitch)| DevicePlane { address: base + start as u64, pitch })
            .collect();
        // SAFETY: the planes lie inside the block, of which callers keep the copy until their stream is done.
        unsafe { FrameOnDevice::new(self.format, self.size, &planes) }
    }

    /// The first difference between what a kernel wrote and what was expected, and the largest one in codes.
    pub(crate) fn compare(&self, found: &[u8], expected: &[u8]) -> Option<String> {
        if found == expected {
            return None;
        }
        let layout = self.format.layout();
        let value = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |value, &byte| value << 8 | u32::from(byte));
        let (mut count, mut largest, mut first) = (0, 0, None);
        let mut inside = vec![false; self.bytes];
        for (plane, y, row) in self.rows() {
            inside[row.clone()].fill(true);
            let samples = |block: &[u8]| -> Vec<u32> {
                block[row.clone()].chunks_exact(layout.sample_bytes).map(value).collect()
            };
            for (x, (found, expected)) in samples(found).into_iter().zip(samples(expected)).enumerate() {
                if found != expected {
                    count += 1;
                    largest = largest.max((found >> layout.shift).abs_diff(expected >> layout.shift));
                    first.get_or_insert_with(|| {
                        format!("plane {plane} row {y} sample {x} is {found}, expected {expected}")
                    });
                }
            }
        }
        let guards = (0..self.bytes).find(|&at| !inside[at] && found[at] != expected[at]);
        let samples = first.map(|first| format!("{count} samples differ, by up to {largest} codes; {first}"));
        let guards = guards.map(|at| format!("byte {at} outside the rows was written"));
        Some([samples, guards].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

/// A tensor between guards.
#[derive(Clone, Debug)]
pub(crate) struct TensorBlock {
    pub(crate) element: ElementType,
    pub(crate) shape: TensorShape,
    /// Offset of the first element.
    start: usize,
    pub(crate) bytes: Vec<u8>,
}

impl TensorBlock {
    pub(crate) fn new(element: ElementType, shape: TensorShape, misaligned: bool) -> Self {
        let unit = element_bytes(element);
        let start = MARGIN + if misaligned { unit } else { 0 };
        TensorBlock { element, shape, start, bytes: vec![GUARD; start + shape.elements() * unit + MARGIN] }
    }

    /// Writes `values` as the elements, rounded to the element type.
    pub(crate) fn set(&mut self, values: &Elements<'_>) {
        let out = &mut self.bytes[self.start..];
        match values {
            Elements::F32(values) => {
                for (out, value) in out.chunks_exact_mut(4).zip(*values) {
                    out.copy_from_slice(&value.to_bits().to_le_bytes());
                }
            }
            Elements::F16(values) => {
                for (out, value) in out.chunks_exact_mut(2).zip(*values) {
                    out.copy_from_slice(&value.to_bits().to_le_bytes());
                }
            }
        }
    }

    /// The tensor in a copy of the block at `base`.
    pub(crate) fn on_device(&self, base: u64) -> Result<TensorOnDevice> {
        // SAFETY: the elements lie inside the block, of which callers keep the copy until their stream is done.
        unsafe { TensorOnDevice::new(base + self.start as u64, self.element, self.shape) }
    }

    /// As [`TensorBlock::compare`], but one NaN is as good as another.
    pub(crate) fn compare_values(&self, found: &[u8]) -> Option<String> {
        let canonical = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let end = bytes.len() - MARGIN;
            for element in bytes[self.start..end].chunks_exact_mut(element_bytes(self.element)) {
                match element {
                    [a, b] if f16::from_le_bytes([*a, *b]).is_nan() => {
                        element.copy_from_slice(&f16::NAN.to_le_bytes());
                    }
                    [a, b, c, d] if f32::from_le_bytes([*a, *b, *c, *d]).is_nan() => {
                        element.copy_from_slice(&f32::NAN.to_le_bytes());
                    }
                    _ => {}
                }
            }
            bytes
        };
        let expected = TensorBlock { bytes: canonical(&self.bytes), ..*self };
        expected.compare(&canonical(found))
    }

    /// The first difference between what a kernel wrote and what was expected. All bits count.
    pub(crate) fn compare(&self, found: &[u8]) -> Option<String> {
        if found == self.bytes {
            return None;
        }
        let unit = element_bytes(self.element);
        let elements = self.start..self.bytes.len() - MARGIN;
        let value = |bytes: &[u8]| match self.element {
            ElementType::F32 => f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            ElementType::F16 => f16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
        };
        let (mut count, mut largest, mut first) = (0, 0f32, None);
        let pairs =
            found[elements.clone()].chunks_exact(unit).zip(self.bytes[elements.clone()].chunks_exact(unit));
        for (index, (found, expected)) in pairs.enumerate() {
            if found != expected {
                count += 1;
                let (found, expected) = (value(found), value(expected));
                largest = largest.max((found - expected).abs());
                let (width, height) = (self.shape.size.width as usize, self.shape.size.height as usize);
                first.get_or_insert_with(|| {
                    format!(
                        "channel {} row {} column {} is {found:e}, expected {expected:e}",
                        index / width / height,
                        index / width % height,
                        index % width
                    )
                });
            }
        }
        let guard = (0..found.len()).find(|at| !elements.contains(at) && found[*at] != self.bytes[*at]);
        let values = first.map(|first| format!("{count} elements differ, by up to {largest:e}; {first}"));
        let guard = guard.map(|at| format!("byte {at} outside the tensor was written"));
        Some([values, guard].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}
