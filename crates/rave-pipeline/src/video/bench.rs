//! What each part of a run could do alone, and what the whole does.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rave_core::{Error, Result, Status};
use rave_engine::Stats;
use rave_ffmpeg::HardwareFrames;
use tempfile::TempDir;

use super::chain::{Chain, Inference};
use super::encoding::Encoding;
use super::engine::Engine;
use super::file_sink::{FileSink, NewOutput};
use super::opened::{load, open_input};
use super::picture::Picture;
use super::place::{PIPE, Place};
use super::recipe::Recipe;
use super::results::Counts;
use super::source::{FileSource, Remains, SourceOptions};
use super::upscale::{Target, Upscale};
use crate::{Carrier, FrameSink, FrameSource, MemorySource, Metrics, Pipeline};

/// How many decoded pictures are kept to be used over and over; decoders do not have many.
const KEPT: usize = 4;
/// How many of the model's results: an encoder is faster with few pictures that it knows than with those of a film.
const KEPT_RESULTS: usize = 16;

/// What the parts of a run do alone, and together. Pictures a second by the wall clock, of one process, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchReport {
    /// How many pictures each was measured with.
    pub frames: u64,
    /// Reading and decoding.
    pub decode: f64,
    /// The engine with the conversions before and after it.
    pub engine: f64,
    /// The conversions alone, where the engine tells: on the CPU.
    pub convert: Option<f64>,
    /// The model alone, where the engine tells: on the CPU.
    pub model: Option<f64>,
    /// Encoding and writing of results that follow each other, forwards and backwards.
    pub encode: f64,
    /// Everything together.
    pub end_to_end: f64,
    /// The encoder.
    pub encoder: String,
    /// What runs the model.
    pub runtime: String,
    /// What the stages did in the run of everything.
    pub metrics: Metrics,
}

impl BenchReport {
    /// The part that is slowest alone, and its pictures a second.
    #[must_use]
    pub fn bottleneck(&self) -> (&'static str, f64) {
        let parts = [("decode", self.decode), ("engine", self.engine), ("encode", self.encode)];
        parts.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("", 0.0))
    }

    /// How close the whole comes to its slowest part: 1 where nothing is lost between. Where parts share the same
    /// processors, as on the CPU, less than 1 is left even of a perfect pipeline.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.end_to_end / self.bottleneck().1
    }
}

impl Upscale {
    /// Measures what decoding, the engine and encoding do alone, and what they do together, with the first `frames` pictures,
    /// 1 or more. The output's name tells the encoder; what is written is removed.
    ///
    /// # Errors
    /// As [`Upscale::run`].
    pub fn bench(self, frames: u64) -> Result<BenchReport> {
        let Some(Target::File(name)) = &self.to else {
            return Err(Error::new(Status::InvalidParameter, "a benchmark without an output")
                .expected("the name of a file, which tells the encoder"));
        };
        if self.origin.path() == PIPE {
            return Err(Error::new(Status::InvalidParameter, "a benchmark of standard input")
                .expected("a file, which is read several times"));
        }
        let folder = tempfile::tempdir()
            .map_err(|error| Error::io(&std::env::temp_dir(), &error).context("nothing can be written"))?;
        let name = name.clone();
        let engine = load(&self, open_input(&self)?.as_ref())?;
        Bench { upscale: self, name, folder, engine, frames: frames.max(1) }.run()
    }
}

struct Bench {
    upscale: Upscale,
    name: String,
    folder: TempDir,
    engine: Engine,
    frames: u64,
}

impl Bench {
    fn run(mut self) -> Result<BenchReport> {
        let (decode, pictures) = self.decode()?;
        let first = pictures.first().ok_or_else(|| {
            Error::new(Status::UnsupportedFormat, "no picture came out of the input").expected("one or more")
        })?;
        let first = first.share()?;
        let chain = Chain::new(&self.upscale, &Target::File(self.name.clone()), &self.engine, &first)?;
        let encoding = chain.encoding.clone().ok_or_else(|| Error::new(Status::Unknown, "no encoding"))?;
        let frames = decode.frames;
        let (engine, stats) = self.engine(&chain, pictures, frames)?;
        let alone = |counters: [fn(&Stats) -> &AtomicU64; 2]| {
            let stats = stats.as_deref()?;
            let spent = counters.map(|counter| counter(stats).load(Ordering::Relaxed));
            Some(frames as f64 / Duration::from_nanos(spent[0] + spent[1]).as_secs_f64().max(1e-9))
        };
        // The second is no time at all on the CPU.
        let model = alone([|stats| &stats.inference_ns, |stats| &stats.wait_ns]);
        let convert = alone([|stats| &stats.unpack_ns, |stats| &stats.pack_ns]);

        let results = Keeper::of(KEPT_RESULTS);
        let sink = Tee(results.clone(), self.sink(&chain, &encoding, &first)?);
        let (source, inference) = (self.source()?, self.inference(&chain)?);
        let metrics = chain.pipeline(&mut self.upscale, source, inference)?.run("encode", sink)?;
        let sink = self.sink(&chain, &encoding, &first)?;
        let encode = Pipeline::new("made", repeated(results.take(), frames)).run("encode", sink)?;
        Ok(BenchReport {
            frames,
            decode: decode.frames_per_second,
            engine: engine.frames_per_second,
            convert,
            model,
            encode: encode.frames_per_second,
            end_to_end: metrics.frames_per_second,
            encoder: encoding.codec,
            runtime: self.engine.model.description(),
            metrics,
        })
    }

