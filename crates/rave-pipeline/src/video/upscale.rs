//! A video through a model, as one call.

use std::path::PathBuf;
use std::time::Duration;

use rave_core::{Log, PixelFormat, Result, Size};
use rave_engine::{Mode, ModelOptions};

use super::encoding::EncodingOptions;
use super::engine::{DeviceChoice, Engine};
use super::job::{self, Job, Progress, Summary};
use super::picture::Picture;
use crate::resume::SEGMENT;
use crate::{CancellationToken, DEFAULT_CAPACITY, FrameSink, FrameSource, FrameStage};

/// What runs a video.
pub(crate) enum Model {
    File(PathBuf),
    Loaded(Engine),
}

/// Where pictures come from.
pub(crate) enum Origin {
    File(String),
    Source(Box<dyn FrameSource<Picture>>),
}

impl Origin {
    /// The input's name; empty for a program's own source.
    pub(crate) fn path(&self) -> &str {
        match self {
            Origin::File(path) => path,
            Origin::Source(_) => "",
        }
    }
}

/// Where pictures go.
pub(crate) enum Target {
    File(String),
    Sink(Box<dyn FrameSink<Picture>>),
}

/// A stage of the user's, and its name.
pub(crate) type NamedStage = (String, Box<dyn FrameStage<Picture>>);

/// A run that is made in segments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resumable {
    /// Whether an unfinished run is gone on with.
    pub(crate) resume: bool,
    /// Pictures in a segment.
    pub(crate) segment: u64,
}

/// How often progress is told, and to whom.
pub(crate) type Listener = (Duration, Box<dyn FnMut(&Progress) + Send>);

/// Runs a model on a video: on the GPU or the CPU, by what is there. Sound, subtitles, chapters and metadata are copied, and
/// every picture keeps its time.
///
/// ```no_run
/// # fn main() -> rave_core::Result<()> {
/// use rave_pipeline::Upscale;
///
/// Upscale::new("in.mp4", "model.onnx").output("out.mp4").run()?;
/// # Ok(())
/// # }
/// ```
pub struct Upscale {
    pub(crate) origin: Origin,
    pub(crate) to: Option<Target>,
    pub(crate) model: Model,
    pub(crate) device: DeviceChoice,
    pub(crate) model_options: ModelOptions,
    pub(crate) encoding: EncodingOptions,
    pub(crate) input_format: Option<String>,
    pub(crate) input_options: Vec<(String, String)>,
    pub(crate) tile: Option<Size>,
    pub(crate) overlap: Option<u32>,
    pub(crate) dither: bool,
    pub(crate) streams: u32,
    pub(crate) dedup: bool,
    pub(crate) start: Duration,
    pub(crate) length: Option<Duration>,
    pub(crate) limit: Option<Size>,
    pub(crate) copy: bool,
    pub(crate) overwrite: bool,
    pub(crate) resumable: Option<Resumable>,
    pub(crate) capacity: usize,
    pub(crate) before: Vec<NamedStage>,
    pub(crate) after: Vec<NamedStage>,
    pub(crate) listener: Option<Listener>,
    pub(crate) cancelled_by: CancellationToken,
}

impl Upscale {
    /// The video at `input`, through the model at `model`.
    ///
    /// `input` is a path, `-` for standard input, or a pattern of numbered images such as `frame-%04d.png`; `model` an ONNX
    /// model or a TensorRT engine.
    #[must_use]
    pub fn new(input: impl Into<String>, model: impl Into<PathBuf>) -> Self {
        Upscale::with(Origin::File(input.into()), Model::File(model.into()))
    }

    /// The pictures of `source`, through the model of `engine`.
    #[must_use]
    pub fn from_source(source: impl FrameSource<Picture> + 'static, engine: &Engine) -> Self {
        Upscale::with(Origin::Source(Box::new(source)), Model::Loaded(engine.clone()))
    }

