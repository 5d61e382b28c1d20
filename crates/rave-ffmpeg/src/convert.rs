//! Frames in formats that RAVE has no kernels for.

use std::ptr;

use rave_core::{Colorimetry, Error, Matrix, PixelFormat, Range, Result, Size, Status};

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

/// As exact as libswscale is.
const FLAGS: [sys::SwsFlags; 4] = [
    sys::SwsFlags::SWS_BICUBIC,
    sys::SwsFlags::SWS_ACCURATE_RND,
    sys::SwsFlags::SWS_FULL_CHR_H_INP,
    sys::SwsFlags::SWS_FULL_CHR_H_INT,
];

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
        let unsupported = || Error::new(Status::UnsupportedFormat, format!("a frame is {:?}", from.format()));
        let format = formats::closest_known(from.get().format).ok_or_else(unsupported)?;
        self.take(format, from.size(), to)?;
        self.prepare(from, format, from.size())?;
        // Equal on both sides, so that nothing is computed: what the frame says of its range stays true.
        let colors = (sys::SWS_CS_DEFAULT, from.color().range == Range::Full.code());
        self.scale(from, to, colors, colors)?;
        to.copy_properties(from)?;
        Ok(format)
    }

    /// Makes `to` what `from` shows as 8-bit RGB of `size`, scaled by bicubic interpolation: what a picture looks like
    /// without a model. `colors` says how `from` is coded.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a frame that is not in host memory, or that libswscale cannot read.
    // RV-FF-1207
    pub fn resize_to_rgb(
        &mut self,
        from: &VideoFrame,
        colors: Colorimetry,
        size: Size,
        to: &mut VideoFrame,
    ) -> Result<()> {
        let format = PixelFormat::Rgb24;
        self.take(format, size, to)?;
        self.prepare(from, format, size)?;
        // libswscale numbers matrices as H.273 does, but for the second number of BT.601.
        let matrix = if colors.matrix == Matrix::Bt601 { sys::SWS_CS_ITU601 } else { colors.matrix.code() };
        self.scale(from, to, (matrix, colors.range == Range::Full), (matrix, true))?;
        to.copy_properties(from)
    }

    /// Sets the context up for frames like `from`.
    fn prepare(&mut self, from: &VideoFrame, format: PixelFormat, size: Size) -> Result<()> {
        let unsupported = || Error::new(Status::UnsupportedFormat, format!("a frame is {:?}", from.format()));
        let source = formats::describe(from.get().format).filter(|found| !found.is_hardware);
        let source = source.and_then(|_| formats::checked(from.get().format)).ok_or_else(unsupported)?;
        let (size_of, flags) =
            (|side: u32| side as i32, FLAGS.iter().fold(0, |all, flag| all | *flag as i32));
        let old = std::mem::replace(&mut self.context.0, ptr::null_mut());
        // SAFETY: the old context is NULL or ours, and is given away to be kept or replaced; formats are FFmpeg's.
        self.context.0 = unsafe {
            sys::sws_getCachedContext(
                old,
                size_of(from.size().width),
                size_of(from.size().height),
                source,
                size_of(size.width),
                size_of(size.height),
                av_format(format),
                flags,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            )
        };
        if self.context.0.is_null() { Err(unsupported().help("libswscale cannot read it")) } else { Ok(()) }
    }

    /// Does what was prepared. Matrix and whether the range is full, of both sides.
    fn scale(
        &mut self,
        from: &VideoFrame,
        to: &mut VideoFrame,
        source: (i32, bool),
        target: (i32, bool),
    ) -> Result<()> {
        let neutral = 1 << 16;
        // SAFETY: the context is valid and was made for frames of these formats and sizes; tables are static; the second
        // frame has buffers of its own.
        let code = unsafe {
            sys::sws_setColorspaceDetails(
                self.context.0,
                sys::sws_getCoefficients(source.0),
                i32::from(source.1),
                sys::sws_getCoefficients(target.0),
                i32::from(target.1),
                0,
                neutral,
                neutral,
            );
            sys::sws_scale(
                self.context.0,
                from.get().data.as_ptr().cast(),
                from.get().linesize.as_ptr(),
                0,
                from.get().height,
                to.get_mut().data.as_ptr(),
                to.get_mut().linesize.as_ptr(),
            )
        };
        check(code, || format!("converting a frame of {}", from.size())).map(drop)
    }

    fn take(&mut self, format: PixelFormat, size: Size, frame: &mut VideoFrame) -> Result<()> {
        if self.pool.as_ref().is_none_or(|pool| (pool.format(), pool.size()) != (format, size)) {
            self.pool = Some(FramePool::new(format, size)?);
        }
        self.pool.as_mut().ok_or_else(|| out_of_memory("pool of frames"))?.take(frame)
    }
}
