//! Opening everything that a run needs, in the order in which mistakes are cheapest.

use std::sync::Arc;
use std::time::Duration;

use rave_core::{ColorTags, Error, LogLevel, PixelFamily, Result, Size, Status};
use rave_engine::{Mode, ModelOptions, SessionOptions};
use rave_ffmpeg::{
    FrameFormat, FramePool, HardwareFrames, Input, InputOptions, Rational, VideoFrame, VideoInfo,
    closest_known_format,
};

use super::cuda_inference::CudaInference;
use super::encoding::Encoding;
use super::engine::Engine;
use super::file_sink::NewOutput;
use super::host_inference::HostInference;
use super::job::{Facts, Job, Progress};
use super::picture::Picture;
use super::place::Place;
use super::prepare::{Geometry, Prepare};
use super::recipe::Recipe;
use super::repack::container_of;
use super::results::{Counts, Results};
use super::segmented::Segmented;
use super::source::{FileSource, Peeked, Remains, SourceOptions};
use super::transfer::{Download, Upload};
use super::upscale::{Listener, Model, Origin, Target, Upscale};
use crate::resume::{SegmentSink, Sources, State};
use crate::{Carrier, DeviceMemory, FrameSink, FrameSource, Pipeline};

/// Opens input, model and output, and starts.
pub(super) fn begin(mut upscale: Upscale, to: Target) -> Result<Job> {
    let log = upscale.model_options.log.clone();
    let segmented = Segmented::of(&upscale, &to)?;
    let place = match (&to, &upscale.origin, &segmented) {
        (Target::File(path), _, None) => {
            Some(Place::prepare(path, upscale.origin.path(), upscale.overwrite)?)
        }
        _ => None,
    };
    let input = open_input(&upscale)?;
    let engine = load(&upscale, input.as_ref())?;
    let state = match (&segmented, &input) {
        (Some(segmented), Some(input)) => Some(segmented.open(&upscale, &engine, input)?),
        _ => None,
    };
    let place = match (&segmented, &state) {
        (Some(segmented), Some(state)) => Some(segmented.place(state)),
        _ => place,
    };
    let output = match (&to, place) {
        (Target::File(name), Some(place)) => Some(NewOutput::create(place, name, &upscale.encoding)?),
        _ => None,
    };
    let copied = match (&output, &input) {
        (Some(output), Some(input)) if upscale.copy => output.can_copy(input, &log)?,
        (_, input) => vec![false; input.as_ref().map_or(0, |input| input.streams().len())],
    };
    // Of segments, what is copied is read again when they are joined.
    let along = if state.is_some() { vec![false; copied.len()] } else { copied.clone() };
    let mut source = Source::open(&mut upscale, input, &engine, &along)?;
    let first = source.first()?;
    let chain = Chain::new(&upscale, &to, &engine, &first)?;
    let facts = Facts {
        input_size: chain.geometry.size,
        output_size: chain.output_size,
        encoder: chain.encoding.as_ref().map(|encoding| encoding.codec.clone()),
        model: engine.model.description(),
        total: source.video().and_then(|video| estimate(video, upscale.start, upscale.length)),
        resumed: state.as_ref().map_or(0, State::pictures),
    };
    let done = state.as_ref().and_then(State::last);
    log.write(
        LogLevel::Verbose,
        format_args!("{} -> {}, {}", facts.input_size, facts.output_size, facts.model),
    );

    let counts = Arc::new(Counts::default());
    let remains = source.remains();
    let inference = chain.inference(&upscale, &engine, (&counts, &remains))?;
    let sink: Box<dyn FrameSink<Picture>> = match (to, output, &chain.encoding) {
        (Target::File(_), Some(output), Some(encoding)) => {
            let recipe = Recipe {
                like: inference.prototype(encoding, &first.frame, chain.output_size)?,
                time_base: first.time_base,
                frame_rate: source.video().and_then(|video| video.frame_rate),
                hardware: inference
                    .hardware()
                    .filter(|_| encoding.on_gpu)
                    .map(HardwareFrames::share)
                    .transpose()?,
                encoding: encoding.clone(),
                options: upscale.encoding.clone(),
                global_header: output.wants_global_header(),
            };
            let streams = source.input().map(|input| (input, &copied[..]));
            let file = output.start(streams, recipe.open()?, source.remains())?;
            match (state, &segmented, &source) {
                (Some(state), Some(segmented), Source::File(source)) => {
                    let sources = Sources {
                        input: input_options(&upscale, upscale.origin.path()),
                        start: upscale.start.as_secs_f64(),
                        clip: source.clip(),
                    };
                    Box::new(SegmentSink::new(recipe, segmented.resumable.segment, state, file, sources)?)
                }
                _ => Box::new(file),
            }
        }
        (Target::Sink(sink), ..) => sink,
        _ => return Err(unknown("a file without an output")),
    };

    let pictures = source.after(done, first);
    let pipeline = chain.pipeline(&mut upscale, pictures, inference, &engine)?;
    let pipeline = match upscale.listener.take() {
        Some(listener) => tell(pipeline, listener, &facts),
        None => pipeline,
    };
    let running = pipeline.start("encode", sink)?;
    Ok(Job { running, facts, remains, counts })
}

