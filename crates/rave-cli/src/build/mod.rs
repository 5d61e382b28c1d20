//! `rave build`.

pub(crate) mod arguments;

use std::ops::ControlFlow;
use std::time::Instant;

use rave_core::{Error, Log, Result, Status};
use rave_engine::{
    BatchRange, BuildPlace, BuilderProgram, BuiltPlan, EngineRequest, EngineSizes, PreparedBuild, SizeRange,
    Tried, Verdict, check_room, in_words,
};

use crate::check::{Answer, Check};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Shown;
use arguments::{Build, Sizes};

/// Builds the engine that is wanted, and says what came of it.
pub(crate) fn run(wanted: &Build, verbose: bool, interrupt: &Interrupt) -> Result<String> {
    interrupt.watch()?;
    let mut shown = Shown::new();
    let mut prepared = request(wanted, shown.log(verbose)).prepare()?;
    let path = wanted.output.clone().unwrap_or_else(|| wanted.model.with_extension("engine"));
    let output = Output::prepare(&path, &wanted.model, true)?;
    check_room(output.folder(), std::fs::metadata(&wanted.model).map_or(0, |model| model.len()))?;
    let check = wanted.check.as_deref().map(|frame| Check::prepare(frame, wanted)).transpose()?;
    shown.say(&format!("building {}: {}", path.display(), describe(&prepared)));
    let begun = Instant::now();
    let (built, said) = loop {
        let built = build(&prepared, &mut shown, interrupt);
        shown.end();
        let built = built?;
        if interrupt.came() {
            return Err(Error::new(
                Status::Cancelled,
                "interrupted when the engine was built; it was not written",
            ));
        }
        let (precision, why) = match judge(&prepared, &built, check.as_ref())? {
            Answer::Sound(said) => break (built, said),
            Answer::BuildIn(precision, why) => (precision, why),
        };
        shown.say(&format!("{why}; it is built again, in {precision}"));
        prepared.set_precision(precision)?;
        shown.again();
    };
    output.write(&built.bytes)?;
    Ok(format!(
        "{}: {} layers, {} bytes, built in {:.1} s\n{said}",
        output.path().display(),
        built.layers,
        built.bytes.len(),
        begun.elapsed().as_secs_f32()
    ))
}

/// What came of running the new engine once, and of comparing it.
// RV-CLI-1109
fn judge(prepared: &PreparedBuild, built: &BuiltPlan, check: Option<&Check>) -> Result<Answer> {
    let mut said = String::new();
    if let Some(tried) = &built.tried {
        let what = describe_trial(tried);
        match prepared.verdict_of(tried) {
            Verdict::Sound => said = what + "\n",
            Verdict::BuildIn(precision) => {
                return Ok(Answer::BuildIn(
                    precision,
                    format!("{what} in {}", in_words(prepared.options().precision)),
                ));
            }
            Verdict::Useless(error) => return Err(error.context("self-test")),
        }
    }
    Ok(match check.map(|check| check.run(prepared, &built.bytes)).transpose()? {
        Some(Answer::Sound(compared)) => Answer::Sound(said + &compared),
        Some(answer) => answer,
        None => Answer::Sound(said),
    })
}

fn describe_trial(tried: &Tried) -> String {
    match tried {
        Tried::Finite => "self-test: every element is finite".to_owned(),
        Tried::NotFinite { elements, of, .. } => {
            format!("self-test: {elements} of {of} elements are NaN or infinite")
        }
        Tried::NotRun(why) => format!("self-test: not run: {why}"),
    }
}

fn request(wanted: &Build, log: Log) -> EngineRequest {
    EngineRequest {
        precision: wanted.precision.choice(),
        values: wanted.values.range(),
        sizes: wanted.sizes.choice(),
        batch: BatchRange { min: 1, best: wanted.batch, max: wanted.batch },
        workspace: wanted.workspace,
        level: wanted.level,
        version_compatible: wanted.version_compatible,
        compute_capabilities: wanted.compute_capability.clone(),
        runtime_lib: wanted.runtime_lib.clone(),
        parser_lib: wanted.parser_lib.clone(),
        log,
        ..EngineRequest::new(&wanted.model)
    }
}

/// Builds in a child, which can be ended at any moment.
// RV-CLI-1101
fn build(prepared: &PreparedBuild, shown: &mut Shown, interrupt: &Interrupt) -> Result<BuiltPlan> {
    let this = std::env::current_exe()
        .map_err(|error| Error::new(Status::Io, format!("the path of rave itself is unknown: {error}")))?;
    let mut child = BuilderProgram::rave(this).command();
    prepared.build(BuildPlace::Child(&mut child), &mut |progress| {
        shown.report(progress);
        if interrupt.came() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

fn describe(prepared: &PreparedBuild) -> String {
    let capabilities = &prepared.options().compute_capabilities;
    let gpus = if capabilities.is_empty() {
        "this GPU".to_owned()
    } else {
        let numbers: Vec<_> = capabilities.iter().map(|(major, minor)| format!("{major}.{minor}")).collect();
        format!("compute capability {}", numbers.join(", "))
    };
    format!(
        "{} operators, frames of {}, for {gpus}, by {}",
        prepared.model().nodes(),
        prepared.sizes(),
        prepared.library()
    )
}

impl Sizes {
    fn choice(&self) -> EngineSizes {
        match (self.shape, self.min, self.opt, self.max) {
            (Some(size), ..) => EngineSizes::One(size),
            (None, Some(min), Some(best), Some(max)) => EngineSizes::Range(SizeRange { min, best, max }),
            _ => EngineSizes::Automatic(None),
        }
    }
}
