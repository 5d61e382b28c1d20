//! A frame in page-locked host memory, which the device copies from and to.

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use rave_core::{ColorTags, Error, Frame, FrameMut, PixelFormat, Rect, Result, Size, Status};

use crate::sys::{CUDA_MEMCPY2D_v2, CUmemorytype};
use crate::{Device, FrameOnDevice, Stream};

/// The pixels of one frame in host memory, plane after plane, rows without padding. For what has to see pixels on the
/// host: nothing between decoder and encoder on the GPU does.
#[derive(Debug)]
pub struct HostFrame {
    device: Device,
    memory: NonNull<u8>,
    format: PixelFormat,
    size: Size,
}

// SAFETY: the memory belongs to this value alone and may be freed from any thread.
unsafe impl Send for HostFrame {}
// SAFETY: what is behind `&self` is only read.
unsafe impl Sync for HostFrame {}

impl HostFrame {
    /// A black or green frame: all bytes are 0.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for an impossible size, [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn new(device: &Device, format: PixelFormat, size: Size) -> Result<Self> {
        size.checked("frame")?;
        let bytes = total(format, size);
        let bound = device.bind()?;
        let mut memory: *mut c_void = ptr::null_mut();
        // SAFETY: the context is current while `bound` lives; `memory` outlives the call.
        let result = unsafe { (bound.driver.cuMemHostAlloc)(&mut memory, bytes, 0) };
        bound.check("cuMemHostAlloc", result)?;
        drop(bound);
        let memory = NonNull::new(memory.cast::<u8>())
            .ok_or_else(|| Error::new(Status::OutOfMemory, "page-locked host memory at address 0"))?;
        // SAFETY: the allocation has `bytes` bytes, and nobody else knows of it.
        unsafe { memory.write_bytes(0, bytes) };
        Ok(HostFrame { device: device.clone(), memory, format, size })
    }

    /// Whether it has room for frames of `format` and `size`, and for no others.
    #[must_use]
    pub fn is_of(&self, format: PixelFormat, size: Size) -> bool {
        (self.format, self.size) == (format, size)
    }

    /// Enqueues copying all of `frame`, also what is not visible, into this one.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the frame is of another format or size, [`Status::DeviceLost`].
    ///
    /// # Safety
    /// Until the copy is done, the pixels are neither read nor written; the value may be dropped, which waits.
    pub unsafe fn enqueue_download(&mut self, stream: &Stream, frame: &FrameOnDevice) -> Result<()> {
        self.enqueue(stream, frame, |host, device| CUDA_MEMCPY2D_v2 {
            srcMemoryType: CUmemorytype::CU_MEMORYTYPE_DEVICE,
            srcDevice: device.0,
            srcPitch: device.1,
            dstMemoryType: CUmemorytype::CU_MEMORYTYPE_HOST,
            dstHost: host.0.cast(),
            dstPitch: host.1,
            ..empty_copy()
        })
    }

    /// Enqueues copying this frame over all of `frame`.
    ///
    /// # Errors
    /// As [`HostFrame::enqueue_download`].
    ///
    /// # Safety
    /// Until the copy is done, this value is not written to; it may be dropped, which waits.
    pub unsafe fn enqueue_upload(&self, stream: &Stream, frame: &FrameOnDevice) -> Result<()> {
        self.enqueue(stream, frame, |host, device| CUDA_MEMCPY2D_v2 {
            srcMemoryType: CUmemorytype::CU_MEMORYTYPE_HOST,
            srcHost: host.0.cast_const().cast(),
            srcPitch: host.1,
            dstMemoryType: CUmemorytype::CU_MEMORYTYPE_DEVICE,
            dstDevice: device.0,
            dstPitch: device.1,
            ..empty_copy()
        })
    }

    /// Enqueues a copy for each plane, described by `copy` from where it lies on the host and on the device, with pitches.
    fn enqueue(
        &self,
        stream: &Stream,
        frame: &FrameOnDevice,
        copy: impl Fn((*mut u8, usize), (u64, usize)) -> CUDA_MEMCPY2D_v2,
    ) -> Result<()> {
        if !self.is_of(frame.format(), frame.size()) {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("a {} {} frame in GPU memory", frame.size(), frame.format()),
            )
            .expected(format!("one of {} {}", self.size, self.format)));
        }
        let bound = stream.device().bind()?;
        for (plane, &on_device) in frame.planes().iter().enumerate().take(self.format.layout().planes) {
            let (offset, row, rows) = place(self.format, self.size, plane);
            // SAFETY: `new` allocated the bytes of all planes, of which this is the beginning of one.
            let host = unsafe { self.memory.add(offset) }.as_ptr();
            let copy = CUDA_MEMCPY2D_v2 {
                WidthInBytes: row,
                Height: rows,
                ..copy((host, row), (on_device.address, on_device.pitch))
            };
            // SAFETY: the host's side lies in our allocation, which outlives the copy, as freeing it waits; the device's by
            // the contract of `FrameOnDevice::new` for a frame of the same format and size, checked above. `copy` outlives
            // the call.
            let result = unsafe { (bound.driver.cuMemcpy2DAsync_v2)(&copy, stream.handle()) };
            bound.check("cuMemcpy2DAsync", result)?;
        }
        Ok(())
    }

    /// The frame, of which `visible` counts.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the rectangle is empty or reaches outside of the frame.
    pub fn view(&self, tags: ColorTags, visible: Rect) -> Result<Frame<'_>> {
        let mut planes: [(&[u8], isize); 3] = [(&[], 0); 3];
        let count = self.format.layout().planes;
        for (plane, described) in planes.iter_mut().enumerate().take(count) {
            let (offset, row, rows) = place(self.format, self.size, plane);
            // SAFETY: the plane lies inside our allocation, all of which was written when it was made; nobody writes it while
            // it is borrowed, by the contracts of the copies.
            let bytes = unsafe { std::slice::from_raw_parts(self.memory.add(offset).as_ptr(), row * rows) };
            *described = (bytes, row as isize);
        }
        Frame::new(self.format, self.size, tags, &planes[..count])?.with_visible(visible)
    }

    /// The frame, to be written.
    ///
    /// # Errors
    /// None for a frame that could be made.
    pub fn view_mut(&mut self) -> Result<FrameMut<'_>> {
        let planes = (0..self.format.layout().planes).map(|plane| {
            let (offset, row, rows) = place(self.format, self.size, plane);
            // SAFETY: as in `view`; planes do not overlap, and this borrows the only value that knows of them.
            let bytes =
                unsafe { std::slice::from_raw_parts_mut(self.memory.add(offset).as_ptr(), row * rows) };
            (bytes, row as isize)
        });
        FrameMut::new(self.format, self.size, planes.collect())
    }
}

