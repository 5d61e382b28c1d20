//! Frames: pixels in host memory or on a GPU.

use std::ptr::NonNull;

use rave_core::{Error, Frame, FrameMut, PixelFormat, Rect, Result, Size, Status};

use crate::Rational;
use crate::color::ColorCodes;
use crate::error::{check, out_of_memory};
use crate::formats::{self, Description};
use crate::hdr::Hdr;
use crate::sys::{self, AVPixelFormat, timestamp, timestamp_code};

/// Where a frame's pixels are, and how they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameFormat {
    /// In host memory, in a format that RAVE has kernels for.
    Host(PixelFormat),
    /// In host memory, in another format of FFmpeg's: see [`Converter`](crate::Converter).
    Foreign(String),
    /// On a GPU, in a format that RAVE has kernels for.
    Cuda(PixelFormat),
    /// On a device, in a format or of a kind that RAVE does not know.
    ForeignDevice(String),
}

/// One plane of a frame on a GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DevicePlane {
    /// The device address of the first row.
    pub address: u64,
    /// Bytes from one row to the next.
    pub pitch: usize,
}

/// One frame, or an empty shell for one. Filling it lets go of what it held.
#[derive(Debug)]
pub struct VideoFrame(NonNull<sys::AVFrame>);

// SAFETY: a frame is owned by its VideoFrame alone, and what it shares with others is counted atomically.
unsafe impl Send for VideoFrame {}
// SAFETY: through &VideoFrame nothing is written.
unsafe impl Sync for VideoFrame {}

impl VideoFrame {
    /// An empty frame.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`].
    pub fn new() -> Result<Self> {
        // SAFETY: has no preconditions.
        let frame = unsafe { sys::av_frame_alloc() };
        NonNull::new(frame).map(VideoFrame).ok_or_else(|| out_of_memory("frame"))
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.get().buf[0].is_null()
    }

    /// Lets go of what it holds.
    pub fn clear(&mut self) {
        // SAFETY: the frame is ours.
        unsafe { sys::av_frame_unref(self.as_mut_ptr()) };
    }

    /// Becomes another reference to what `other` holds: the same pixels, properties of its own.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`].
    pub fn refer_to(&mut self, other: &VideoFrame) -> Result<()> {
        self.clear();
        // SAFETY: this one is blank, the other is valid.
        check(unsafe { sys::av_frame_ref(self.as_mut_ptr(), other.as_ptr()) }, || "frame".to_owned())
            .map(drop)
    }

    /// When it is shown, in units of the time base of whatever it came from or goes to.
    #[must_use]
    pub fn pts(&self) -> Option<i64> {
        timestamp(self.get().pts)
    }

    /// Sets when it is shown.
    pub fn set_pts(&mut self, pts: Option<i64>) {
        self.get_mut().pts = timestamp_code(pts);
    }

