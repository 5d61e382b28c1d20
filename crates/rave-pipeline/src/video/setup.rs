//! Opening everything that a run needs, in the order in which mistakes are cheapest.

use std::sync::Arc;
use std::time::Duration;

use rave_core::{Error, LogLevel, Result, Status};
use rave_ffmpeg::{HardwareFrames, Rational, VideoInfo};

use super::chain::Chain;
use super::file_sink::NewOutput;
use super::job::{Facts, Job, Progress};
use super::opened::{Source, input_options, load, open_input};
use super::picture::Picture;
use super::place::Place;
use super::recipe::Recipe;
use super::results::Counts;
use super::unfinished::{Durable, Unfinished};
use super::upscale::{Listener, Target, Upscale};
use crate::resume::{SegmentSink, Sources};
use crate::{FrameSink, Pipeline};

/// Opens input, model and output, and starts.
pub(super) fn begin(mut upscale: Upscale, to: Target) -> Result<Job> {
    let log = upscale.model_options.log.clone();
    let durable = Durable::of(&upscale, &to)?;
    let place = match (&to, &upscale.origin, &durable) {
        (Target::File(path), _, None) => {
            Some(Place::prepare(path, upscale.origin.path(), upscale.overwrite)?)
        }
        _ => None,
    };
    let input = open_input(&upscale)?;
    let engine = load(&upscale, input.as_ref())?;
    let unfinished = match (&durable, &input) {
        (Some(durable), Some(input)) => Some(durable.open(&upscale, &engine, input)?),
        _ => None,
    };
    let place = match (&durable, &unfinished) {
        (Some(durable), Some(unfinished)) => {
            upscale.encoding.muxer.extend(unfinished.muxer_options());
            Some(durable.place(unfinished))
        }
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
    let along = if matches!(unfinished, Some(Unfinished::Segments(_))) {
        vec![false; copied.len()]
    } else {
        copied.clone()
    };
    let mut source = Source::open(&mut upscale, input, &engine, &along)?;
    let first = source.first()?;
    if let Some(output) = &output {
        output.check_count(&upscale, &mut source)?;
    }
    let chain = Chain::new(&upscale, &to, &engine, &first)?;
    let facts = Facts {
        input_size: chain.geometry.size,
        output_size: chain.output_size,
        encoder: chain.encoding.as_ref().map(|encoding| encoding.codec.clone()),
        model: engine.model.description(),
        total: source.video().and_then(|video| estimate(video, upscale.start, upscale.length)),
        resumed: unfinished.as_ref().map_or(0, Unfinished::pictures),
    };
    let done = unfinished.as_ref().and_then(Unfinished::last);
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
            let streams = source.file().map(|file| (file.input(), &copied[..], file.clip()));
            let file = output.start(streams, recipe.open()?, source.remains())?;
            match (unfinished, &durable, &source) {
                (Some(Unfinished::Segments(done)), Some(durable), Source::File(source)) => {
                    let sources = Sources {
                        input: input_options(&upscale, upscale.origin.path()),
                        start: upscale.start.as_secs_f64(),
                        clip: source.clip(),
                    };
                    Box::new(SegmentSink::new(recipe, durable.resumable.segment, done, file, sources)?)
                }
                (Some(Unfinished::Pictures(pictures)), ..) => Box::new(file.counted(pictures)),
                _ => Box::new(file),
            }
        }
        (Target::Sink(sink), ..) => sink,
        _ => return Err(Error::new(Status::Unknown, "a file without an output")),
    };

    let pictures = source.after(done, first);
    let pipeline = chain.pipeline(&mut upscale, pictures, inference)?;
    let pipeline = match upscale.listener.take() {
        Some(listener) => tell(pipeline, listener, &facts),
        None => pipeline,
    };
    let running = pipeline.start("encode", sink)?;
    Ok(Job { running, facts, remains, counts })
}

/// How many pictures a part of a video has, as far as it says.
fn estimate(video: &VideoInfo, start: Duration, length: Option<Duration>) -> Option<u64> {
    let all = video.frames?;
    let Some(rate) = video.average_rate.or(video.frame_rate).map(Rational::to_f64) else { return Some(all) };
    let left = all.saturating_sub((start.as_secs_f64() * rate) as u64);
    let wanted = length.map_or(u64::MAX, |length| (length.as_secs_f64() * rate).ceil() as u64);
    Some(left.min(wanted))
}

fn tell(pipeline: Pipeline<Picture>, (every, mut tell): Listener, facts: &Facts) -> Pipeline<Picture> {
    let (total, resumed) = (facts.total, facts.resumed);
    pipeline.on_progress(every, move |metrics| {
        tell(&Progress { frames: resumed + metrics.frames, total, metrics: metrics.clone() });
    })
}
