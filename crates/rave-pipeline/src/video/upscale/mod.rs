//! A video through a model, as one call.

mod input;
mod model;
mod output;
mod run;

use std::path::PathBuf;
use std::time::Duration;

use rave_core::Size;
use rave_engine::ModelOptions;

use super::encoding::EncodingOptions;
use super::engine::{DeviceChoice, Engine};
use super::job::Progress;
use super::picture::Picture;
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
