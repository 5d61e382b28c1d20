//! A model bound to one frame geometry on the GPU.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rave_core::{ColorTags, Colorimetry, Error, Log, LogLevel, Result, Size, Status};
use rave_cuda::FrameOnDevice;
use rave_ledger::{Act, Digest, fingerprint};

use super::device::{CudaDevice, OpenSession};
use super::frame_graph::FrameGraph;
use super::geometry::Geometry;
use super::in_flight::NonFinite;
use super::lane::{Lane, Staged};
use super::model::TensorRtModel;
use super::pending::Pending;
use super::readback::Readback;
use super::repeat::RepeatFinder;
use crate::colors::Colors;
use crate::model::{Backend, Model};
use crate::noted::{self, Made, Noted};
use crate::retry::{self, Retry};
use crate::session::lost_frame;
use crate::stats::{Stats, timed};
use crate::{GraphChoice, Mode, SessionOptions};

/// The most frames that may be computed at a time.
const MAX_STREAMS: u32 = 16;

/// A model bound to one frame geometry, with every buffer that a frame needs. One thread at a time.
///
/// Frames are submitted and finished in order; between the two they are *in flight*.
#[derive(Debug)]
pub struct CudaSession {
    lanes: Vec<Lane>,
    /// The lane of the next frame.
    current: usize,
    in_flight: VecDeque<InFlight>,
    /// The number of the next frame.
    number: u64,
    options: SessionOptions,
    output_size: Size,
    colors: Colors,
    batch: u32,
    warned_non_finite: bool,
    /// Made when it is first asked for.
    repeats: Option<RepeatFinder>,
    /// Made with the first frame that is taken down.
    readback: Option<Readback>,
    stats: Arc<Stats>,
    /// Whether the frame before was lost.
    lost_before: bool,
    noted: Noted,
    log: Log,
    // What the lanes live on goes last.
    device: CudaDevice,
    _open: OpenSession,
    _model: Model,
}

/// A frame that was submitted and not finished.
#[derive(Debug)]
struct InFlight {
    lane: usize,
    slot: usize,
    /// What will be taken down of it.
    pending: Option<Box<Pending>>,
}