fn unknown(what: &str) -> Error {
    Error::new(Status::Unknown, what)
}

fn open_input(upscale: &Upscale) -> Result<Option<Input>> {
    let Origin::File(path) = &upscale.origin else { return Ok(None) };
    let input = Input::open(&input_options(upscale, path))?;
    input.video()?;
    Ok(Some(input))
}

/// How the input at `path` is opened.
pub(super) fn input_options(upscale: &Upscale, path: &str) -> InputOptions {
    InputOptions {
        path: path.to_owned(),
        format: upscale.input_format.clone(),
        options: upscale.input_options.clone(),
        strict: upscale.model_options.mode == Mode::Strict,
    }
}

fn load(upscale: &Upscale, input: Option<&Input>) -> Result<Engine> {
    match &upscale.model {
        Model::Loaded(engine) => Ok(engine.clone()),
        Model::File(path) => {
            let size = input.map(|input| input.video().map(|video| video.size)).transpose()?;
            let options = &upscale.model_options;
            let options = ModelOptions { size_hint: options.size_hint.or(size), ..options.clone() };
            Engine::load(path, upscale.device, &options)
        }
    }
}

/// Where pictures come from, before the pipeline has it.
enum Source {
    File(Box<FileSource>),
    User(Box<dyn FrameSource<Picture>>),
}

impl Source {
    fn open(upscale: &mut Upscale, input: Option<Input>, engine: &Engine, copied: &[bool]) -> Result<Self> {
        let Some(input) = input else {
            let none = Origin::File(String::new());
            return match std::mem::replace(&mut upscale.origin, none) {
                Origin::Source(source) => Ok(Source::User(source)),
                Origin::File(_) => Err(unknown("an input that was not opened")),
            };
        };
        let options =
            SourceOptions { start: upscale.start, length: upscale.length, ..SourceOptions::default() };
        let hardware = engine.gpu.as_ref().map(|gpu| &gpu.hardware);
        let mut source = FileSource::new(input, &options, hardware)?;
        source.copy(copied);
        Ok(Source::File(Box::new(source)))
    }

    /// The first picture, which says what containers may not know.
    fn first(&mut self) -> Result<Picture> {
        let mut first = Picture::blank()?;
        let (there, name) = match self {
            Source::File(source) => (source.read(&mut first)?, source.input().name().to_owned()),
            Source::User(source) => (source.read(&mut first)?, "the source".to_owned()),
        };
        if there {
            return Ok(first);
        }
        Err(Error::new(Status::UnsupportedFormat, format!("{name}: no picture came out of it"))
            .expected("one or more")
            .help("check what part of it was asked for, and the file with ffprobe"))
    }

    fn input(&self) -> Option<&Input> {
        match self {
            Source::File(source) => Some(source.input()),
            Source::User(_) => None,
        }
    }

