//! Memory as zimg wants it.

use std::ffi::c_void;

use rave_core::Size;

use super::sys;

/// Rows begin at multiples of this many bytes (zimg.h, zimg_image_buffer_const).
const ALIGNMENT: usize = 64;

/// Bytes that begin at a multiple of [`ALIGNMENT`], inside a longer vector.
pub(super) struct Block {
    bytes: Vec<u8>,
    start: usize,
}

impl Block {
    pub(super) fn zeroed(length: usize) -> Self {
        let bytes = vec![0; length + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        Block { bytes, start }
    }

    pub(super) fn address(&mut self) -> *mut c_void {
        self.bytes[self.start..].as_mut_ptr().cast()
    }
}

/// One plane, every row at the alignment.
pub(super) struct Plane {
    block: Block,
    stride: usize,
    row_bytes: usize,
    rows: usize,
}

impl Plane {
    pub(super) fn new(size: Size, sample_bytes: usize) -> Self {
        let row_bytes = size.width as usize * sample_bytes;
        let stride = row_bytes.next_multiple_of(ALIGNMENT);
        let rows = size.height as usize;
        Plane { block: Block::zeroed(stride * rows), stride, row_bytes, rows }
    }

    pub(super) fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let start = self.block.start + y * self.stride;
        &mut self.block.bytes[start..][..self.row_bytes]
    }

    /// The samples, row by row.
    pub(super) fn values<const N: usize, T>(
        &self,
        of: impl Fn([u8; N]) -> T + Copy,
    ) -> impl Iterator<Item = T> {
        (0..self.rows).flat_map(move |y| {
            let row = &self.block.bytes[self.block.start + y * self.stride..][..self.row_bytes];
            row.chunks_exact(N).map(move |bytes| of(bytes.try_into().expect("chunks of N bytes")))
        })
    }
}

/// Lends planes to zimg, in the order that its buffers have.
pub(super) fn buffer(planes: &mut [Plane]) -> sys::ImageBuffer {
    let mut planes = planes.iter_mut();
    sys::ImageBuffer {
        version: sys::API,
        planes: std::array::from_fn(|_| match planes.next() {
            Some(plane) => sys::PlaneBuffer {
                data: plane.block.address(),
                stride: plane.stride as isize,
                mask: sys::WHOLE_PLANE,
            },
            None => sys::PlaneBuffer { data: std::ptr::null_mut(), stride: 0, mask: 0 },
        }),
    }
}
