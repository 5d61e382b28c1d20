//! A model bound to one frame geometry.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rave_core::pixels::{ChromaScaler, Pack, Unpack};
use rave_core::{
    ColorTags, Colorimetry, Elements, Error, Frame, FrameMut, Log, LogLevel, PixelFormat, Result, Size,
    Status, TensorShape, ValueRange,
};
use rave_ledger::{Act, fingerprint, fingerprint_mut};
use rave_onnx::{OnnxModel, OnnxSession};
use rayon::ThreadPool;

use crate::colors::Colors;
use crate::model::{Backend, Model};
use crate::noted::{self, Made, Noted};
use crate::retry::{self, Retry};
use crate::stats::{Stats, timed};
use crate::threads;
use crate::tile_choice;
use crate::tiled::Tiled;
use crate::{Mode, SessionOptions};

/// A model bound to one frame geometry, with every buffer that a frame needs. One thread at a time.
#[derive(Debug)]
pub struct Session {
    options: SessionOptions,
    output_size: Size,
    values: ValueRange,
    colors: Colors,
    unpack: Unpack,
    inference: Inference,
    pack: Pack,
    /// The planes that a luma model leaves to us; `None` for an RGB model.
    chroma: Option<ChromaScaler>,
    pool: Arc<ThreadPool>,
    stats: Arc<Stats>,
    /// Whether the frame before was lost.
    lost_before: bool,
    noted: Noted,
    log: Log,
}

/// How a frame's tensor goes through the model.
#[derive(Debug)]
enum Inference {
    /// In one piece, straight through the backend's own tensors.
    Whole(OnnxSession),
    /// In overlapping tiles.
    Tiled(Box<Tiled>),
}

impl Session {
    /// Binds `model` to a geometry.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a size, tile or overlap out of range; [`Status::UnsupportedFormat`] for a size
    /// that the model cannot be brought to take; what else the model refuses comes as [`Status::ModelLoadFailed`],
    /// [`Status::InferenceFailed`] or [`Status::OutOfMemory`].
    pub fn new(model: &Model, options: &SessionOptions, log: Log) -> Result<Self> {
        let ledger = model.ledger();
        Retry { mode: options.mode, ledger, log: &log }
            .once("session", || retry::free_unused(None), || Self::try_new(model, options, log.clone()))
            .inspect_err(|error| ledger.failed("session", None, None, error))
    }

