//! Pixels that are copied, to be changed.

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
}
