//! A new engine, run once on the self-test picture before anybody relies on it.

use rave_core::Result;
use rave_cuda::{Device, Stream};
use rave_tensorrt::{Driver, NewEngine, Tried};

use super::TensorRtModel;
use super::run_once::run_once;
use crate::ModelOptions;
use crate::check::Picture;

/// Runs `engine` once on the first GPU of this process that it was built for: what a process that builds does for whoever
/// asked it to.
///
/// # Errors
/// As [`try_on`].
// RV-ENG-1706
pub(crate) fn try_anywhere(engine: &NewEngine<'_>) -> Result<Tried> {
    match gpu_for(engine.compute_capabilities) {
        Ok(device) => try_on(&device, engine),
        Err(why) => Ok(Tried::NotRun(why)),
    }
}

/// A context on the first GPU of these compute capabilities, or of any, where none is named; else why there is none.
fn gpu_for(wanted: &[(u32, u32)]) -> std::result::Result<Device, String> {
    let count = Driver::get().map_err(|error| error.to_string())?.devices();
    let mut why = "no GPU of its compute capability is here".to_owned();
    for ordinal in 0..u32::try_from(count).unwrap_or_default() {
        match Device::create(ordinal) {
            Ok(device) if wanted.is_empty() || wanted.contains(&capability(&device)) => return Ok(device),
            Ok(_) => {}
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

fn capability(device: &Device) -> (u32, u32) {
    let (major, minor) = device.info().compute_capability;
    (major.unsigned_abs(), minor.unsigned_abs())
}

/// Runs `engine` once on `device`, with a picture of the size that it is tuned for, and counts what is not finite.
///
/// # Errors
/// Those of loading and of running it: an engine that does not run on its GPU is of no use. A GPU that gives this process
/// not even a stream says nothing of the engine, which then is [`Tried::NotRun`].
// RV-ENG-1706
pub(crate) fn try_on(device: &Device, engine: &NewEngine<'_>) -> Result<Tried> {
    let stream = match Stream::create(device) {
        Ok(stream) => stream,
        Err(error) => return Ok(Tried::NotRun(error.to_string())),
    };
    let NewEngine { name, plan, library, values, ref log, .. } = *engine;
    let options =
        ModelOptions { runtime_lib: Some(library.to_owned()), log: log.clone(), ..ModelOptions::default() };
    let of_trial = |error: rave_core::Error| error.context("running the new engine once");
    let model = TensorRtModel::load(device, name, plan.to_vec(), &options).map_err(of_trial)?;
    let run = || {
        let (index, profile) = model.first_profile()?;
        let context = model.bind((index, profile), profile.sizes.best, 1)?;
        let size = context.input.size;
        let input = Picture::self_test(size).tensor(size, context.input.channels, size, values)?;
        run_once(&stream, &model, context, &input)
    };
    let output = run().map_err(of_trial)?;
    let elements = output.iter().filter(|element| !element.is_finite()).count() as u64;
    Ok(match elements {
        0 => Tried::Finite,
        _ => Tried::NotFinite { elements, of: output.len() as u64, capability: capability(device) },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rave_core::{Log, ValueRange};

    use super::*;

    /// RV-ENG-1706
    #[test]
    fn without_a_gpu_of_its_kind_an_engine_is_not_run_and_that_is_no_error() {
        let engine = NewEngine {
            name: "x.onnx",
            plan: b"vtrt",
            library: Path::new("/nonexistent/libtensorrt_rtx.so.1"),
            // There is none yet.
            compute_capabilities: &[(99, 9)],
            values: ValueRange::Unit,
            log: Log::default(),
        };
        let tried = try_anywhere(&engine).unwrap();
        assert!(matches!(&tried, Tried::NotRun(why) if !why.is_empty()), "{tried:?}");
    }
}
