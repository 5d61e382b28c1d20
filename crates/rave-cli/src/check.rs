//! `rave build --check` and `rave check`.

use std::path::Path;

use rave_core::{Error, LogLevel, Result, Status, ValueRange};
use rave_engine::{Accuracy, EngineCheck, ModelOptions, Picture, Precision, PreparedBuild, Verdict, verdict};

use crate::arguments::{Build, CheckEngine, Values};
use crate::messages;
use crate::picture::read_png;

/// A GPU to run engines on, and what they are run on.
#[derive(Debug)]
pub(crate) struct Check {
    gpu: EngineCheck,
    pictures: Vec<Picture>,
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
    /// Makes sure that the engine that is wanted can be run here, and reads the picture.
    // RV-CLI-1107
    pub(crate) fn prepare(frame: &Path, wanted: &Build) -> Result<Self> {
        let pictures = vec![read_png(frame)?];
        let gpu = EngineCheck::open(range(wanted.values))
            .map_err(|error| error.help("build without --check, or on the machine that the engine is for"))?;
        runs_here(gpu.gpu().compute_capability, &wanted.compute_capability)?;
        Ok(Check { gpu, pictures })
    }

    /// Compares the engine `plan` with its model.
    pub(crate) fn run(&self, prepared: &PreparedBuild, plan: &[u8]) -> Result<Answer> {
        let (accuracy, reference) = self.gpu.compare_built(prepared, plan.to_vec(), &self.pictures)?;
        let precision = prepared.options().precision;
        match verdict(&accuracy, precision, prepared.keeps_model_types()) {
            Verdict::Sound => Ok(Answer::Sound(describe(&accuracy, &reference))),
            Verdict::BuildIn(next) => {
                let found = accuracy.not_finite;
                Ok(Answer::BuildIn(next, format!("check: in {precision} {found} elements are not finite")))
            }
            Verdict::Useless(error) => Err(error.context("check")),
        }
    }
}

/// Compares the engine of a file with its model; returns what to say.
// RV-CLI-1107
pub(crate) fn run(wanted: &CheckEngine, verbose: bool) -> Result<String> {
    let pictures = [read_png(&wanted.frame)?];
    let gpu = EngineCheck::open(range(wanted.values))?;
    let level = if verbose { LogLevel::Debug } else { LogLevel::Warning };
    let options = ModelOptions {
        runtime_lib: wanted.runtime_lib.clone(),
        lean_runtime: wanted.lean_runtime.clone(),
        log: messages::to_stderr(level),
        ..ModelOptions::default()
    };
    let (accuracy, reference) = gpu.compare_files(&wanted.engine, &wanted.model, &options, &pictures)?;
    match verdict(&accuracy, Precision::Model, true) {
        Verdict::Useless(error) => Err(error.context(format!("engine {}", wanted.engine.display()))),
        // No other precision is asked for of an engine that keeps its types.
        Verdict::Sound | Verdict::BuildIn(_) => Ok(describe(&accuracy, &reference)),
    }
}

fn describe(accuracy: &Accuracy, reference: &str) -> String {
    format!("check: {accuracy}, of {} elements, against {reference} on the CPU\n", accuracy.elements)
}

fn range(values: Values) -> ValueRange {
    match values {
        Values::Unit => ValueRange::Unit,
        Values::Byte => ValueRange::Byte,
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
    use super::*;

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
