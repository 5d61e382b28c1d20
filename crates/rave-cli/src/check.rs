//! `rave build --check` and `rave check`.

use std::path::{Path, PathBuf};

use clap::Args;
use rave_core::{Error, LogLevel, Result, Status};
use rave_engine::{
    Choices, Comparison, EngineCheck, ModelOptions, Picture, Precision, PreparedBuild, Verdict, in_words,
    verdict,
};

use crate::arguments::Values;
use crate::build::arguments::Build;
use crate::{film, messages};

/// The examples in its help.
pub(crate) const EXAMPLES: &str = "Examples:
  rave check model.engine model.onnx             on a picture that is built in
  rave check model.engine model.onnx frame.png
  rave check model.engine model.onnx film.mp4    on eight frames of it";

/// The command's arguments.
#[derive(Args, Debug)]
pub(crate) struct CheckEngine {
    /// The engine
    pub(crate) engine: PathBuf,
    /// The ONNX model that it was built of
    pub(crate) model: PathBuf,
    /// A picture or a film: of each frame as much is taken as the engine takes whole; a picture that is built in by default
    #[arg(value_name = "FRAME|CLIP")]
    pub(crate) frame: Option<PathBuf>,
    /// What the model's tensors hold for white
    #[arg(long, value_enum, default_value_t = Values::Unit)]
    pub(crate) values: Values,
    /// The TensorRT library; searched for by default
    #[arg(long, value_name = "FILE")]
    pub(crate) runtime_lib: Option<PathBuf>,
    /// The lean runtime of an older TensorRT, for version-compatible engines that it built
    #[arg(long, value_name = "FILE")]
    pub(crate) lean_runtime: Option<PathBuf>,
}

/// How many frames of a film are compared.
const FRAMES: usize = 8;

/// A GPU to run engines on, and what they are run on.
#[derive(Debug)]
pub(crate) struct Check {
    gpu: EngineCheck,
    frames: Frames,
}

/// What came of a check.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The engine may be used; how close it comes.
    Sound(String),
    /// It overflows: what to build it in, and what was found.
    BuildIn(Precision, String),
}

impl Check {
    /// Makes sure that the engine that is wanted can be run here, and reads the frames.
    // RV-CLI-1107
    pub(crate) fn prepare(path: &Path, wanted: &Build) -> Result<Self> {
        let frames = Frames::of(path)?;
        let gpu = EngineCheck::open(wanted.values.range())
            .map_err(|error| error.help("build without --check, or on the machine that the engine is for"))?;
        runs_here(gpu.gpu().compute_capability, &wanted.compute_capability)?;
        Ok(Check { gpu, frames })
    }

    /// Compares the engine `plan` with its model.
    pub(crate) fn run(&self, prepared: &PreparedBuild, plan: &[u8]) -> Result<Answer> {
        let comparison = self.gpu.compare_built(prepared, plan.to_vec(), &self.frames.pictures)?;
        let precision = prepared.options().precision;
        let total = comparison.total();
        match verdict(&total, precision, prepared.choices(capability(&self.gpu))) {
            Verdict::Sound => Ok(Answer::Sound(self.frames.describe(&comparison))),
            Verdict::BuildIn(next) => {
                let (found, precision) = (total.not_finite, in_words(precision));
                Ok(Answer::BuildIn(next, format!("check: in {precision} {found} elements are not finite")))
            }
            Verdict::Useless(error) => Err(error.context("check")),
        }
    }
}

/// Compares the engine of a file with its model; returns what to say.
// RV-CLI-1107
pub(crate) fn run(wanted: &CheckEngine, verbose: bool) -> Result<String> {
    let frames = wanted.frame.as_deref().map_or_else(|| Ok(Frames::default()), Frames::of)?;
    let gpu = EngineCheck::open(wanted.values.range())?;
    let level = if verbose { LogLevel::Debug } else { LogLevel::Warning };
    let options = ModelOptions {
        runtime_lib: wanted.runtime_lib.clone(),
        lean_runtime: wanted.lean_runtime.clone(),
        log: messages::to_stderr(level),
        ..ModelOptions::default()
    };
    let comparison = gpu.compare_files(&wanted.engine, &wanted.model, &options, &frames.pictures)?;
    // No other precision is asked for of an engine that is there.
    let choices = Choices { keeps_model_types: true, saved_in_fp16: false, capability: capability(&gpu) };
    match verdict(&comparison.total(), Precision::Model, choices) {
        Verdict::Useless(error) => Err(error.context(format!("engine {}", wanted.engine.display()))),
        Verdict::Sound | Verdict::BuildIn(_) => Ok(frames.describe(&comparison)),
    }
}

