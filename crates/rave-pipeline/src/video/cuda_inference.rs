//! The model on a GPU, on frames that stay there.

use std::collections::VecDeque;

use rave_core::{ColorTags, Error, Log, PixelFamily, Result, Status};
use rave_engine::{CudaSession, DevicePlane, FrameOnDevice, SessionOptions};
use rave_ffmpeg::{HardwareFrames, VideoFrame};

use super::engine::Engine;
use super::picture::Picture;
use super::results::Results;
use crate::{FrameStage, Outlet};

/// Runs the model on every picture.
#[derive(Debug)]
pub(crate) struct CudaInference {
    // Dropped in this order: the session waits for its work, and then the frames may go.
    session: CudaSession,
    in_flight: VecDeque<InFlight>,
    last: Option<Last>,
    results: HardwareFrames,
    rgb: bool,
    dedup: bool,
    joined: Results,
}

/// A picture that the GPU has.
#[derive(Debug)]
struct InFlight {
    input: Picture,
    result: Picture,
    /// Whether the result is that of the picture before, and not the session's.
    repeats: bool,
}

/// What a repeat of the last picture would need.
#[derive(Debug)]
struct Last {
    input: VideoFrame,
    described: FrameOnDevice,
    tags: ColorTags,
    result: VideoFrame,
}

impl CudaInference {
    /// A stage of `engine`, which is on a GPU. It looks for pictures that repeat the one before if `dedup` says so.
    pub(crate) fn new(
        engine: &Engine,
        options: &SessionOptions,
        dedup: bool,
        joined: Results,
        log: Log,
    ) -> Result<Self> {
        let gpu = engine.gpu.as_ref().ok_or_else(|| {
            Error::new(Status::InvalidParameter, "the engine is on the CPU").expected("one on a GPU")
        })?;
        let session = CudaSession::new(&engine.model, options, log)?;
        let results = HardwareFrames::new(&gpu.hardware, options.output_format, session.output_size())?;
        Ok(CudaInference {
            in_flight: VecDeque::with_capacity(2 * session.capacity()),
            last: None,
            results,
            rgb: options.output_format.family() == PixelFamily::Rgb,
            dedup,
            joined,
            session,
        })
    }

    pub(crate) fn session(&self) -> &CudaSession {
        &self.session
    }

    pub(crate) fn results(&self) -> &HardwareFrames {
        &self.results
    }

    /// Makes `result` another reference to what was made of the last picture, if this one repeats it.
    // RV-PIPE-2107
    fn repeat(
        &mut self,
        input: &VideoFrame,
        described: &FrameOnDevice,
        result: &mut VideoFrame,
    ) -> Result<bool> {
        let Some(last) = &self.last else { return Ok(false) };
        if last.tags != input.color().tags()? || !self.session.is_repeat(&last.described, described)? {
            return Ok(false);
        }
        result.refer_to(&last.result)?;
        let color = result.color();
        result.copy_properties(input)?;
        result.set_color(color);
        self.joined.repeated();
        Ok(true)
    }

    /// Gives on the oldest picture that the GPU has.
    fn emit(&mut self, out: &mut Outlet<Picture>) -> Result<()> {
        let Some(InFlight { input, result, repeats }) = self.in_flight.pop_front() else { return Ok(()) };
        if !repeats {
            self.session.finish()?;
        }
        // What follows on the device's stream is behind the result, so that the input may be used again, too.
        out.recycle(input);
        out.send(result)
    }

    /// Waits for what was submitted, on the way out of an error: the frames must outlive it.
    fn give_up(&mut self) {
        // The error that led here is the one to tell.
        let _ = self.session.drain().or_else(|_| self.session.drain());
    }
}

impl FrameStage<Picture> for CudaInference {
    fn process(&mut self, mut input: Picture, out: &mut Outlet<Picture>) -> Result<()> {
        let described = describe(&input.frame)?;
        let mut result = out.blank()?;
        let repeats = self.dedup && self.repeat(&input.frame, &described, &mut result.frame)?;
        if !repeats {
            self.results.take(&mut result.frame)?;
            let target = describe(&result.frame)?;
            let tags = input.frame.color().tags()?;
            let made = self.session.submit(&described, tags, &target, ColorTags::default());
            let made = match made {
                Ok(made) => made,
                Err(error) => {
                    let left_out = self.joined.leave_out(&mut input, error);
                    left_out.inspect_err(|_| self.give_up())?;
                    out.recycle(input);
                    out.recycle(result);
                    return Ok(());
                }
            };
            result.frame.copy_properties(&input.frame)?;
            result.frame.set_color(input.frame.color().converted(made, self.rgb));
            if self.dedup {
                let mut last =
                    Last { input: VideoFrame::new()?, described, tags, result: VideoFrame::new()? };
                last.input.refer_to(&input.frame)?;
                last.result.refer_to(&result.frame)?;
                self.last = Some(last);
            }
        }
        self.joined.join(&mut result, &mut input)?;
        self.in_flight.push_back(InFlight { input, result, repeats });
        while self.session.in_flight() == self.session.capacity()
            || self.in_flight.front().is_some_and(|f| f.repeats)
        {
            self.emit(out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Outlet<Picture>) -> Result<()> {
        // Once, so that nothing that went wrong with the last pictures is missed.
        self.session.drain()?;
        while !self.in_flight.is_empty() {
            self.emit(out)?;
        }
        self.joined.end()
    }
}

/// A frame as the session's kernels see it.
pub(super) fn describe(frame: &VideoFrame) -> Result<FrameOnDevice> {
    let (format, planes) = frame.device_planes()?;
    let planes = planes.map(|plane| DevicePlane { address: plane.address, pitch: plane.pitch });
    // SAFETY: the planes are those of a frame that libavutil keeps allocated while anybody refers to it. The stage keeps
    // inputs and results in `in_flight`, and the last ones in `last`, until the session has finished them, after which the
    // device's stream, in whose order their memory is used again, is behind all work with them; in an error it waits first.
    // What copies a frame to the host keeps it until that is done.
    let described = unsafe { FrameOnDevice::new(format, frame.size(), &planes[..format.layout().planes]) };
    described?.with_visible(frame.visible())
}