    fn video(&self) -> Option<&VideoInfo> {
        match self {
            Source::File(source) => Some(source.video()),
            Source::User(_) => None,
        }
    }

    fn remains(&self) -> Remains {
        match self {
            Source::File(source) => source.remains(),
            Source::User(_) => Remains::default(),
        }
    }

    /// The pictures after the time `done`, if something was done already; `first` is the one that was read.
    fn after(self, done: Option<i64>, first: Picture) -> Peeked {
        let rest: Box<dyn FrameSource<Picture>> = match self {
            Source::File(mut source) => {
                if let Some(done) = done {
                    source.go_on_after(done);
                }
                source
            }
            Source::User(source) => source,
        };
        Peeked { first: done.is_none().then_some(first), rest }
    }
}

/// How many pictures a part of a video has, as far as it says.
fn estimate(video: &VideoInfo, start: Duration, length: Option<Duration>) -> Option<u64> {
    let all = video.frames?;
    let Some(rate) = video.average_rate.or(video.frame_rate).map(Rational::to_f64) else { return Some(all) };
    let left = all.saturating_sub((start.as_secs_f64() * rate) as u64);
    let wanted = length.map_or(u64::MAX, |length| (length.as_secs_f64() * rate).ceil() as u64);
    Some(left.min(wanted))
}

/// What pictures are on their way.
struct Chain {
    /// As they come out of the decoder, in formats that RAVE knows.
    decoded: Geometry,
    /// As they go into the model.
    geometry: Geometry,
    /// `None` where they go to the program.
    encoding: Option<Encoding>,
    /// The format that the model's output is packed into.
    format: rave_core::PixelFormat,
    output_size: Size,
}

impl Chain {
    fn new(upscale: &Upscale, to: &Target, engine: &Engine, first: &Picture) -> Result<Self> {
        let (format, on_gpu) = match first.format() {
            FrameFormat::Host(format) => (format, false),
            FrameFormat::Cuda(format) => (format, true),
            FrameFormat::Foreign(name) => match closest_known_format(&name) {
                Some(format) => (format, false),
                None => return Err(unsupported(&name)),
            },
            FrameFormat::ForeignDevice(name) => return Err(unsupported(&name)),
        };
        let decoded = Geometry { on_gpu, format, size: first.size() };
        let geometry = match &engine.gpu {
            Some(gpu) if !on_gpu => {
                let format = container_of(format, |format| gpu.has_frames_of(format, decoded.size));
                let format = format.ok_or_else(|| unsupported(decoded.format.name()))?;
                Geometry { on_gpu: true, format, ..decoded.clone() }
            }
            _ => decoded.clone(),
        };
        let output_size = engine.model.contract().scale.apply(decoded.size)?;
        check_limit(upscale.limit, output_size)?;
        let options = &upscale.encoding;
        let log = &upscale.model_options.log;
        let encoding = match (to, &engine.gpu) {
            (Target::Sink(_), _) => None,
            (Target::File(path), None) => Some(Encoding::on_host(path, geometry.format, options)?),
            (Target::File(path), Some(gpu)) => {
                Some(Encoding::on_gpu(path, geometry.format, output_size, gpu, options, log)?)
            }
        };
        let format = match &encoding {
            Some(encoding) => encoding.format,
            None => options.format.unwrap_or(geometry.format),
        };
        Ok(Chain { decoded, geometry, encoding, format, output_size })
    }

    fn inference(
        &self,
        upscale: &Upscale,
        engine: &Engine,
        (counts, remains): (&Arc<Counts>, &Remains),
    ) -> Result<Inference> {
        let options = SessionOptions {
            output_format: self.format,
            tile: upscale.tile,
            overlap: upscale.overlap,
            dither: upscale.dither,
            mode: upscale.model_options.mode,
            streams: upscale.streams,
            ..SessionOptions::new(self.geometry.format, self.geometry.size)
        };
        let log = upscale.model_options.log.clone();
        let results = Results::new(counts, remains);
        Ok(match &engine.gpu {
            None => Inference::Host(Box::new(HostInference::new(
                &engine.model,
                &options,
                upscale.dedup,
                results,
                log,
            )?)),
            Some(_) => {
                Inference::Cuda(Box::new(CudaInference::new(engine, &options, upscale.dedup, results, log)?))
            }
        })
    }