impl Drop for HostFrame {
    fn drop(&mut self) {
        let memory = self.memory.as_ptr().cast();
        // SAFETY: the memory is ours. cuMemFreeHost returns once the work of the context is done, copies among it.
        self.device.destroy("cuMemFreeHost", |driver| unsafe { (driver.cuMemFreeHost)(memory) });
    }
}

/// Where a plane begins, the bytes of its rows, and how many there are.
fn place(format: PixelFormat, size: Size, plane: usize) -> (usize, usize, usize) {
    let bytes = |plane| (format.row_bytes(plane, size.width), format.plane_size(plane, size).height as usize);
    let offset = (0..plane).map(bytes).map(|(row, rows)| row * rows).sum();
    let (row, rows) = bytes(plane);
    (offset, row, rows)
}

/// The bytes of all planes.
fn total(format: PixelFormat, size: Size) -> usize {
    place(format, size, format.layout().planes).0
}

fn empty_copy() -> CUDA_MEMCPY2D_v2 {
    CUDA_MEMCPY2D_v2 {
        srcXInBytes: 0,
        srcY: 0,
        srcMemoryType: CUmemorytype::CU_MEMORYTYPE_HOST,
        srcHost: ptr::null(),
        srcDevice: 0,
        srcArray: ptr::null_mut(),
        srcPitch: 0,
        dstXInBytes: 0,
        dstY: 0,
        dstMemoryType: CUmemorytype::CU_MEMORYTYPE_HOST,
        dstHost: ptr::null_mut(),
        dstDevice: 0,
        dstArray: ptr::null_mut(),
        dstPitch: 0,
        WidthInBytes: 0,
        Height: 0,
    }
}