    fn source(&self) -> Result<Limited> {
        let input = open_input(&self.upscale)?
            .ok_or_else(|| Error::new(Status::InvalidParameter, "a benchmark of a program's own source"))?;
        let options = SourceOptions {
            start: self.upscale.start,
            length: self.upscale.length,
            ..SourceOptions::default()
        };
        let streams = input.streams().len();
        let mut source = FileSource::new(input, &options, self.engine.gpu.as_ref().map(|gpu| &gpu.hardware))?;
        source.copy(&vec![false; streams]);
        Ok(Limited { source, left: self.frames })
    }

    fn inference(&self, chain: &Chain) -> Result<Inference> {
        chain.inference(&self.upscale, &self.engine, (&Arc::new(Counts::default()), &Remains::default()))
    }

    /// Decodes, and keeps some of what comes.
    fn decode(&self) -> Result<(Metrics, Vec<Picture>)> {
        let kept = Keeper::of(KEPT);
        let metrics = Pipeline::new("decode", self.source()?).run("keep", kept.clone())?;
        Ok((metrics, kept.take()))
    }

    /// Runs the model on pictures that are there.
    fn engine(
        &mut self,
        chain: &Chain,
        pictures: Vec<Picture>,
        frames: u64,
    ) -> Result<(Metrics, Option<Arc<Stats>>)> {
        let inference = self.inference(chain)?;
        let stats = inference.host_stats();
        let pipeline = chain.pipeline(&mut self.upscale, repeated(pictures, frames), inference)?;
        Ok((pipeline.run("let go", Keeper::of(0))?, stats))
    }

    /// A file, in a folder that is removed.
    fn sink(&self, chain: &Chain, encoding: &Encoding, first: &Picture) -> Result<FileSink> {
        let inference = self.inference(chain)?;
        let name = Path::new(&self.name).file_name().unwrap_or_default();
        let path = self.folder.path().join(name).to_string_lossy().into_owned();
        let output = NewOutput::create(Place::prepare(&path, "", true)?, &self.name, &self.upscale.encoding)?;
        let hardware = inference.hardware().filter(|_| encoding.on_gpu).map(HardwareFrames::share);
        let recipe = Recipe {
            like: inference.prototype(encoding, &first.frame, chain.output_size)?,
            time_base: first.time_base,
            frame_rate: None,
            hardware: hardware.transpose()?,
            encoding: encoding.clone(),
            options: self.upscale.encoding.clone(),
            global_header: output.wants_global_header(),
        };
        output.start(None, recipe.open()?, Remains::default())
    }
}

/// The first pictures of a file.
struct Limited {
    source: FileSource,
    left: u64,
}

impl FrameSource<Picture> for Limited {
    fn read(&mut self, picture: &mut Picture) -> Result<bool> {
        let more = self.left > 0 && self.source.read(picture)?;
        self.left -= u64::from(more);
        Ok(more)
    }
}

/// Pictures forwards and backwards, over and over, at times that rise.
fn repeated(pictures: Vec<Picture>, frames: u64) -> impl FrameSource<Picture> {
    let step = pictures.first().map_or(1, |first| first.frame.duration().max(1));
    let count = if pictures.is_empty() { 0 } else { frames };
    MemorySource::new((0..count).filter_map(move |number| {
        // Without memory for a shell, the benchmark is over.
        let mut picture = pictures[to_and_fro(number, pictures.len())].share().ok()?;
        picture.frame.set_pts(Some(number as i64 * step));
        Some(picture)
    }))
}

/// The place of the `number`th step of a walk over `count` places, 1 or more, and back: 0 1 2 1 0 1 2 for three.
fn to_and_fro(number: u64, count: usize) -> usize {
    let last = count - 1;
    let at = (number % (2 * last).max(1) as u64) as usize;
    at.min((2 * last).saturating_sub(at))
}

/// Keeps the first pictures that come.
#[derive(Clone)]
struct Keeper {
    kept: Arc<Mutex<Vec<Picture>>>,
    most: usize,
}

impl Keeper {
    fn of(most: usize) -> Self {
        Keeper { kept: Arc::new(Mutex::new(Vec::with_capacity(most))), most }
    }

    fn take(&self) -> Vec<Picture> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl FrameSink<Picture> for Keeper {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(picture.share()?);
        }
        Ok(())
    }
}

/// Keeps pictures, and writes them.
struct Tee(Keeper, FileSink);

impl FrameSink<Picture> for Tee {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        self.0.write(picture)?;
        self.1.write(picture)
    }

    fn finish(&mut self) -> Result<()> {
        self.1.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::to_and_fro;

    #[test]
    fn pictures_are_walked_over_and_back() {
        let walk = |count| (0..9).map(|number| to_and_fro(number, count)).collect::<Vec<_>>();
        assert_eq!(walk(4), [0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!(walk(2), [0, 1, 0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(walk(1), [0; 9]);
    }
}