    fn pipeline(
        &self,
        upscale: &mut Upscale,
        source: Peeked,
        inference: Inference,
        engine: &Engine,
    ) -> Result<Pipeline<Picture>> {
        let mut pipeline = Pipeline::new("decode", source)
            .capacity(upscale.capacity)
            .cancelled_by(&upscale.cancelled_by)
            .stage("preprocess", Prepare::new(self.decoded.clone()));
        if let (Some(gpu), false) = (&engine.gpu, self.decoded.on_gpu) {
            let upload = Upload::new(gpu, self.decoded.format, self.geometry.format, self.geometry.size)?;
            pipeline = pipeline.stage("upload", upload);
        }
        for (name, stage) in upscale.before.drain(..) {
            pipeline = pipeline.stage(&name, stage);
        }
        pipeline = match inference {
            Inference::Host(stage) => pipeline.stage("inference", *stage),
            Inference::Cuda(stage) => {
                let device = stage.session().device().clone();
                pipeline.stage("inference", *stage).device_memory(move || {
                    let stats = device.pool_stats();
                    DeviceMemory { pool_hit_rate: stats.hit_rate(), high_water_bytes: stats.high_water_bytes }
                })
            }
        };
        for (name, stage) in upscale.after.drain(..) {
            pipeline = pipeline.stage(&name, stage);
        }
        if let (Some(encoding), Some(_)) = (&self.encoding, &engine.gpu)
            && !encoding.on_gpu
        {
            let download = Download::new(encoding.format, encoding.encoded_format, self.output_size)?;
            pipeline = pipeline.stage("download", download);
        }
        Ok(pipeline)
    }
}

// RV-PIPE-2203
fn check_limit(limit: Option<Size>, output: Size) -> Result<()> {
    match limit {
        Some(limit) if output.width > limit.width || output.height > limit.height => {
            Err(Error::new(Status::InvalidParameter, format!("the output would be {output}"))
                .expected(format!("at most {limit}, which was asked for"))
                .help("use a model of a smaller scale, or allow more"))
        }
        _ => Ok(()),
    }
}

fn unsupported(format: &str) -> Error {
    Error::new(Status::UnsupportedFormat, format!("pictures are {format}"))
        .expected("a pixel format that RAVE has kernels for")
        .help("convert them first, for example with ffmpeg -pix_fmt")
}

/// The stage that runs the model.
enum Inference {
    Host(Box<HostInference>),
    Cuda(Box<CudaInference>),
}

impl Inference {
    /// A frame in host memory like those that the encoder will get, but for its pixels.
    fn prototype(&self, encoding: &Encoding, first: &VideoFrame, size: Size) -> Result<VideoFrame> {
        let mut frame = VideoFrame::new()?;
        FramePool::new(encoding.encoded_format, size)?.take(&mut frame)?;
        let tags = first.color().tags()?;
        let made = match self {
            Inference::Host(stage) => stage.output_colors(tags),
            Inference::Cuda(stage) => stage.session().output_colors(tags, ColorTags::default()),
        };
        frame.copy_properties(first)?;
        let rgb = encoding.encoded_format.family() == PixelFamily::Rgb;
        frame.set_color(first.color().converted(made, rgb));
        Ok(frame)
    }

    fn hardware(&self) -> Option<&rave_ffmpeg::HardwareFrames> {
        match self {
            Inference::Host(_) => None,
            Inference::Cuda(stage) => Some(stage.results()),
        }
    }
}

fn tell(pipeline: Pipeline<Picture>, (every, mut tell): Listener, facts: &Facts) -> Pipeline<Picture> {
    let (total, resumed) = (facts.total, facts.resumed);
    pipeline.on_progress(every, move |metrics| {
        tell(&Progress { frames: resumed + metrics.frames, total, metrics: metrics.clone() });
    })
}