fn capability(gpu: &EngineCheck) -> (u32, u32) {
    let (major, minor) = gpu.gpu().compute_capability;
    (major.unsigned_abs(), minor.unsigned_abs())
}

/// What is compared; nothing is the picture that is built in.
#[derive(Debug, Default)]
struct Frames {
    pictures: Vec<Picture>,
    /// When each is shown, in seconds.
    times: Vec<f64>,
}

impl Frames {
    fn of(path: &Path) -> Result<Frames> {
        let shown = film::spread(path, FRAMES)
            .map_err(|error| error.help("name a picture, or a film, that FFmpeg can read"))?;
        let pictures = shown.iter().map(|(frame, _)| Ok(Picture::copy_of(&frame.view()?)));
        Ok(Frames {
            pictures: pictures.collect::<Result<_>>()?,
            times: shown.iter().map(|shown| shown.1).collect(),
        })
    }

    fn describe(&self, comparison: &Comparison) -> String {
        let elements = comparison.total().elements;
        let of = match (&self.times[..], comparison.worst()) {
            ([], _) => "of the built-in picture".to_owned(),
            ([_], _) => "of one frame".to_owned(),
            (times, worst) => format!("of {} frames, the worst at {:.3} s", times.len(), times[worst]),
        };
        format!(
            "check: {comparison}, {of}, {elements} elements, against {} on the CPU\n",
            comparison.reference
        )
    }
}

/// Refuses an engine for other GPUs than this machine's, of compute capability `here`.
fn runs_here(here: (i32, i32), wanted: &[(u32, u32)]) -> Result<()> {
    let is_here =
        |&(major, minor): &(u32, u32)| (i64::from(major), i64::from(minor)) == (here.0.into(), here.1.into());
    if wanted.is_empty() || wanted.iter().any(is_here) {
        return Ok(());
    }
    Err(Error::new(
        Status::InvalidParameter,
        format!("--check with an engine that is not for the GPU of this machine, which has compute capability {}.{}", here.0, here.1),
    )
    .help("add this one to --compute-capability, or leave --check out"))
}

#[cfg(test)]
mod tests {
    use rave_core::ValueRange;
    use rave_engine::Accuracy;

    use super::*;

    /// RV-CLI-1107
    #[test]
    fn how_close_an_engine_comes_is_told_of_all_frames_and_of_the_worst() {
        let of = |times: &[f64], errors: &[f32]| {
            let accuracy = |&error: &f32| {
                let mut accuracy = Accuracy::default();
                accuracy.add(&[0.0; 10], &[error; 10], ValueRange::Unit);
                accuracy
            };
            let pictures = errors.iter().map(accuracy).collect();
            let comparison = Comparison { pictures, reference: "x".into() };
            Frames { pictures: Vec::new(), times: times.to_vec() }.describe(&comparison)
        };
        assert_eq!(
            of(&[0.5, 1.5], &[0.1, 0.01]),
            "check: PSNR 22.97 dB on average, 20.00 dB at worst, largest error 0.100000 (25.500 of 255), of 2 frames, the \
             worst at 0.500 s, 20 elements, against x on the CPU\n"
        );
        assert!(
            of(&[0.0], &[0.1])
                .contains("PSNR 20.00 dB, largest error 0.100000 (25.500 of 255), of one frame, 10")
        );
        assert!(of(&[], &[0.1]).contains("of the built-in picture, 10 elements"));
    }

    /// RV-CLI-1107
    #[test]
    fn an_engine_for_other_gpus_is_not_compared_here() {
        runs_here((9, 0), &[]).unwrap();
        runs_here((8, 9), &[(7, 5), (8, 9)]).unwrap();
        let error = runs_here((9, 0), &[(8, 9), (12, 0)]).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        assert!(error.to_string().contains("9.0"), "{error}");
    }
}