    fn try_new(model: &Model, options: &SessionOptions, log: Log) -> Result<Self> {
        let size = options.size.checked("frame")?;
        let contract = model.contract();
        let (channels, scale) = (contract.channels, contract.scale);
        let output_size = scale.apply(size)?;
        // RV-ENG-1201
        let Backend::Onnx(onnx) = model.backend() else {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("model {} runs on the GPU, the frames are in host memory", model.name()),
            )
            .help("use the .onnx model, or frames in GPU memory (FFmpeg: hwupload_cuda)"));
        };
        let pool = threads::pool(model.threads())?;
        let inference = plan_inference(onnx, options, &log)?;
        let (input, output) = inference.shapes();
        let chroma = (channels == 1)
            .then(|| ChromaScaler::new(options.input_format, size, options.output_format, scale))
            .transpose()?;
        let stats = Stats::default();
        stats.tiles.store(inference.tiles(), Ordering::Relaxed);
        log.write(
            LogLevel::Verbose,
            format_args!(
                "{size} {} -> {output_size} {}; model input {}, {} tile(s) a frame",
                options.input_format,
                options.output_format,
                inference.model_input(),
                inference.tiles(),
            ),
        );
        let unpack = Unpack::new(options.input_format, size, channels, input.size)?;
        let pack = Pack::new(options.output_format, output_size, channels, output.size, options.dither)?;
        let made = Made {
            output_size,
            model_size: inference.model_input().size,
            tiles: inference.tiles(),
            on_gpu: None,
        };
        Ok(Session {
            unpack,
            pack,
            colors: Colors::new(options, output_size, log.clone()),
            noted: Noted::new(model, options, &made),
            lost_before: false,
            log,
            options: options.clone(),
            output_size,
            values: model.values(),
            inference,
            chroma,
            pool,
            stats: Arc::new(stats),
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

    /// How the colours of the output will be coded for input tagged `tags`, where `wanted` is asked of the output: what
    /// [`Session::process`] will say.
    #[must_use]
    pub fn output_colors(&self, tags: ColorTags, wanted: ColorTags) -> Colorimetry {
        self.colors.resolve(tags, wanted).1
    }

    /// Runs the model on the visible part of `input`, writes the result to `out`, and says how its colours are coded.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when either frame is not of the session's geometry,
    /// [`Status::InferenceFailed`] when the model fails or its output is not finite, [`Status::OutOfMemory`]. In
    /// [`Mode::Hardened`] [`Status::FrameLost`] in place of [`Status::InferenceFailed`], if the frame before was not lost: the
    /// frame is to be left out. The pixels of `out` are undefined then, and the session can go on with the next frame.
    pub fn process(&mut self, input: &Frame<'_>, out: &mut FrameMut<'_>) -> Result<Colorimetry> {
        // RV-ENG-1102
        let number = self.stats.attempts();
        let before = self.noted.wants(number).then(|| fingerprint(input));
        let result = self.check(input, out).and_then(|()| self.run_or_retry(input, out));
        match result {
            Ok((from, to)) => {
                self.lost_before = false;
                self.stats.frames.fetch_add(1, Ordering::Relaxed);
                if let Some(before) = before {
                    let (colors, hashes) = ((input.tags(), out.wanted()), (before, fingerprint_mut(out)));
                    self.noted.frame(number, hashes, colors, (from, to), noted::crop(input));
                }
                Ok(to)
            }
            Err(error) => Err(self.failed(number, error.context(format_args!("frame {number}")))),
        }
    }

    /// Whether the model makes the same of `frame` as of `previous`, as [`Frame::is_same`].
    #[must_use]
    pub fn is_repeat(&self, previous: &Frame<'_>, frame: &Frame<'_>) -> bool {
        let same = previous.is_same(frame);
        if same {
            self.noted.repeat(self.stats.attempts());
        }
        same
    }

    /// Counts and takes down that frame `number` failed with `error`, and returns the error that it is then.
    fn failed(&mut self, number: u64, error: Error) -> Error {
        // RV-ENG-1602
        let lost = self.options.mode == Mode::Hardened && error.status() == Status::InferenceFailed;
        if lost && !std::mem::replace(&mut self.lost_before, true) {
            self.stats.lost_frames.fetch_add(1, Ordering::Relaxed);
            return lost_frame(&self.noted, &self.log, number, &error);
        }
        self.stats.failed_frames.fetch_add(1, Ordering::Relaxed);
        self.noted.failed(Some(number), &error);
        error
    }

    fn run_or_retry(
        &mut self,
        input: &Frame<'_>,
        out: &mut FrameMut<'_>,
    ) -> Result<(Colorimetry, Colorimetry)> {
        let (noted, log) = (self.noted.clone(), self.log.clone());
        Retry { mode: self.options.mode, ledger: noted.ledger(), log: &log }.once(
            "frame",
            || retry::free_unused(None),
            || self.run(input, out),
        )
    }

    fn check(&self, input: &Frame<'_>, out: &FrameMut<'_>) -> Result<()> {
        let given = [
            ("input", input.format(), input.visible().size, self.options.input_format, self.options.size),
            ("output", out.format(), out.size(), self.options.output_format, self.output_size),
        ];
        for (name, format, size, expected_format, expected_size) in given {
            check_picture(name, (format, size), (expected_format, expected_size))?;
        }
        Ok(())
    }

    /// Says how the input was read, and how the output is coded.
    fn run(&mut self, input: &Frame<'_>, out: &mut FrameMut<'_>) -> Result<(Colorimetry, Colorimetry)> {
        let Session { values, colors, unpack, inference, pack, chroma, pool, stats, .. } = self;
        let (from, to) = colors.of(input.tags(), out.wanted());
        let white = *values;
        timed(&stats.unpack_ns, || {
            pool.install(|| {
                if let Some(chroma) = chroma {
                    chroma.run(input, from, to)?;
                }
                unpack.run(input, from, white, inference.input())
            })
        })?;
        timed(&stats.inference_ns, || inference.run())?;
        timed(&stats.pack_ns, || {
            let output = inference.output();
            pool.install(|| match chroma {
                Some(chroma) => pack.run_luma(output, white, to, chroma, out),
                None => pack.run(output, white, to, out),
            })
        })?;
        Ok((from, to))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.noted.closed(&self.stats);
    }
}

/// Tells that frame `number` is left out because of `error`, and returns the error that says so.
// RV-ENG-1602, RV-FFI-1012, RV-FILT-1114
pub(crate) fn lost_frame(noted: &Noted, log: &Log, number: u64, error: &Error) -> Error {
    let status = error.status().token().into();
    log.write(LogLevel::Warning, format_args!("{error}; the frame is left out"));
    noted.ledger().act(Act::FrameLost { session: noted.session(), frame: number, status }, error);
    Error::new(Status::FrameLost, format!("{error}")).help("leave the frame out and go on with the next")
}

/// Refuses a frame of another geometry than the session's.
pub(crate) fn check_picture(
    name: &str,
    (format, size): (PixelFormat, Size),
    (expected_format, expected_size): (PixelFormat, Size),
) -> Result<()> {
    // RV-ENG-1101, RV-ENG-1310
    if (format, size) == (expected_format, expected_size) {
        return Ok(());
    }
    Err(Error::new(Status::UnsupportedFormat, format!("{name} is {size} {format}"))
        .expected(format!("{expected_size} {expected_format}, for which the session was made"))
        .help("make a new session when the stream changes"))
}

fn plan_inference(model: &Arc<OnnxModel>, options: &SessionOptions, log: &Log) -> Result<Inference> {
    let contract = model.contract();
    let size = options.size;
    let tile = match (tile_choice::asked(options, contract.fixed_size())?, contract.fixed_size()) {
        (Some(fixed), Some(_)) => fixed,
        (Some(tile), None) => model.padded_size(tile)?,
        // RV-ENG-1104
        // Of a model with one fixed side, frames that are larger there are tiled; any other takes a frame whole.
        (None, _) => model.padded_size(size)?,
    };
    if size.width <= tile.width && size.height <= tile.height {
        let whole = if contract.fixed_size().is_some() { tile } else { model.padded_size(size)? };
        return Ok(Inference::Whole(model.session(whole)?));
    }
    let plan = tile_choice::plan(options, tile, contract.scale)?;
    log.write(LogLevel::Verbose, format_args!("{} tiles of {tile}", plan.count()));
    Ok(Inference::Tiled(Box::new(Tiled::new(model, plan)?)))
}

impl Inference {
    /// The shapes of the tensors that a whole frame becomes.
    fn shapes(&self) -> (TensorShape, TensorShape) {
        match self {
            Inference::Whole(session) => (session.input_shape(), session.output_shape()),
            Inference::Tiled(tiled) => tiled.shapes(),
        }
    }

    /// The shape of one run of the model.
    fn model_input(&self) -> TensorShape {
        match self {
            Inference::Whole(session) => session.input_shape(),
            Inference::Tiled(tiled) => tiled.model_input(),
        }
    }

    fn tiles(&self) -> u32 {
        match self {
            Inference::Whole(_) => 1,
            Inference::Tiled(tiled) => tiled.count() as u32,
        }
    }

    fn input(&mut self) -> rave_core::ElementsMut<'_> {
        match self {
            Inference::Whole(session) => session.input(),
            Inference::Tiled(tiled) => tiled.input(),
        }
    }

    fn run(&mut self) -> Result<()> {
        match self {
            Inference::Whole(session) => session.run(),
            Inference::Tiled(tiled) => tiled.run(),
        }
    }

    fn output(&self) -> Elements<'_> {
        match self {
            Inference::Whole(session) => session.output(),
            Inference::Tiled(tiled) => tiled.output(),
        }
    }
}