    fn with(origin: Origin, model: Model) -> Self {
        Upscale {
            origin,
            to: None,
            model,
            device: DeviceChoice::default(),
            model_options: ModelOptions::default(),
            encoding: EncodingOptions::default(),
            input_format: None,
            input_options: Vec::new(),
            tile: None,
            overlap: None,
            dither: true,
            streams: 0,
            dedup: false,
            start: Duration::ZERO,
            length: None,
            limit: None,
            copy: true,
            overwrite: false,
            resumable: None,
            capacity: DEFAULT_CAPACITY,
            before: Vec::new(),
            after: Vec::new(),
            listener: None,
            cancelled_by: CancellationToken::new(),
        }
    }

    /// Writes a file, `-` for standard output, or a pattern of numbered images. The name's ending tells the container, and
    /// that the encoder. A file is in its place when it is complete, and nothing is there before or when something fails.
    #[must_use]
    pub fn output(mut self, path: impl Into<String>) -> Self {
        self.to = Some(Target::File(path.into()));
        self
    }

    /// Gives the pictures to `sink`, in place of a file.
    #[must_use]
    pub fn sink(mut self, sink: impl FrameSink<Picture> + 'static) -> Self {
        self.to = Some(Target::Sink(Box::new(sink)));
        self
    }

    /// Where the model runs. Of a loaded [`Engine`] this is known already.
    #[must_use]
    pub fn device(mut self, device: DeviceChoice) -> Self {
        self.device = device;
        self
    }

    /// How the model is loaded: what its numbers mean, threads, library, how an engine is built. Of a loaded [`Engine`] only
    /// the mode counts: whether a damaged input is an error, or gone on from.
    #[must_use]
    pub fn model_options(mut self, options: ModelOptions) -> Self {
        self.model_options = options;
        self
    }

