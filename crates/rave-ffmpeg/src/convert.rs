//! Frames in formats that RAVE has no kernels for.

use std::ptr;

use rave_core::{Error, PixelFormat, Result, Size, Status};

use crate::error::{check, out_of_memory};
use crate::formats::{self, av_format};
use crate::frame::VideoFrame;
use crate::pool::FramePool;
use crate::sys;

/// Brings frames in host memory into the nearest format that RAVE has kernels for, by libswscale: another order of
/// bytes, a palette, an odd subsampling of chroma. Matrix and range stay. Transparency is lost.
///
/// Frames in formats that RAVE knows need none of this.
#[derive(Debug, Default)]
pub struct Converter {
    context: Context,
    pool: Option<FramePool>,
}

#[derive(Debug)]
struct Context(*mut sys::SwsContext);

impl Default for Context {
    fn default() -> Self {
        Context(ptr::null_mut())
    }
}

// SAFETY: the context is used through the one Converter that owns it.
unsafe impl Send for Converter {}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: NULL or ours.
        unsafe { sys::sws_freeContext(self.0) };
    }
}

impl Converter {
    /// A converter; it learns of formats and sizes by frames.
    #[must_use]
    pub fn new() -> Self {
        Converter::default()
    }

    /// Makes `to` what `from` shows, in [`closest_known_format`](crate::closest_known_format), with its properties.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a frame that is not in host memory, or that libswscale cannot read.
    // RV-FF-1205
    pub fn convert(&mut self, from: &VideoFrame, to: &mut VideoFrame) -> Result<PixelFormat> {
        let code = from.get().format;
        let unsupported = || Error::new(Status::UnsupportedFormat, format!("a frame is {:?}", from.format()));
        let format = formats::closest_known(code).ok_or_else(unsupported)?;
        let source = formats::checked(code).ok_or_else(unsupported)?;
        let size = from.size();
        self.take(format, size, to)?;
        let (width, height) = (size.width as i32, size.height as i32);
        let flags = (sys::SwsFlags::SWS_BICUBIC as i32)
            | (sys::SwsFlags::SWS_ACCURATE_RND as i32)
            | (sys::SwsFlags::SWS_FULL_CHR_H_INP as i32)
            | (sys::SwsFlags::SWS_FULL_CHR_H_INT as i32);
        // SAFETY: the context is NULL or ours, and is given away to be replaced or kept; formats are FFmpeg's.
        self.context.0 = unsafe {
            sys::sws_getCachedContext(
                self.context.0,
                width,
                height,
                source,
                width,
                height,
                av_format(format),
                flags,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            )
        };
        if self.context.0.is_null() {
            return Err(unsupported().help("libswscale cannot read it"));
        }
        let full = i32::from(from.color().range == 2);
        // SAFETY: the context is valid, both frames are, and the second has buffers of the size that was said.
        unsafe {
            // Equal on both sides, so that nothing is scaled: what the frame says of its range stays true.
            let table = sys::sws_getCoefficients(sys::SWS_CS_DEFAULT);
            sys::sws_setColorspaceDetails(self.context.0, table, full, table, full, 0, 1 << 16, 1 << 16);
            let code = sys::sws_scale(
                self.context.0,
                from.get().data.as_ptr().cast(),
                from.get().linesize.as_ptr(),
                0,
                height,
                to.get().data.as_ptr(),
                to.get().linesize.as_ptr(),
            );
            check(code, || format!("converting a frame to {format}"))?;
        }
        to.copy_properties(from)?;
        Ok(format)
    }

    fn take(&mut self, format: PixelFormat, size: Size, frame: &mut VideoFrame) -> Result<()> {
        if self.pool.as_ref().is_none_or(|pool| (pool.format(), pool.size()) != (format, size)) {
            self.pool = Some(FramePool::new(format, size)?);
        }
        self.pool.as_mut().ok_or_else(|| out_of_memory("pool of frames"))?.take(frame)
    }
}
