//! Whether a run is made in segments, and what it takes.

use std::path::Path;

use rave_core::{Error, Result, Status};
use rave_ffmpeg::Input;

use super::engine::Engine;
use super::opened::input_options;
use super::place::{Place, is_pattern};
use super::upscale::{Origin, Resumable, Target, Upscale};
use crate::resume::{Fingerprint, Hasher, State};

/// The input and the output of a run that is made in segments.
#[derive(Debug)]
pub(super) struct Segmented {
    input: String,
    output: String,
    pub(super) resumable: Resumable,
}

impl Segmented {
    /// Whether the run is: if it was asked for and both are files.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when an unfinished run is to be gone on with that there cannot be; those of
    /// [`Place::prepare`].
    // RV-PIPE-3105
    pub(super) fn of(upscale: &Upscale, target: &Target) -> Result<Option<Self>> {
        let Some(resumable) = upscale.resumable else { return Ok(None) };
        match (&upscale.origin, target) {
            (Origin::File(input), Target::File(output)) if Path::new(input).is_file() && is_file(output) => {
                // Whoever goes on with a run has said before that it may write there.
                drop(Place::prepare(output, input, upscale.overwrite || resumable.resume)?);
                Ok(Some(Segmented { input: input.clone(), output: output.clone(), resumable }))
            }
            _ if resumable.resume => Err(Error::new(
                Status::InvalidParameter,
                "a run that is to be resumed reads or writes no file",
            )
            .expected("one file as the input and one as the output: no pipes, no numbered images")
            .help("leave --resume out")),
            _ => Ok(None),
        }
    }

    /// The folder of the run, with what an earlier one has left.
    pub(super) fn open(&self, upscale: &Upscale, engine: &Engine, input: &Input) -> Result<State> {
        let mut source = Hasher::default();
        source.file(Path::new(&self.input))?;
        let mut model = Hasher::default();
        model.file(Path::new(engine.model.name()))?;
        model.text(&engine.model.description());
        let mut options = Hasher::default();
        options.text(&self.options(upscale, input));
        let print = Fingerprint { input: source.end(), model: model.end(), options: options.end() };
        let (resume, anew) = (self.resumable.resume, upscale.overwrite);
        State::open(&self.output, &print, resume, anew, &upscale.model_options.log)
    }

    /// Everything that decides what the output is, but for input and model. Repeats that are looked for change nothing.
    fn options(&self, upscale: &Upscale, input: &Input) -> String {
        let ending = Path::new(&self.output).extension();
        let stages = |stages: &[super::upscale::NamedStage]| -> Vec<String> {
            stages.iter().map(|(name, _)| name.clone()).collect()
        };
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

    /// Where the output is joined.
    pub(super) fn place(&self, state: &State) -> Place {
        Place::kept(&self.output, state.joined())
    }
}

fn is_file(output: &str) -> bool {
    let path = Path::new(output);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    output != "-" && !is_pattern(&name) && (path.is_file() || !path.exists())
}
