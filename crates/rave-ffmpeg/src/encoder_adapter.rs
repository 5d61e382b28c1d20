//! Frames as some encoders want them: with the bytes of samples in the other order, or with a quality of their own.

use rave_core::{PixelFormat, Result, Size};

use crate::frame::VideoFrame;
use crate::pool::FramePool;

/// Makes frames for an encoder of those that it is sent.
#[derive(Debug)]
pub(crate) struct Adapter {
    /// Where frames with swapped bytes come from, and FFmpeg's number of their format.
    swapped: Option<(FramePool, i32)>,
    quality: Option<i32>,
    frame: VideoFrame,
}

impl Adapter {
    /// `swapped` is the format of the frames that are sent, and FFmpeg's number of the same with its bytes swapped;
    /// `quality` what encoders with fixed quantisers want to read in each frame.
    pub(crate) fn new(swapped: Option<(PixelFormat, i32)>, size: Size, quality: Option<i32>) -> Result<Self> {
        let swapped = swapped.map(|(format, code)| Ok((FramePool::new(format, size)?, code))).transpose()?;
        Ok(Adapter { swapped, quality, frame: VideoFrame::new()? })
    }

    /// What is to be encoded instead of `from`.
    pub(crate) fn adapted(&mut self, from: &VideoFrame) -> Result<&VideoFrame> {
        match &mut self.swapped {
            None => self.frame.refer_to(from)?,
            Some((pool, code)) => {
                pool.take(&mut self.frame)?;
                swap_bytes(from, &mut self.frame)?;
                self.frame.copy_properties(from)?;
                self.frame.get_mut().format = *code;
            }
        }
        if let Some(quality) = self.quality {
            self.frame.get_mut().quality = quality;
        }
        Ok(&self.frame)
    }
}

/// Copies samples of two bytes with the bytes in the other order.
fn swap_bytes(from: &VideoFrame, to: &mut VideoFrame) -> Result<()> {
    let from = from.view()?;
    let mut to = to.view_mut()?;
    for (index, plane) in to.planes_mut().iter_mut().enumerate() {
        let Some(plane) = plane else { continue };
        for y in 0..plane.height() {
            let samples = from.plane(index).row(y).as_chunks::<2>().0;
            for (sample, swapped) in samples.iter().zip(plane.row_mut(y).as_chunks_mut::<2>().0) {
                *swapped = [sample[1], sample[0]];
            }
        }
    }
    Ok(())
}