impl CudaSession {
    /// Binds `model` to a geometry.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a model that does not run on a GPU, and for a size, batch or number of streams out
    /// of range; [`Status::UnsupportedFormat`] for a pixel format that CUDA frames do not have or a size that the model
    /// cannot be brought to take; [`Status::OutOfMemory`], [`Status::KernelLaunchFailed`], [`Status::InferenceFailed`],
    /// [`Status::DeviceLost`].
    pub fn new(model: &Model, options: &SessionOptions, log: Log) -> Result<Self> {
        // RV-ENG-1201
        let Backend::TensorRt(tensorrt, device) = model.backend() else {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("model {} runs on the CPU, the frames are in GPU memory", model.name()),
            )
            .help("use a TensorRT engine"));
        };
        let ledger = model.ledger();
        Retry { mode: options.mode, ledger, log: &log }
            .once(
                "session",
                || retry::free_unused(Some(device)),
                || Self::try_new(model, (tensorrt, device), options, log.clone()),
            )
            .inspect_err(|error| ledger.failed("session", None, None, error))
    }

    fn try_new(
        model: &Model,
        (tensorrt, device): (&TensorRtModel, &CudaDevice),
        options: &SessionOptions,
        log: Log,
    ) -> Result<Self> {
        let open = device.session();
        let geometry = Geometry::new(model, tensorrt, device, options)?;
        let graph = || match options.graph {
            GraphChoice::Off => FrameGraph::Off,
            GraphChoice::Auto | GraphChoice::On => FrameGraph::Cold,
        };
        let (first, tiles) = Lane::new(&geometry, graph())?;
        log.write(
            LogLevel::Verbose,
            format_args!(
                "{} {} -> {} {} on the GPU; {first}, {tiles} tile(s) a frame",
                options.size, options.input_format, geometry.output_size, options.output_format
            ),
        );
        let mut lanes = vec![first];
        lanes.extend(more_lanes(options.streams, || Ok(Lane::new(&geometry, graph())?.0))?);
        let stats = Stats::default();
        stats.tiles.store(tiles, Ordering::Relaxed);
        stats.streams.store(lanes.len() as u32, Ordering::Relaxed);
        let Geometry { output_size, batch, .. } = geometry;
        let made = Made {
            output_size,
            model_size: lanes[0].model_size(),
            tiles,
            on_gpu: Some((lanes.len() as u32, batch, options.graph != GraphChoice::Off)),
        };
        Ok(CudaSession {
            in_flight: VecDeque::with_capacity(lanes.len() * batch as usize),
            lanes,
            current: 0,
            number: 0,
            colors: Colors::new(options, output_size, log.clone()),
            options: options.clone(),
            output_size,
            batch,
            warned_non_finite: false,
            repeats: None,
            readback: None,
            stats: Arc::new(stats),
            lost_before: false,
            noted: Noted::new(model, options, &made),
            log,
            device: device.clone(),
            _open: open,
            _model: model.clone(),
        })
    }

    /// The size of the frames that the session makes.
    #[must_use]
    pub fn output_size(&self) -> Size {
        self.output_size
    }

    /// The session's counters.
    #[must_use]
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// The device that it works on.
    #[must_use]
    pub fn device(&self) -> &CudaDevice {
        &self.device
    }

    /// How many frames are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How many frames may be in flight.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.lanes.len() * self.batch as usize
    }

    /// How the colours of the output will be coded for input tagged `tags`, where `wanted` is asked of the output: what
    /// [`CudaSession::submit`] will say.
    #[must_use]
    pub fn output_colors(&self, tags: ColorTags, wanted: ColorTags) -> Colorimetry {
        self.colors.resolve(tags, wanted).1
    }

    /// Enqueues running the model on the visible part of `input`, whose content is valid in order on the device's stream
    /// by now, and says how the colours of `out` will be coded. Both frames must stay as they are until the frame is
    /// finished; they may be one frame when the model keeps the size.
    ///
    /// Returns before the GPU has done any of it, and allocates nothing, but for frames of which the ledger gets fingerprints:
    /// the input of these is waited for here, and their output in [`CudaSession::finish`].
    ///
    /// # Errors
    /// [`Status::Busy`] when [`CudaSession::capacity`] frames are in flight, [`Status::UnsupportedFormat`] when either
    /// frame is not of the session's geometry, [`Status::InferenceFailed`] when the model fails, or when the output of an
    /// earlier frame turns out not to be finite (the message names it), [`Status::KernelLaunchFailed`],
    /// [`Status::DeviceLost`]. The frame is not in flight then, nor are those that would have been launched with it. In
    /// [`Mode::Hardened`], without batches, [`Status::FrameLost`] when the model failed, if the frame before was not lost:
    /// the frame is to be left out, and nothing on the GPU needs it any more.
    pub fn submit(
        &mut self,
        input: &FrameOnDevice,
        tags: ColorTags,
        out: &FrameOnDevice,
        wanted: ColorTags,
    ) -> Result<Colorimetry> {
        let stats = Arc::clone(&self.stats);
        timed(&stats.submit_ns, || {
            let number = self.number;
            let result = self.try_submit(input, tags, out, wanted);
            // A frame that found no room was not taken.
            if !matches!(&result, Err(error) if error.status() == Status::Busy) {
                self.number += 1;
            }
            match result {
                Ok(made) => {
                    self.lost_before = false;
                    Ok(made)
                }
                // Which may be told of an earlier frame: its message has that one's number then.
                Err(error) => Err(self.failed(number, error.context(format_args!("at frame {number}")))),
            }
        })
    }

    /// Counts and takes down that frame `number` failed with `error`, and returns the error that it is then.
    fn failed(&mut self, number: u64, error: Error) -> Error {
        // RV-ENG-1602
        // In hardened mode output that is not finite is no error: the model itself has failed.
        let lost = self.options.mode == Mode::Hardened && error.status() == Status::InferenceFailed;
        if lost && self.batch == 1 && !std::mem::replace(&mut self.lost_before, true) {
            // What was enqueued of the frame may write to it yet.
            return match self.lanes.iter().try_for_each(Lane::wait) {
                Ok(()) => {
                    self.stats.lost_frames.fetch_add(1, Ordering::Relaxed);
                    lost_frame(&self.noted, &self.log, number, &error)
                }
                Err(worse) => {
                    self.stats.failed_frames.fetch_add(1, Ordering::Relaxed);
                    self.noted.failed(Some(number), &worse);
                    worse
                }
            };
        }
        self.stats.failed_frames.fetch_add(1, Ordering::Relaxed);
        if error.status() != Status::Busy {
            self.noted.failed(Some(number), &error);
        }
        error
    }

    fn try_submit(
        &mut self,
        input: &FrameOnDevice,
        tags: ColorTags,
        out: &FrameOnDevice,
        wanted: ColorTags,
    ) -> Result<Colorimetry> {
        // RV-ENG-1305
        if self.in_flight.len() == self.capacity() {
            return Err(Error::new(Status::Busy, format!("{} frames are in flight", self.in_flight.len()))
                .help("finish one before submitting another"));
        }
        self.check(input, out)?;
        let (from, to) = self.colors.of(tags, wanted);
        timed(&self.stats.wait_ns, || self.lanes[self.current].make_room())?;
        self.log.write(
            LogLevel::Debug,
            format_args!(
                "frame {}: reads {:#x}, writes {:#x}",
                self.number,
                input.planes()[0].address,
                out.planes()[0].address
            ),
        );
        self.settle(self.current)?;
        let pending = match self.noted.wants(self.number) {
            // Before the model may write over it.
            true => Some(Box::new(Pending {
                number: self.number,
                input: self.fingerprint(input)?,
                out: *out,
                tags,
                wanted,
                from,
                to,
                crop: noted::crop_of(input.size(), input.visible()),
            })),
            false => None,
        };
        let lane = &mut self.lanes[self.current];
        let staged = Staged { number: self.number, input: *input, from, out: *out, to };
        let (slot, full) = lane.stage(self.device.main(), staged)?;
        self.in_flight.push_back(InFlight { lane: self.current, slot, pending });
        if full {
            self.launch()?;
        }
        Ok(to)
    }

    /// The hash of a frame that is valid in order on the device's stream by now. Blocks until that is known.
    // RV-ENG-1606
    fn fingerprint(&mut self, frame: &FrameOnDevice) -> Result<Digest> {
        let readback = match self.readback.take() {
            Some(readback) => readback,
            None => Readback::new(&self.device)?,
        };
        Ok(fingerprint(&self.readback.insert(readback).read(frame)?))
    }

    /// Makes the device's stream wait for the oldest frame in flight: its output is valid in order there, and its input may
    /// be given up in that order. Returns at once. Of an incomplete batch, what there is is launched first.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when no frame is in flight; else as [`CudaSession::submit`].
    pub fn finish(&mut self) -> Result<()> {
        let Some(&InFlight { lane, slot, .. }) = self.in_flight.front() else {
            return Err(Error::new(Status::InvalidParameter, "no frame is in flight")
                .help("submit one before finishing it"));
        };
        let stats = Arc::clone(&self.stats);
        timed(&stats.submit_ns, || {
            if self.lanes[lane].is_staged(slot) {
                self.launch()?;
            }
            let pending = self.in_flight.pop_front().and_then(|frame| frame.pending);
            self.lanes[lane].join(self.device.main(), slot)?;
            if let Some(frame) = pending {
                let output = self.fingerprint(&frame.out)?;
                self.noted.frame(
                    frame.number,
                    (frame.input, output),
                    (frame.tags, frame.wanted),
                    (frame.from, frame.to),
                    frame.crop,
                );
            }
            stats.frames.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
        .inspect_err(|error| self.noted.failed(None, error))
    }

    /// Whether the visible part of `frame` has the bytes of `previous`, so that the model makes the same of both: compared
    /// on the GPU. Both are valid in order on the device's stream by now, and nothing that was submitted writes to them.
    /// Blocks until that is known.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the frames differ in format, size, or in where in a chroma sample they begin;
    /// else as [`CudaSession::submit`].
    pub fn is_repeat(&mut self, previous: &FrameOnDevice, frame: &FrameOnDevice) -> Result<bool> {
        let finder = match self.repeats.take() {
            Some(finder) => finder,
            None => RepeatFinder::new(&self.device)?,
        };
        let equal = self.repeats.insert(finder).is_equal(self.device.main(), previous, frame)?;
        if equal {
            self.noted.repeat(self.number);
        }
        Ok(equal)
    }

    /// Blocks until everything submitted has been computed. For the end of a stream: what was wrong with the last frames
    /// is known then. Frames in flight stay so.
    ///
    /// # Errors
    /// As [`CudaSession::submit`].
    // RV-FILT-1307
    pub fn drain(&mut self) -> Result<()> {
        self.launch_and_wait().inspect_err(|error| self.noted.failed(None, error))
    }

    fn launch_and_wait(&mut self) -> Result<()> {
        self.launch()?;
        for index in 0..self.lanes.len() {
            self.lanes[index].wait()?;
            self.settle(index)?;
        }
        Ok(())
    }

    /// Launches what is staged in the current lane, and turns to the next.
    fn launch(&mut self) -> Result<()> {
        let lane = self.current;
        if self.lanes[lane].staged() == 0 {
            return Ok(());
        }
        let (frames, slot) = (self.lanes[lane].staged(), self.lanes[lane].next_slot());
        match self.lanes[lane].launch(&self.log) {
            Ok(false) => {}
            Ok(true) => {
                self.stats.graph_frames.fetch_add(frames, Ordering::Relaxed);
            }
            Err(error) => {
                // The frames of this launch are lost; those of earlier ones are in flight.
                self.lanes[lane].abandon();
                self.in_flight.retain(|frame| (frame.lane, frame.slot) != (lane, slot));
                return Err(error);
            }
        }
        self.current = (lane + 1) % self.lanes.len();
        Ok(())
    }

    /// Looks at what is over in a lane.
    // RV-ENG-1309
    fn settle(&mut self, lane: usize) -> Result<()> {
        let Some(NonFinite { frame, elements }) = self.lanes[lane].settle()? else { return Ok(()) };
        self.stats.non_finite.fetch_add(elements, Ordering::Relaxed);
        let error = Error::new(
            Status::InferenceFailed,
            format!("frame {frame}: {elements} elements of the model's output are NaN or infinite"),
        )
        .expected("finite numbers")
        .help("use an engine with fp32 or bf16 layers if the model overflows fp16");
        if self.options.mode == Mode::Strict {
            return Err(error);
        }
        let session = self.noted.session();
        self.noted.ledger().act(Act::NotFinite { session, frame, elements }, &error);
        if !self.warned_non_finite {
            self.warned_non_finite = true;
            self.log.write(LogLevel::Warning, format_args!("{error}; later ones are counted only"));
        }
        Ok(())
    }

    fn check(&self, input: &FrameOnDevice, out: &FrameOnDevice) -> Result<()> {
        let given = [
            ("input", input.format(), input.visible().size, self.options.input_format, self.options.size),
            ("output", out.format(), out.size(), self.options.output_format, self.output_size),
        ];
        for (name, format, size, expected_format, expected_size) in given {
            crate::session::check_picture(name, (format, size), (expected_format, expected_size))?;
        }
        Ok(())
    }
}

impl Drop for CudaSession {
    fn drop(&mut self) {
        for lane in &self.lanes {
            // Work that does not end is remembered as a lost device, and everything is leaked. Any other error may be one
            // of before, and says nothing of the work that is to be waited for.
            let _ = lane.wait_at_the_end().or_else(|_| lane.wait_at_the_end());
        }
        self.noted.closed(&self.stats);
    }
}

/// The lanes beside the first. When nobody says there is none: what several gain is little, and frames that are kept back
/// are lost where a graph ends before its stream.
fn more_lanes(streams: u32, make: impl FnMut() -> Result<Lane>) -> Result<Vec<Lane>> {
    // RV-ENG-1313
    if streams > MAX_STREAMS {
        return Err(Error::new(Status::InvalidParameter, format!("streams {streams}"))
            .expected(format!("0 (chosen) to {MAX_STREAMS}")));
    }
    std::iter::repeat_with(make).take((streams.max(1) - 1) as usize).collect()
}
