//! The model on the CPU.

use std::sync::Arc;

use rave_core::{ColorTags, Colorimetry, Log, PixelFamily, Result};
use rave_engine::{Model, Session, SessionOptions, Stats};
use rave_ffmpeg::{FramePool, VideoFrame};

use super::picture::Picture;
use super::results::Results;
use crate::{FrameStage, Outlet};

/// Runs the model on every picture.
#[derive(Debug)]
pub(crate) struct HostInference {
    session: Session,
    results: FramePool,
    rgb: bool,
    /// The last picture and what was made of it, where repeats are looked for.
    last: Option<Last>,
    joined: Results,
}

#[derive(Debug)]
struct Last {
    input: VideoFrame,
    result: VideoFrame,
}

impl HostInference {
    /// A stage of `model`, which looks for pictures that repeat the one before if `dedup` says so.
    pub(crate) fn new(
        model: &Model,
        options: &SessionOptions,
        dedup: bool,
        joined: Results,
        log: Log,
    ) -> Result<Self> {
        let session = Session::new(model, options, log)?;
        let empty = || -> Result<_> { Ok(Last { input: VideoFrame::new()?, result: VideoFrame::new()? }) };
        Ok(HostInference {
            results: FramePool::new(options.output_format, session.output_size())?,
            rgb: options.output_format.family() == PixelFamily::Rgb,
            last: dedup.then(empty).transpose()?,
            joined,
            session,
        })
    }

    /// What the session counts.
    pub(crate) fn stats(&self) -> Arc<Stats> {
        self.session.stats()
    }

    /// How the colours of pictures with these tags will be coded.
    pub(crate) fn output_colors(&self, tags: ColorTags) -> Colorimetry {
        self.session.output_colors(tags, ColorTags::default())
    }

    /// Makes `made` of `picture`.
    fn compute(&mut self, picture: &VideoFrame, made: &mut VideoFrame) -> Result<()> {
        // RV-PIPE-2107
        if let Some(last) = &self.last
            && !last.input.is_empty()
            && last.input.view()?.is_same(&picture.view()?)
        {
            made.refer_to(&last.result)?;
            let color = made.color();
            made.copy_properties(picture)?;
            made.set_color(color);
            self.joined.repeated();
            return Ok(());
        }
        self.results.take(made)?;
        let colors = self.session.process(&picture.view()?, &mut made.view_mut()?)?;
        made.copy_properties(picture)?;
        made.set_color(picture.color().converted(colors, self.rgb));
        if let Some(last) = &mut self.last {
            last.input.refer_to(picture)?;
            last.result.refer_to(made)?;
        }
        Ok(())
    }
}

impl FrameStage<Picture> for HostInference {
    fn process(&mut self, mut picture: Picture, out: &mut Outlet<Picture>) -> Result<()> {
        let mut made = out.blank()?;
        let computed = self.compute(&picture.frame, &mut made.frame);
        if let Err(error) = computed {
            self.joined.leave_out(&mut picture, error)?;
            out.recycle(made);
            out.recycle(picture);
            return Ok(());
        }
        self.joined.join(&mut made, &mut picture)?;
        out.recycle(picture);
        out.send(made)
    }

    fn finish(&mut self, _: &mut Outlet<Picture>) -> Result<()> {
        self.joined.end()
    }
}
