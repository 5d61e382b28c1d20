//! GPUs: where NVDEC puts frames and NVENC takes them.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use rave_core::{Error, PixelFormat, Result, Size, Status};

use crate::dictionary::c_string;
use crate::error::{check, out_of_memory, text_of};
use crate::formats::av_format;
use crate::frame::VideoFrame;
use crate::log;
use crate::sys::{self, AVHWDeviceType, AVPixelFormat};

/// A GPU with a context of its own, shared by whoever clones this.
#[derive(Debug)]
pub struct HardwareDevice(NonNull<sys::AVBufferRef>);

// SAFETY: a device is counted atomically, and libavutil uses it from any thread.
unsafe impl Send for HardwareDevice {}
// SAFETY: as above; through & only new references are made and two addresses read.
unsafe impl Sync for HardwareDevice {}

impl HardwareDevice {
    /// The GPU with CUDA's number `ordinal`, in a new context.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`] where there is no such GPU, or no driver.
    // RV-FF-1401
    pub fn cuda(ordinal: u32) -> Result<Self> {
        log::install();
        log::take_error();
        let number = c_string("GPU", &ordinal.to_string())?;
        let mut device = ptr::null_mut();
        // SAFETY: the place is valid, the number terminated, and there are no options.
        let code = unsafe {
            sys::av_hwdevice_ctx_create(
                &mut device,
                AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA,
                number.as_ptr(),
                ptr::null_mut(),
                0,
            )
        };
        match NonNull::new(device) {
            Some(device) if code >= 0 => Ok(HardwareDevice(device)),
            _ => {
                // The number is often another than what went wrong; what was said of it is not.
                let why = log::take_error().unwrap_or_else(|| text_of(code));
                let found = format!("GPU {ordinal}: {why}");
                Err(Error::new(Status::DeviceNotFound, found)
                    .expected("an NVIDIA GPU with its driver")
                    .help("rave doctor says what is missing"))
            }
        }
    }

    fn cuda_context(&self) -> &sys::AVCUDADeviceContext {
        // SAFETY: a device's reference holds an AVHWDeviceContext, whose hwctx is the kind's own: CUDA's, since only
        // CUDA devices get here. Neither changes while the device lives.
        unsafe {
            let device = self.0.as_ref().data.cast::<sys::AVHWDeviceContext>();
            &*(*device).hwctx.cast::<sys::AVCUDADeviceContext>()
        }
    }

    /// The CUcontext, as an address, for whoever adopts it. It lives as long as this device and its frames.
    #[must_use]
    pub fn context_address(&self) -> usize {
        self.cuda_context().cuda_ctx as usize
    }

    /// The CUstream on which frames are valid in order, as an address; 0 is the context's default stream.
    #[must_use]
    pub fn stream_address(&self) -> usize {
        self.cuda_context().stream as usize
    }

    /// The device that a frame is on.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a frame that is not on a CUDA device.
    pub fn of(frame: &VideoFrame) -> Result<Self> {
        let not_cuda = || Error::new(Status::UnsupportedFormat, format!("a frame is {:?}", frame.format()));
        if frame.get().format != AVPixelFormat::AV_PIX_FMT_CUDA as i32 {
            return Err(not_cuda());
        }
        // SAFETY: a CUDA frame's context is an AVHWFramesContext with a reference to its device.
        unsafe {
            let frames = frame.get().hw_frames_ctx.as_ref().ok_or_else(not_cuda)?;
            reference_to((*frames.data.cast::<sys::AVHWFramesContext>()).device_ref).map(HardwareDevice)
        }
    }

    /// A reference for libav* to keep.
    pub(crate) fn new_reference(&self) -> Result<*mut sys::AVBufferRef> {
        // SAFETY: ours is valid.
        unsafe { reference_to(self.0.as_ptr()) }.map(NonNull::as_ptr)
    }
}

impl Clone for HardwareDevice {
    fn clone(&self) -> Self {
        // SAFETY: ours is valid.
        HardwareDevice(unsafe { reference_to(self.0.as_ptr()) }.expect("memory for a reference"))
    }
}

impl Drop for HardwareDevice {
    fn drop(&mut self) {
        let mut device = self.0.as_ptr();
        // SAFETY: the reference is ours.
        unsafe { sys::av_buffer_unref(&mut device) };
    }
}

