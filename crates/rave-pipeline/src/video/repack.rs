//! Another way to store the same samples, such as p010le as yuv420p10le: by the pixel kernels, code for code where the other
//! format holds them. Or other colours, where an encoder takes only these.

use rave_core::pixels::{Pack, Unpack};
use rave_core::{Colorimetry, Elements, ElementsMut, PixelFamily, PixelFormat, Result, Size, ValueRange};
use rave_ffmpeg::{FramePool, VideoFrame};

/// From one format to another, in host memory.
#[derive(Debug)]
pub(crate) struct Repack {
    from: PixelFormat,
    size: Size,
    /// How the other is coded, if not as the one.
    colors: Option<Colorimetry>,
    unpack: Unpack,
    pack: Pack,
    tensor: Vec<f32>,
    pool: FramePool,
}

impl Repack {
    /// Of pictures of `size` and `from`, which become `to`, coded as `colors` say or as they are.
    pub(crate) fn new(
        from: PixelFormat,
        to: PixelFormat,
        size: Size,
        colors: Option<Colorimetry>,
    ) -> Result<Self> {
        let channels = if to.family() == PixelFamily::Gray { 1 } else { 3 };
        Ok(Repack {
            from,
            size,
            colors,
            unpack: Unpack::new(from, size, channels, size)?,
            pack: Pack::new(to, size, channels, size, true)?,
            tensor: vec![0.0; channels as usize * size.pixels() as usize],
            pool: FramePool::new(to, size)?,
        })
    }

    /// Makes `to` what `from` shows, with its properties.
    pub(crate) fn run(&mut self, from: &VideoFrame, to: &mut VideoFrame) -> Result<()> {
        let view = from.view()?;
        let colors = view.tags().resolve(self.from, self.size);
        self.unpack.run(&view, colors, ValueRange::Unit, ElementsMut::F32(&mut self.tensor))?;
        self.pool.take(to)?;
        let coded = self.colors.unwrap_or(colors);
        self.pack.run(Elements::F32(&self.tensor), ValueRange::Unit, coded, &mut to.view_mut()?)?;
        to.copy_properties(from)?;
        if let Some(colors) = self.colors {
            to.set_color(from.color().converted(colors, false));
        }
        Ok(())
    }
}

/// Of the formats that `has` says yes to, the one that keeps of `format` everything, with the least beyond it.
// RV-PIPE-2303
pub(crate) fn container_of(format: PixelFormat, has: impl Fn(PixelFormat) -> bool) -> Option<PixelFormat> {
    if has(format) {
        return Some(format);
    }
    let kept = |other: &PixelFormat| {
        let (a, b) = (format.layout(), other.layout());
        a.family == b.family
            && b.depth >= a.depth
            && b.log2_chroma_width <= a.log2_chroma_width
            && b.log2_chroma_height <= a.log2_chroma_height
    };
    let size = |format: &PixelFormat| {
        let layout = format.layout();
        (layout.depth, 4 - layout.log2_chroma_width - layout.log2_chroma_height)
    };
    PixelFormat::ALL.iter().copied().filter(kept).filter(|&format| has(format)).min_by_key(size)
}

#[cfg(test)]
mod tests {
    use rave_core::PixelFormat::{Bgr0, Nv12, P010, P016, Rgb24, Yuv420p, Yuv420p10, Yuv422p, Yuv422p10};
    use rave_core::PixelFormat::{Yuv444p, Yuv444p16};

    use super::*;

    /// RV-PIPE-2303
    #[test]
    fn a_format_that_gpus_do_not_have_goes_into_the_smallest_that_holds_it() {
        let gpu = [Nv12, Yuv420p, Yuv444p, P010, P016, Yuv444p16, Bgr0];
        for (format, container) in [
            (Nv12, Some(Nv12)),
            (Yuv420p10, Some(P010)),
            (Yuv422p, Some(Yuv444p)),
            (Yuv422p10, Some(Yuv444p16)),
            (Rgb24, Some(Bgr0)),
            (PixelFormat::Gbrp16, None),
        ] {
            assert_eq!(container_of(format, |format| gpu.contains(&format)), container, "{format}");
        }
    }

    /// RV-PIPE-2303
    #[test]
    fn samples_come_back_code_for_code() {
        let size = Size::new(34, 18);
        let mut to_p010 = Repack::new(Yuv420p10, P010, size, None).unwrap();
        let mut back = Repack::new(P010, Yuv420p10, size, None).unwrap();
        let mut frame = VideoFrame::new().unwrap();
        FramePool::new(Yuv420p10, size).unwrap().take(&mut frame).unwrap();
        let mut seed = 7u32;
        for plane in frame.view_mut().unwrap().planes_mut().iter_mut().flatten() {
            for y in 0..plane.height() {
                for sample in plane.row_mut(y).chunks_exact_mut(2) {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    sample.copy_from_slice(&((seed >> 16) as u16 & 1023).to_le_bytes());
                }
            }
        }
        frame.set_pts(Some(7));
        let (mut packed, mut again) = (VideoFrame::new().unwrap(), VideoFrame::new().unwrap());
        to_p010.run(&frame, &mut packed).unwrap();
        back.run(&packed, &mut again).unwrap();
        assert!(again.view().unwrap().is_same(&frame.view().unwrap()));
        assert_eq!(again.pts(), Some(7));
    }
}
