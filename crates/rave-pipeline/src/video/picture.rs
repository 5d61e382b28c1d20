//! What goes through a pipeline of videos.

use rave_core::{ColorTags, Frame, FrameMut, PixelFormat, Result, Size};
use rave_ffmpeg::{ColorCodes, FrameFormat, FramePool, Rational, VideoFrame};

use super::packets::Packets;
use crate::Carrier;

/// One picture of a video: its frame, in host memory or on a GPU, and what of the file's other streams goes with it.
#[derive(Debug)]
pub struct Picture {
    pub(crate) frame: VideoFrame,
    pub(crate) packets: Packets,
    pub(crate) time_base: Rational,
}

/// A unit of time for pictures that have none.
const NO_TIME_BASE: Rational = Rational::new(1, 1);

impl Picture {
    /// A picture of `size` in host memory, filled by `fill` and shown at `pts`, in units of `time_base` seconds, until the next
    /// one; the last one for one unit.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](rave_core::Status::InvalidParameter) for an impossible size; those of `fill`.
    pub fn new(
        format: PixelFormat,
        size: Size,
        (pts, time_base): (i64, Rational),
        fill: impl FnOnce(&mut FrameMut<'_>) -> Result<()>,
    ) -> Result<Self> {
        let mut picture = Picture { time_base, ..Picture::blank()? };
        FramePool::new(format, size)?.take(&mut picture.frame)?;
        fill(&mut picture.frame.view_mut()?)?;
        picture.frame.set_pts(Some(pts));
        // How long the last one is shown, nobody else says; MP4 leaves out one that is shown for no time.
        picture.frame.set_duration(1);
        Ok(picture)
    }

    /// Its pixels, where they are in host memory.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`](rave_core::Status::UnsupportedFormat) when they are on a GPU, or in a format without
    /// kernels.
    pub fn view(&self) -> Result<Frame<'_>> {
        self.frame.view()
    }

    /// Its pixels, to be changed. What others see of them, such as the decoder, which predicts later pictures from them, does
    /// not change: they are copied first where that is needed.
    ///
    /// # Errors
    /// As [`Picture::view`]; [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    pub fn view_mut(&mut self) -> Result<FrameMut<'_>> {
        if !self.frame.is_writable() {
            self.frame.make_writable()?;
        }
        self.frame.view_mut()
    }

    /// The frame itself.
    #[must_use]
    pub fn frame(&self) -> &VideoFrame {
        &self.frame
    }

    /// The frame itself, to be changed.
    #[must_use]
    pub fn frame_mut(&mut self) -> &mut VideoFrame {
        &mut self.frame
    }

    /// The size of what is shown.
    #[must_use]
    pub fn size(&self) -> Size {
        self.frame.visible().size
    }

    /// Where its pixels are, and how they are stored.
    #[must_use]
    pub fn format(&self) -> FrameFormat {
        self.frame.format()
    }

    /// What it says of its colours, as far as the pixel kernels need it.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`](rave_core::Status::UnsupportedFormat) for a matrix that they do not do.
    pub fn tags(&self) -> Result<ColorTags> {
        self.color().tags()
    }

    /// What it says of its colours.
    #[must_use]
    pub fn color(&self) -> ColorCodes {
        self.frame.color()
    }

    /// When it is shown, in seconds, where that is known.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        self.frame.pts().map(|pts| pts as f64 * self.time_base.to_f64())
    }

    /// Takes over what goes with `from` beside its frame, of which this one's was made.
    pub(crate) fn follow(&mut self, from: &mut Picture) -> Result<()> {
        self.time_base = from.time_base;
        self.packets.append(&mut from.packets)
    }
}

impl Carrier for Picture {
    fn blank() -> Result<Self> {
        Ok(Picture { frame: VideoFrame::new()?, packets: Packets::new(), time_base: NO_TIME_BASE })
    }

    fn clear(&mut self) {
        self.frame.clear();
        self.packets.clear();
        self.time_base = NO_TIME_BASE;
    }

    fn share(&self) -> Result<Self> {
        let mut shared = Picture { time_base: self.time_base, ..Picture::blank()? };
        shared.frame.refer_to(&self.frame)?;
        Ok(shared)
    }
}
