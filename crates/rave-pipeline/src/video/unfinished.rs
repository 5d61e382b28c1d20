//! Whether a run is made so that it can go on after it was stopped, and what it takes.

use std::path::{Path, PathBuf};

use rave_core::{Error, PixelFormat, Result, Status};
use rave_ffmpeg::{Input, default_encoder, encodes_without_memory};

use super::engine::Engine;
use super::numbered::Numbered;
use super::opened::input_options;
use super::place::{Place, folder_of};
use super::upscale::{NamedStage, Origin, Resumable, Target, Upscale};
use crate::resume::{Fingerprint, Folder, Hasher, Images, Pictures, Segments, is_begun};

/// Options of FFmpeg's muxer of images that give these other names than numbers that rise by one.
const OTHER_NAMES: [&str; 3] = ["update", "strftime", "frame_pts"];

/// The input and the output of a run that can go on after it was stopped.
#[derive(Debug)]
pub(super) struct Durable {
    input: String,
    output: String,
    /// Where the output is numbered images.
    names: Option<Numbered>,
    pub(super) resumable: Resumable,
}

/// What is finished of such a run.
#[derive(Debug)]
pub(super) enum Unfinished {
    Segments(Segments),
    Pictures(Pictures),
}

impl Durable {
    /// Whether the run is one: if it was asked for, and input and output are files or numbered images.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when an unfinished run is to be gone on with that there cannot be; those of
    /// [`Place::prepare`].
    // RV-PIPE-3105
    pub(super) fn of(upscale: &Upscale, target: &Target) -> Result<Option<Self>> {
        let Some(resumable) = upscale.resumable else { return Ok(None) };
        match durable(upscale, target) {
            Ok((input, output, names)) => {
                // Whoever began the run that is gone on with has said that it may write there.
                let goes_on = resumable.resume && is_begun(output);
                drop(Place::prepare(output, input, upscale.overwrite || goes_on)?);
                Ok(Some(Durable { input: input.to_owned(), output: output.to_owned(), names, resumable }))
            }
            Err(why) if resumable.resume => Err(Error::new(
                Status::InvalidParameter,
                format!("there can be no unfinished run to go on with: {why}"),
            )
            .expected("a file or numbered images as the input, and as the output")
            .help("leave --resume out")),
            Err(_) => Ok(None),
        }
    }

    /// What an earlier run has left, and the folder for more.
    pub(super) fn open(&self, upscale: &Upscale, engine: &Engine, input: &Input) -> Result<Unfinished> {
        let mut source = Hasher::default();
        match images_at(&self.input) {
            Some(images) => source.images(&images)?,
            None => source.file(Path::new(&self.input))?,
        }
        let mut model = Hasher::default();
        model.file(Path::new(engine.model.name()))?;
        model.text(&engine.model.description());
        let mut options = Hasher::default();
        options.text(&self.options(upscale, input));
        let print = Fingerprint { input: source.end(), model: model.end(), options: options.end() };
        let log = &upscale.model_options.log;
        let (folder, _) = Folder::open(&self.output, &print, self.resumable.resume, upscale.overwrite)?;
        Ok(match &self.names {
            None => Unfinished::Segments(Segments::find(folder, log)?),
            Some(names) => {
                let given = upscale.encoding.muxer.iter().rfind(|(name, _)| name == "start_number");
                let images = Images {
                    names: names.clone(),
                    first: given.and_then(|(_, number)| number.parse().ok()).unwrap_or(1),
                    place: folder_of(Path::new(&self.output)).to_owned(),
                    batch: self.resumable.segment,
                };
                Unfinished::Pictures(Pictures::find(folder, images, log)?)
            }
        })
    }

    /// Everything that decides what the output is, but for input and model. Repeats that are looked for change nothing.
    fn options(&self, upscale: &Upscale, input: &Input) -> String {
        let output = Path::new(&self.output);
        let ending = if self.names.is_some() { output.file_name() } else { output.extension() };
        let stages =
            |stages: &[NamedStage]| -> Vec<String> { stages.iter().map(|(name, _)| name.clone()).collect() };
        format!(
            "{:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {} {} {:?} {:?} {:?} {:?} FFmpeg {}",
            ending,
            upscale.encoding,
            input_options(upscale, &self.input),
            upscale.tile,
            upscale.overlap,
            upscale.dither,
            upscale.start,
            upscale.length,
            upscale.copy,
            self.resumable.segment,
            upscale.model_options.values,
            upscale.model_options.precision,
            stages(&upscale.before),
            stages(&upscale.after),
            rave_ffmpeg::release(),
        ) + &input.format_name()
    }

    /// Where the output is put together.
    pub(super) fn place(&self, unfinished: &Unfinished) -> Place {
        match unfinished {
            Unfinished::Segments(segments) => {
                Place::kept(&self.output, segments.joined(), segments.replace())
            }
            Unfinished::Pictures(pictures) => {
                let (names, folder) = (pictures.names().clone(), pictures.folder().to_owned());
                Place::kept_sequence(&self.output, names, folder, pictures.replace())
            }
        }
    }
}

impl Unfinished {
    /// How many pictures are finished.
    pub(super) fn pictures(&self) -> u64 {
        match self {
            Unfinished::Segments(segments) => segments.pictures(),
            Unfinished::Pictures(pictures) => pictures.done(),
        }
    }

    /// When the last of them is shown.
    pub(super) fn last(&self) -> Option<i64> {
        match self {
            Unfinished::Segments(segments) => segments.last(),
            Unfinished::Pictures(pictures) => pictures.last(),
        }
    }

    /// What the muxer must be told.
    pub(super) fn muxer_options(&self) -> Vec<(String, String)> {
        match self {
            Unfinished::Segments(_) => Vec::new(),
            Unfinished::Pictures(pictures) => pictures.muxer_options().into(),
        }
    }
}

/// The names of input and output of a run that can go on, or why it cannot.
fn durable<'a>(
    upscale: &'a Upscale,
    target: &'a Target,
) -> std::result::Result<(&'a str, &'a str, Option<Numbered>), String> {
    let (Origin::File(input), Target::File(output)) = (&upscale.origin, target) else {
        return Err("pictures come from the program or go to it".to_owned());
    };
    if !Path::new(input).is_file() && images_at(input).is_none() {
        return Err(format!("input {input} is a pipe or no file, and begins anew each time"));
    }
    let path = Path::new(output);
    if output == "-" || path.exists() && !path.is_file() {
        return Err(format!("output {output} is a pipe or no file, and what went through it is gone"));
    }
    let Some(names) = Numbered::of(path) else { return Ok((input, output, None)) };
    let encoding = &upscale.encoding;
    if let Some((name, _)) = encoding.muxer.iter().find(|(name, _)| OTHER_NAMES.contains(&&**name)) {
        return Err(format!("with {name}, images of {output} are not numbered from the first on"));
    }
    let container = encoding.container.as_deref();
    let codec = match &encoding.codec {
        Some(codec) => codec.clone(),
        None => default_encoder(output, container, PixelFormat::Rgb24).map_err(|error| error.message())?,
    };
    if !encodes_without_memory(&codec).map_err(|error| error.message())? {
        return Err(format!("images by {codec} depend on those before; those by png do not"));
    }
    Ok((input, output, Some(names)))
}

/// The images that a pattern names, if there is one and it is no file.
fn images_at(input: &str) -> Option<Vec<(u64, PathBuf)>> {
    let path = Path::new(input);
    if path.is_file() {
        return None;
    }
    let images = Numbered::of(path)?.images(folder_of(path)).ok()?;
    (!images.is_empty()).then_some(images)
}
