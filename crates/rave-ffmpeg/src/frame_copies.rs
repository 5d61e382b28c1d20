//! Pixels that are copied: to be changed, or to a GPU.

use rave_core::Result;

use crate::error::check;
use crate::frame::VideoFrame;
use crate::sys;

impl VideoFrame {
    /// Sees to it that nobody else refers to the pixels: copies them where somebody does.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    pub fn make_writable(&mut self) -> Result<()> {
        // SAFETY: the frame is ours.
        check(unsafe { sys::av_frame_make_writable(self.as_mut_ptr()) }, || "copying a frame".to_owned())
            .map(drop)
    }

    /// Copies the pixels of a frame in host memory into this one, which is on a GPU and of the same format and size, with
    /// its properties. They are valid in order on the device's stream.
    ///
    /// # Errors
    /// Whatever the device reports.
    // RV-FF-1203
    pub fn upload_from(&mut self, host_frame: &VideoFrame) -> Result<()> {
        // SAFETY: both frames are valid, and this one is ours to change.
        let code = unsafe { sys::av_hwframe_transfer_data(self.as_mut_ptr(), host_frame.as_ptr(), 0) };
        check(code, || "copying a frame to the device".to_owned())?;
        self.copy_properties(host_frame)
    }
}
