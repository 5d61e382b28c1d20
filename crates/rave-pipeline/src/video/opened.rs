//! What a run reads: its input, its model, and the first of its pictures.

use rave_core::{Error, Result, Status};
use rave_engine::{Cancel, Mode, ModelOptions};
use rave_ffmpeg::{Input, InputOptions, VideoInfo};

use super::engine::Engine;
use super::picture::Picture;
use super::source::{FileSource, Peeked, Remains, SourceOptions};
use super::upscale::{Model, Origin, Upscale};
use crate::{Carrier, FrameSource};

pub(super) fn open_input(upscale: &Upscale) -> Result<Option<Input>> {
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
        // RV-PIPE-2108
        strict: upscale.model_options.mode == Mode::Strict,
    }
}

/// The engine that was given, or that of the model that was named.
pub(super) fn load(upscale: &Upscale, input: Option<&Input>) -> Result<Engine> {
    match &upscale.model {
        Model::Loaded(engine) => Ok(engine.clone()),
        Model::File(path) => {
            let size = input.map(|input| input.video().map(|video| video.size)).transpose()?;
            let options = &upscale.model_options;
            // Building an engine can take minutes.
            let (asked, token) = (options.cancel.clone(), upscale.cancelled_by.clone());
            let cancel = Cancel::when(move || asked.came() || token.is_cancelled());
            let options = ModelOptions { size_hint: options.size_hint.or(size), cancel, ..options.clone() };
            Engine::load(path, upscale.device, &options)
        }
    }
}

/// Where pictures come from, before the pipeline has it.
pub(crate) enum Source {
    File(Box<FileSource>),
    User(Box<dyn FrameSource<Picture>>),
}

impl Source {
    // RV-PIPE-2109
    pub(super) fn open(
        upscale: &mut Upscale,
        input: Option<Input>,
        engine: &Engine,
        copied: &[bool],
    ) -> Result<Self> {
        let Some(input) = input else {
            let none = Origin::File(String::new());
            return match std::mem::replace(&mut upscale.origin, none) {
                Origin::Source(source) => Ok(Source::User(source)),
                Origin::File(_) => Err(Error::new(Status::Unknown, "an input that was not opened")),
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
    pub(super) fn first(&mut self) -> Result<Picture> {
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

    /// Whether there is a picture behind the first; of a program's own source that is not known before it is read.
    pub(crate) fn has_second(&mut self) -> Result<bool> {
        match self {
            Source::File(source) => source.read(&mut Picture::blank()?),
            Source::User(_) => Ok(false),
        }
    }

    pub(super) fn file(&self) -> Option<&FileSource> {
        match self {
            Source::File(source) => Some(source),
            Source::User(_) => None,
        }
    }

    pub(super) fn video(&self) -> Option<&VideoInfo> {
        self.file().map(FileSource::video)
    }

    pub(super) fn remains(&self) -> Remains {
        match self {
            Source::File(source) => source.remains(),
            Source::User(_) => Remains::default(),
        }
    }

    /// The pictures after the time `done`, if something was done already; `first` is the one that was read.
    pub(super) fn after(self, done: Option<i64>, first: Picture) -> Peeked {
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