/// # Safety
/// `buffer` is valid.
unsafe fn reference_to(buffer: *mut sys::AVBufferRef) -> Result<NonNull<sys::AVBufferRef>> {
    // SAFETY: required of the caller.
    NonNull::new(unsafe { sys::av_buffer_ref(buffer) }).ok_or_else(|| out_of_memory("reference to a device"))
}

/// Frames on a GPU, whose memory is used again, in the layout that NVENC takes.
#[derive(Debug)]
pub struct HardwareFrames {
    frames: NonNull<sys::AVBufferRef>,
    format: PixelFormat,
    size: Size,
}

// SAFETY: as for the device; the pool inside may be used from any thread.
unsafe impl Send for HardwareFrames {}

impl HardwareFrames {
    /// Frames of `format` and `size` on `device`. Memory is taken when it is needed.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a format that CUDA frames do not have.
    // RV-FF-1403
    pub fn new(device: &HardwareDevice, format: PixelFormat, size: Size) -> Result<Self> {
        size.checked("frame")?;
        let name = || format!("{format} frames of {size} on the GPU");
        // SAFETY: the device is valid; the new context is filled in before it is initialised.
        unsafe {
            let frames = sys::av_hwframe_ctx_alloc(device.0.as_ptr());
            let frames = NonNull::new(frames).ok_or_else(|| out_of_memory(&name()))?;
            let made = HardwareFrames { frames, format, size };
            let context = made.frames.as_ref().data.cast::<sys::AVHWFramesContext>();
            (*context).format = AVPixelFormat::AV_PIX_FMT_CUDA;
            (*context).sw_format = av_format(format);
            (*context).width = size.width as i32;
            (*context).height = size.height as i32;
            log::take_error();
            let code = sys::av_hwframe_ctx_init(made.frames.as_ptr());
            if code == sys::AVERROR(libc::ENOSYS) {
                return Err(Error::new(
                    Status::UnsupportedFormat,
                    format!("{}: no such CUDA frames", name()),
                )
                .expected("nv12, p010le, p016le, yuv420p, yuv444p, yuv444p16le or a packed RGB format"));
            }
            check(code, name)?;
            Ok(made)
        }
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

    /// Makes `frame` a frame of these, with whatever is in the memory, and no properties.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`].
    pub fn take(&mut self, frame: &mut VideoFrame) -> Result<()> {
        frame.clear();
        // SAFETY: the context is initialised and the frame blank.
        let code = unsafe { sys::av_hwframe_get_buffer(self.frames.as_ptr(), frame.as_mut_ptr(), 0) };
        if code < 0 {
            let found = format!("{} frame of {} on the GPU", self.format, self.size);
            return Err(Error::new(Status::OutOfMemory, found).help("use a smaller tile, or fewer streams"));
        }
        // The memory may be of a larger picture.
        let raw = frame.get_mut();
        raw.width = self.size.width as i32;
        raw.height = self.size.height as i32;
        Ok(())
    }

    /// Another handle to the same frames, for whoever opens encoders of them.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`].
    pub fn share(&self) -> Result<Self> {
        // SAFETY: ours is valid.
        let frames = unsafe { reference_to(self.frames.as_ptr()) }?;
        Ok(HardwareFrames { frames, format: self.format, size: self.size })
    }

    pub(crate) fn new_reference(&self) -> Result<*mut sys::AVBufferRef> {
        // SAFETY: ours is valid.
        unsafe { reference_to(self.frames.as_ptr()) }.map(NonNull::as_ptr)
    }
}

impl Drop for HardwareFrames {
    fn drop(&mut self) {
        let mut frames = self.frames.as_ptr();
        // SAFETY: the reference is ours; frames that are in use keep their own.
        unsafe { sys::av_buffer_unref(&mut frames) };
    }
}

/// The names of the kinds of devices that this FFmpeg was built with.
pub(crate) fn device_kinds() -> Vec<String> {
    let mut kinds = Vec::new();
    let mut kind = AVHWDeviceType::AV_HWDEVICE_TYPE_NONE;
    loop {
        // SAFETY: kinds that the function itself gave; names are static.
        kind = unsafe { sys::av_hwdevice_iterate_types(kind) };
        if kind == AVHWDeviceType::AV_HWDEVICE_TYPE_NONE {
            return kinds;
        }
        // SAFETY: as above.
        let name = unsafe { CStr::from_ptr(sys::av_hwdevice_get_type_name(kind)) };
        kinds.push(name.to_string_lossy().into_owned());
    }
}