    /// For how long it is shown, in the same unit; 0 where that is unknown.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.get().duration
    }

    /// Sets for how long it is shown.
    pub fn set_duration(&mut self, duration: i64) {
        self.get_mut().duration = duration;
    }

    /// Its size in pixels, before [`VideoFrame::visible`].
    #[must_use]
    pub fn size(&self) -> Size {
        Size::new(self.get().width.max(0) as u32, self.get().height.max(0) as u32)
    }

    /// The part of it that is shown. On the host that is all; frames on a GPU may be cropped.
    #[must_use]
    pub fn visible(&self) -> Rect {
        let (frame, size) = (self.get(), self.size());
        let side = |start: usize, end: usize, whole: u32| {
            let start = u32::try_from(start).unwrap_or(u32::MAX).min(whole);
            let end = u32::try_from(end).unwrap_or(u32::MAX).min(whole - start);
            (start, whole - start - end)
        };
        let (x, width) = side(frame.crop_left, frame.crop_right, size.width);
        let (y, height) = side(frame.crop_top, frame.crop_bottom, size.height);
        Rect { x, y, size: Size::new(width, height) }
    }

    /// Where and how its pixels are stored.
    #[must_use]
    pub fn format(&self) -> FrameFormat {
        let code = self.get().format;
        if let Some(format) = formats::known(code) {
            return FrameFormat::Host(format);
        }
        let name = || formats::name_of(code).unwrap_or_else(|| "unknown".to_owned());
        match formats::describe(code) {
            Some(Description { is_hardware: true, .. }) => match self.device_format() {
                Some(inner) if code == AVPixelFormat::AV_PIX_FMT_CUDA as i32 => match formats::known(inner) {
                    Some(format) => FrameFormat::Cuda(format),
                    None => FrameFormat::ForeignDevice(formats::name_of(inner).unwrap_or_else(name)),
                },
                _ => FrameFormat::ForeignDevice(name()),
            },
            _ => FrameFormat::Foreign(name()),
        }
    }

    /// The pixel format of a frame on a device.
    fn device_format(&self) -> Option<i32> {
        let reference = self.get().hw_frames_ctx;
        // SAFETY: a frame's context, where it has one, is an AVHWFramesContext that lives as long as the frame.
        unsafe {
            let context = reference.as_ref()?.data.cast::<sys::AVHWFramesContext>();
            Some(sys::enum_code!((*context).sw_format))
        }
    }

    /// Its colours.
    #[must_use]
    pub fn color(&self) -> ColorCodes {
        // SAFETY: the frame is valid.
        unsafe { ColorCodes::of_frame(self.as_ptr()) }
    }

    /// Says what its colours are.
    pub fn set_color(&mut self, color: ColorCodes) {
        // SAFETY: the frame is ours.
        unsafe { color.write_to_frame(self.as_mut_ptr()) };
    }

    /// Its static metadata of high dynamic range.
    #[must_use]
    pub fn hdr(&self) -> Hdr {
        // SAFETY: the frame is valid.
        unsafe { Hdr::of_frame(self.as_ptr()) }
    }

    /// Width over height of a pixel, where it is said.
    #[must_use]
    pub fn sample_aspect(&self) -> Option<Rational> {
        Rational::from(self.get().sample_aspect_ratio).known()
    }

    /// Whether decoding could have started with it.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.get().flags & sys::AV_FRAME_FLAG_KEY != 0
    }

    /// Whether it is made of two fields.
    #[must_use]
    pub fn is_interlaced(&self) -> bool {
        self.get().flags & sys::AV_FRAME_FLAG_INTERLACED != 0
    }

    /// Whether parts of it were missing or damaged, and were made up.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.get().flags & sys::AV_FRAME_FLAG_CORRUPT != 0 || self.get().decode_error_flags != 0
    }

    /// Whether nobody else refers to its pixels.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        // SAFETY: only reads, in spite of its type.
        unsafe { sys::av_frame_is_writable(self.0.as_ptr()) > 0 }
    }

    /// Its pixels, to be read by the pixel kernels.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when they are not in host memory, or in a format or matrix without kernels.
    // RV-FF-1201
    pub fn view(&self) -> Result<Frame<'_>> {
        let format = self.host_format()?;
        let size = self.size();
        let mut planes = [(&[][..], 0); 3];
        let count = format.layout().planes;
        for (index, plane) in planes[..count].iter_mut().enumerate() {
            let (start, len, stride) = self.plane(format, index)?;
            // SAFETY: `plane` gives bytes inside the frame's buffers, which the frame keeps alive, and which nobody
            // writes to: neither this frame, borrowed here, nor a decoder that has given it out.
            *plane = (unsafe { std::slice::from_raw_parts(start, len) }, stride);
        }
        let frame = Frame::new(format, size, self.color().tags()?, &planes[..count])?;
        frame.with_visible(self.visible())
    }

    /// Its pixels, to be written by the pixel kernels.
    ///
    /// # Errors
    /// As [`VideoFrame::view`]; [`Status::Busy`] when others refer to the same pixels.
    // RV-FF-1201
    pub fn view_mut(&mut self) -> Result<FrameMut<'_>> {
        let format = self.host_format()?;
        if !self.is_writable() {
            return Err(
                Error::new(Status::Busy, "the frame is shared with others").expected("one that is not")
            );
        }
        let (size, wanted) = (self.size(), self.color().tags()?);
        let plane = |index| {
            let (start, len, stride) = self.plane(format, index)?;
            // SAFETY: as in `view`; nobody else refers to the buffers, self is borrowed for writing, and planes of one
            // frame do not overlap: FramePool lays them out one after another, decoders likewise or in buffers of
            // their own.
            Ok((unsafe { std::slice::from_raw_parts_mut(start, len) }, stride))
        };
        let frame = match format.layout().planes {
            1 => FrameMut::of_planes(format, size, [plane(0)?]),
            2 => FrameMut::of_planes(format, size, [plane(0)?, plane(1)?]),
            _ => FrameMut::of_planes(format, size, [plane(0)?, plane(1)?, plane(2)?]),
        };
        Ok(frame?.with_wanted(wanted))
    }

    /// The planes of a frame on a GPU, and their format. What is there is valid in order on the device's stream.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when it is not on a GPU, or in a format without kernels.
    // RV-FF-1202
    pub fn device_planes(&self) -> Result<(PixelFormat, [DevicePlane; 3])> {
        let FrameFormat::Cuda(format) = self.format() else {
            return Err(Error::new(Status::UnsupportedFormat, format!("a frame is {:?}", self.format()))
                .expected("pixels on a GPU, in a format that RAVE knows"));
        };
        let mut planes = [DevicePlane::default(); 3];
        for (index, plane) in planes[..format.layout().planes].iter_mut().enumerate() {
            let pitch = usize::try_from(self.get().linesize[index]).ok().filter(|&pitch| pitch > 0);
            let address = self.get().data[index] as u64;
            *plane = match pitch {
                Some(pitch) if address != 0 => DevicePlane { address, pitch },
                _ => {
                    return Err(Error::new(
                        Status::UnsupportedFormat,
                        format!("plane {index} of a frame is missing"),
                    ));
                }
            };
        }
        Ok((format, planes))
    }

    /// Copies a frame from the device to host memory, pixels and properties.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when it is not on a device; whatever the device reports.
    // RV-FF-1203
    pub fn download_from(&mut self, device_frame: &VideoFrame) -> Result<()> {
        self.clear();
        // SAFETY: this one is blank, so that it is allocated; the other is valid.
        unsafe {
            let code = sys::av_hwframe_transfer_data(self.as_mut_ptr(), device_frame.as_ptr(), 0);
            check(code, || "copying a frame from the device".to_owned())?;
            let code = sys::av_frame_copy_props(self.as_mut_ptr(), device_frame.as_ptr());
            check(code, || "copying a frame's properties".to_owned())?;
        }
        // Pictures on a device may be larger than what is shown of them.
        let (size, source) = (device_frame.size(), self.get_mut());
        source.width = size.width as i32;
        source.height = size.height as i32;
        // SAFETY: the frame is ours; the function checks that something is left.
        let code =
            unsafe { sys::av_frame_apply_cropping(self.as_mut_ptr(), sys::AV_FRAME_CROP_UNALIGNED as i32) };
        check(code, || "cropping a frame".to_owned()).map(drop)
    }

    /// Copies pixels and properties of a frame in host memory into this one, which was taken from [`HardwareFrames`].
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when this one is not on a device or has another format or size; whatever the
    /// device reports.
    ///
    /// [`HardwareFrames`]: crate::HardwareFrames
    // RV-FF-1403
    pub fn upload_from(&mut self, host_frame: &VideoFrame) -> Result<()> {
        let (here, there) = (self.format(), host_frame.format());
        let fits = match (&here, &there) {
            (FrameFormat::Cuda(a), FrameFormat::Host(b)) => a == b && self.size() == host_frame.size(),
            _ => false,
        };
        if !fits {
            let found = format!("a frame of {}, {there:?}", host_frame.size());
            return Err(
                Error::new(Status::UnsupportedFormat, found).expected(format!("{}, {here:?}", self.size()))
            );
        }
        // SAFETY: both frames are valid, and were found to have the same size and format.
        let code = unsafe { sys::av_hwframe_transfer_data(self.as_mut_ptr(), host_frame.as_ptr(), 0) };
        check(code, || "copying a frame to the device".to_owned())?;
        self.copy_properties(host_frame)
    }

    fn host_format(&self) -> Result<PixelFormat> {
        match self.format() {
            FrameFormat::Host(format) => Ok(format),
            FrameFormat::Foreign(name) => {
                Err(Error::new(Status::UnsupportedFormat, format!("a frame is {name}"))
                    .help("convert it with a Converter first"))
            }
            other => Err(Error::new(Status::UnsupportedFormat, format!("a frame is {other:?}"))
                .help("copy it to host memory first, with download_from")),
        }
    }

    /// The bytes of a plane of a host frame, and the stride: what [`Frame::new`] takes.
    fn plane(&self, format: PixelFormat, index: usize) -> Result<(*mut u8, usize, isize)> {
        let (frame, size) = (self.get(), self.size());
        let rows = format.plane_size(index, size).height as usize;
        let stride = frame.linesize[index] as isize;
        let len = stride.unsigned_abs() * rows.saturating_sub(1) + format.row_bytes(index, size.width);
        let first = frame.data[index];
        if first.is_null() || rows == 0 {
            return Err(Error::new(Status::InvalidParameter, format!("plane {index} of a frame is missing")));
        }
        // With a negative stride the picture's last row is the first in memory.
        let start = if stride < 0 { first.wrapping_offset(stride * (rows as isize - 1)) } else { first };
        self.check_inside_buffers(start, len, index)?;
        Ok((start, len, stride))
    }

    /// A frame's planes lie in its buffers. That is libav*'s promise; a decoder that broke it would be found here.
    fn check_inside_buffers(&self, start: *const u8, len: usize, plane: usize) -> Result<()> {
        let begin = start as usize;
        let inside = self.get().buf.iter().any(|&buffer| {
            // SAFETY: a frame's buffers are NULL or valid.
            let Some(buffer) = (unsafe { buffer.as_ref() }) else { return false };
            let data = buffer.data as usize;
            begin >= data && begin.checked_add(len).is_some_and(|end| end <= data + buffer.size)
        });
        if inside {
            return Ok(());
        }
        Err(Error::new(
            Status::InvalidParameter,
            format!("plane {plane} of a frame is outside of its buffers"),
        ))
    }

    pub(crate) fn as_ptr(&self) -> *const sys::AVFrame {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut sys::AVFrame {
        self.0.as_ptr()
    }

    pub(crate) fn get(&self) -> &sys::AVFrame {
        // SAFETY: allocated by av_frame_alloc, owned by self, and written through &mut self alone.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn get_mut(&mut self) -> &mut sys::AVFrame {
        // SAFETY: as in `get`, and self is borrowed for writing.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for VideoFrame {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: it is ours, and is not used after this.
        unsafe { sys::av_frame_free(&mut frame) };
    }
}
