//! Frames in host memory, whose buffers are used again.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rave_core::{PixelFormat, Result, Size};

use crate::error::{check, out_of_memory};
use crate::formats::av_format;
use crate::frame::VideoFrame;
use crate::sys;

/// Bytes to which rows are aligned: a cache line, and the widest vector.
const ALIGN: i32 = 64;

/// Frames of one format and size. A frame's buffer comes back by itself when the last reference to it is let go of, on
/// whatever thread, also after the pool itself is gone.
#[derive(Debug)]
pub struct FramePool {
    pool: NonNull<sys::AVBufferPool>,
    format: PixelFormat,
    size: Size,
    made: Arc<AtomicU64>,
    taken: u64,
}

// SAFETY: libavutil's pools may be used from any thread.
unsafe impl Send for FramePool {}

impl FramePool {
    /// A pool of frames of `format` and `size`. Buffers are made when they are needed.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](rave_core::Status::InvalidParameter) for an impossible size,
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    pub fn new(format: PixelFormat, size: Size) -> Result<Self> {
        size.checked("frame")?;
        let name = || format!("pool of {format} frames of {size}");
        let (width, height) = (size.width as i32, size.height as i32);
        // SAFETY: plain arithmetic.
        let bytes = unsafe { sys::av_image_get_buffer_size(av_format(format), width, height, ALIGN) };
        let bytes = check(bytes, name)? as usize + ALIGN as usize;
        let made = Arc::new(AtomicU64::new(0));
        let counter = Arc::into_raw(Arc::clone(&made)).cast_mut().cast::<c_void>();
        // SAFETY: both callbacks take the counter that is given with them, which `forget` lets go of at last.
        let pool = unsafe { sys::av_buffer_pool_init2(bytes, counter, Some(allocate), Some(forget)) };
        let pool = NonNull::new(pool).ok_or_else(|| {
            // SAFETY: nobody else has the counter, since there is no pool.
            unsafe { forget(counter) };
            out_of_memory(&name())
        })?;
        Ok(FramePool { pool, format, size, made, taken: 0 })
    }

    /// The format of its frames.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The size of its frames.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Makes `frame` a frame of this pool, with pixels of whatever was there before, and no properties.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    // RV-FF-1206
    pub fn take(&mut self, frame: &mut VideoFrame) -> Result<()> {
        frame.clear();
        let raw = frame.get_mut();
        // SAFETY: the pool is valid.
        let buffer = unsafe { sys::av_buffer_pool_get(self.pool.as_ptr()) };
        // SAFETY: NULL or valid.
        let Some(data) = (unsafe { buffer.as_ref() }).map(|buffer| buffer.data) else {
            return Err(out_of_memory("frame"));
        };
        raw.buf[0] = buffer;
        raw.extended_data = raw.data.as_mut_ptr();
        raw.format = av_format(self.format) as i32;
        raw.width = self.size.width as i32;
        raw.height = self.size.height as i32;
        // The buffer is as aligned as the allocator makes it; rows begin at the next multiple.
        let start = data.wrapping_add(data.align_offset(ALIGN as usize));
        // SAFETY: the buffer holds ALIGN bytes more than the planes take; both arrays have room for four planes.
        let code = unsafe {
            sys::av_image_fill_arrays(
                raw.data.as_mut_ptr(),
                raw.linesize.as_mut_ptr(),
                start,
                av_format(self.format),
                raw.width,
                raw.height,
                ALIGN,
            )
        };
        check(code, || format!("{} frame of {}", self.format, self.size))?;
        self.taken += 1;
        Ok(())
    }

    /// How many buffers were made so far: no more than were in use at the same time.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// How many frames were taken so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }
}

impl Drop for FramePool {
    fn drop(&mut self) {
        let mut pool = self.pool.as_ptr();
        // SAFETY: it is ours; frames that are still in use keep what they need of it.
        unsafe { sys::av_buffer_pool_uninit(&mut pool) };
    }
}

unsafe extern "C" fn allocate(counter: *mut c_void, size: usize) -> *mut sys::AVBufferRef {
    // SAFETY: the counter is alive as long as the pool, which calls this.
    unsafe { (*counter.cast::<AtomicU64>()).fetch_add(1, Ordering::Relaxed) };
    // SAFETY: has no preconditions. Zeroed, so that padding between rows is the same in every run.
    unsafe { sys::av_buffer_allocz(size) }
}

unsafe extern "C" fn forget(counter: *mut c_void) {
    // SAFETY: it came of Arc::into_raw, and the pool calls this once, at its end.
    drop(unsafe { Arc::from_raw(counter.cast::<AtomicU64>().cast_const()) });
}
