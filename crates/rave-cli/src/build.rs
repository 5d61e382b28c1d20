//! `rave build`.

use std::ops::ControlFlow;
use std::time::Instant;

use rave_core::{Error, Result, Status};
use rave_engine::{
    BatchRange, BuildPlace, BuilderProgram, EngineRequest, EngineSizes, PreparedBuild, SizeRange,
};

use crate::arguments::{Build, Sizes};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Shown;

/// Builds the engine that is wanted, and says what came of it.
pub(crate) fn run(wanted: &Build, verbose: bool, interrupt: &Interrupt) -> Result<String> {
    interrupt.watch()?;
    let mut shown = Shown::new();
    let request = EngineRequest {
        precision: wanted.precision.choice(),
        sizes: wanted.sizes.choice(),
        batch: BatchRange { min: 1, best: wanted.batch, max: wanted.batch },
        workspace: wanted.workspace,
        level: wanted.level,
        version_compatible: wanted.version_compatible,
        compute_capabilities: wanted.compute_capability.clone(),
        runtime_lib: wanted.runtime_lib.clone(),
        parser_lib: wanted.parser_lib.clone(),
        log: shown.log(verbose),
        ..EngineRequest::new(&wanted.model)
    };
    let prepared = request.prepare()?;
    let path = wanted.output.clone().unwrap_or_else(|| wanted.model.with_extension("engine"));
    let output = Output::prepare(&path, &wanted.model)?;
    shown.say(&format!("building {}: {}", path.display(), describe(&prepared)));
    let begun = Instant::now();
    let built = build(&prepared, &mut shown, interrupt);
    shown.end();
    let built = built?;
    if interrupt.came() {
        return Err(Error::new(
            Status::Cancelled,
            "interrupted when the engine was built; it was not written",
        ));
    }
    output.write(&built.bytes)?;
    Ok(format!(
        "{}: {} layers, {} bytes, built in {:.1} s\n",
        output.path().display(),
        built.layers,
        built.bytes.len(),
        begun.elapsed().as_secs_f32()
    ))
}

/// Builds in a child, which can be ended at any moment.
// RV-CLI-1101
fn build(
    prepared: &PreparedBuild,
    shown: &mut Shown,
    interrupt: &Interrupt,
) -> Result<rave_engine::BuiltPlan> {
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
