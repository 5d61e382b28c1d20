//! The engine of a model that is loaded for a GPU, built when it is not there.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rave_core::Result;
use rave_tensorrt::{BuiltPlan, Driver, Flavour, Progress};

use super::progress_log::ProgressLog;
use super::{BuildPlace, EngineRequest, EngineSizes, PreparedBuild};
use crate::ModelOptions;

/// The GPU that an engine is to run on.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// Its compute capability.
    pub(crate) capability: (u32, u32),
}

/// An engine, and the library that runs it.
pub(crate) struct Engine {
    pub(crate) plan: Vec<u8>,
    pub(crate) library: PathBuf,
}

/// Builds the engine of the model `onnx`, read from `path`, for `target`, whose context is current on this thread.
///
/// # Errors
/// As [`EngineRequest::prepare`] and [`PreparedBuild::build`].
// RV-ENG-1203
pub(crate) fn engine_for(
    path: &Path,
    onnx: Vec<u8>,
    target: &Target,
    options: &ModelOptions,
) -> Result<Engine> {
    let request = EngineRequest {
        precision: options.precision,
        sizes: EngineSizes::Automatic(options.size_hint),
        runtime_lib: options.runtime_lib.clone(),
        log: options.log.clone(),
        ..EngineRequest::new(path)
    };
    let mut prepared = PreparedBuild::new(&request, onnx)?;
    prepared.aim_at(target.capability);
    let library = prepared.library().name().to_owned();
    let plan = build(&prepared, path, target, options)?.bytes;
    Ok(Engine { plan, library })
}

fn build(
    prepared: &PreparedBuild,
    path: &Path,
    target: &Target,
    options: &ModelOptions,
) -> Result<BuiltPlan> {
    let (major, minor) = target.capability;
    let what = format!("an engine of {} for {}", path.display(), target.name);
    let details =
        format!("{}, compute capability {major}.{minor}, frames of {}", prepared.library(), prepared.sizes());
    let mut told = ProgressLog::begin(&options.log, what, &details);
    let mut progress = |progress: &Progress<'_>| {
        told.report(progress, Instant::now());
        ControlFlow::Continue(())
    };
    // The full TensorRT builds on the first GPU that its process sees, which has to be the one that is meant.
    let child_sees_it = prepared.library().flavour() == Flavour::Rtx
        || Driver::get().is_ok_and(|driver| driver.devices() == 1);
    let mut command = options.builder.as_ref().filter(|_| child_sees_it).map(|program| program.command());
    let place = command.as_mut().map_or(BuildPlace::Here, BuildPlace::Child);
    let built = prepared.build(place, &mut progress)?;
    told.end(built.layers, built.bytes.len());
    Ok(built)
}