    /// [`Mode::Strict`], the default: damage to the input is an error. [`Mode::Hardened`]: it is counted, and what can be
    /// decoded is.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.model_options.mode = mode;
        self
    }

    /// Where messages go.
    #[must_use]
    pub fn log(mut self, log: Log) -> Self {
        self.model_options.log = log;
        self
    }

    /// FFmpeg's name of the input's container, for pipes of raw video; and options of its demuxer, such as `framerate` of an
    /// image sequence.
    #[must_use]
    pub fn input_format(mut self, format: Option<&str>, options: &[(String, String)]) -> Self {
        self.input_format = format.map(str::to_owned);
        self.input_options = options.to_vec();
        self
    }

    /// FFmpeg's name of the output's container, where the name's ending does not tell, as of a pipe.
    #[must_use]
    pub fn container(mut self, format: impl Into<String>) -> Self {
        self.encoding.container = Some(format.into());
        self
    }

    /// FFmpeg's name of the encoder; by the container where it is not given.
    #[must_use]
    pub fn codec(mut self, encoder: impl Into<String>) -> Self {
        self.encoding.codec = Some(encoder.into());
        self
    }

    /// The quality on the scale of x264's crf: 0 is lossless or the best, 51 the worst.
    #[must_use]
    pub fn quality(mut self, quality: f32) -> Self {
        self.encoding.quality = Some(quality);
        self
    }

    /// The encoder's preset, such as `slow`.
    #[must_use]
    pub fn preset(mut self, preset: impl Into<String>) -> Self {
        self.encoding.preset = Some(preset.into());
        self
    }

    /// An option of the encoder by its own name, beside those that were given before.
    #[must_use]
    pub fn encoder_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.encoding.options.push((name.into(), value.into()));
        self
    }

    /// An option of the muxer by its own name, beside those that were given before.
    #[must_use]
    pub fn muxer_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.encoding.muxer.push((name.into(), value.into()));
        self
    }

    /// The pixel format of the output, or the nearest that the encoder takes; as the input's where it is not given.
    #[must_use]
    pub fn pixel_format(mut self, format: PixelFormat) -> Self {
        self.encoding.format = Some(format);
        self
    }

    /// Cuts pictures into tiles of this size; with an overlap of so many pixels, or what fits.
    #[must_use]
    pub fn tile(mut self, size: Size, overlap: Option<u32>) -> Self {
        self.tile = Some(size);
        self.overlap = overlap;
        self
    }

    /// Whether 8-bit output is dithered, as it is by default.
    #[must_use]
    pub fn dither(mut self, dither: bool) -> Self {
        self.dither = dither;
        self
    }

    /// On a GPU: how many pictures are computed at a time, 1 to 16; 0 lets RAVE decide.
    #[must_use]
    pub fn streams(mut self, streams: u32) -> Self {
        self.streams = streams;
        self
    }

    /// Gives a picture whose bytes are those of the one before the result of that one, in place of running the model again.
    #[must_use]
    pub fn dedup(mut self, dedup: bool) -> Self {
        self.dedup = dedup;
        self
    }

    /// Begins so far into the video.
    #[must_use]
    pub fn start(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// Ends after so much of it.
    #[must_use]
    pub fn length(mut self, length: Duration) -> Self {
        self.length = Some(length);
        self
    }

    /// Refuses an output that is wider or higher than this, before anything is computed.
    #[must_use]
    pub fn max_output(mut self, size: Size) -> Self {
        self.limit = Some(size);
        self
    }

    /// Whether the input's other streams are copied, as they are by default where the container holds them.
    #[must_use]
    pub fn copy_streams(mut self, copy: bool) -> Self {
        self.copy = copy;
        self
    }

    /// Whether a file that is there may be replaced.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Makes the output in segments, which stay beside it when the run is stopped in whatever way, at any moment. With
    /// `resume`, a run that was stopped goes on after its last segment, and what comes of it is what would have come of a run
    /// that was not. Without, it is an error that there is an unfinished run, unless it may be overwritten.
    ///
    /// For files alone: of what is read from or written to a pipe, and of images, `resume` is an error. Stages of the
    /// program's own are taken to be the same if their names are.
    #[must_use]
    pub fn resumable(mut self, resume: bool) -> Self {
        let segment = self.resumable.map_or(SEGMENT, |resumable| resumable.segment);
        self.resumable = Some(Resumable { resume, segment });
        self
    }

    /// How many pictures a segment of a [resumable](Upscale::resumable) run has, 1 or more: as many are computed again at
    /// most, and as often does the video begin anew.
    #[must_use]
    pub fn segment(mut self, pictures: u64) -> Self {
        let resume = self.resumable.is_some_and(|resumable| resumable.resume);
        self.resumable = Some(Resumable { resume, segment: pictures.max(1) });
        self
    }

    /// How many pictures each queue between stages may hold.
    #[must_use]
    pub fn capacity(mut self, pictures: usize) -> Self {
        self.capacity = pictures;
        self
    }

    /// Adds a stage before the model. Where the model runs on a GPU, pictures are there.
    #[must_use]
    pub fn before(mut self, name: &str, stage: impl FrameStage<Picture> + 'static) -> Self {
        self.before.push((name.to_owned(), Box::new(stage)));
        self
    }

    /// Adds a stage after the model. Where the model runs on a GPU, pictures are there.
    #[must_use]
    pub fn after(mut self, name: &str, stage: impl FrameStage<Picture> + 'static) -> Self {
        self.after.push((name.to_owned(), Box::new(stage)));
        self
    }

    /// Calls `tell` after a picture is written, when `every` has passed since the last time, and when the output is complete.
    #[must_use]
    pub fn on_progress(mut self, every: Duration, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.listener = Some((every, Box::new(tell)));
        self
    }

    /// A token that ends the run when it is cancelled.
    #[must_use]
    pub fn cancelled_by(mut self, token: &CancellationToken) -> Self {
        self.cancelled_by = token.clone();
        self
    }

    /// Opens everything, and starts.
    ///
    /// # Errors
    /// What is wrong with the input, the model, the output or an option; nothing is left behind then.
    pub fn begin(self) -> Result<Job> {
        job::begin(self)
    }

    /// Runs, and returns when the output is complete.
    ///
    /// # Errors
    /// As [`Upscale::begin`], and the first error of the run: the output is not there then.
    pub fn run(self) -> Result<Summary> {
        self.begin()?.wait()
    }
}

impl Engine {
    /// The video at `input`, as [`Upscale::new`], through this engine's model.
    #[must_use]
    pub fn upscale(&self, input: impl Into<String>) -> Upscale {
        Upscale::with(Origin::File(input.into()), Model::Loaded(self.clone()))
    }
}

impl std::fmt::Debug for Upscale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upscale")
            .field("device", &self.device)
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}
