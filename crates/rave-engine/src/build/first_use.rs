//! The engine of a model that is loaded for a GPU: from the cache, or built.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rave_core::{Error, LogLevel, Result, Status};
use rave_tensorrt::{BuiltPlan, Precision, Progress, Tried};

use super::choice::VISIBLE;
use super::kept::Kept;
use super::progress_log::ProgressLog;
use super::{BuildChoice, BuildPlace, CacheChoice, EngineRequest, EngineSizes, PreparedBuild, check_room};
use crate::check::{Verdict, in_words};
use crate::engine_cache::{CacheOptions, EngineCache, Origin};
use crate::{Mode, ModelOptions};

/// The GPU that an engine is to run on.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// Its compute capability.
    pub(crate) capability: (u32, u32),
}

/// An engine, and the library that runs it.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) plan: Vec<u8>,
    pub(crate) library: PathBuf,
    /// What it computes in: what was asked for, unless that overflows.
    pub(crate) precision: Precision,
}

/// The engine of the model `onnx`, read from `path`, for `target`, whose context is current on this thread.
///
/// # Errors
/// As [`EngineRequest::prepare`], [`EngineCache::open`], [`EngineCache::get_or_build`] and [`PreparedBuild::build`];
/// [`Status::FileNotFound`] for an engine that is not in the cache and must not be built, and [`Status::Cancelled`]
/// where only that was wanted, or it is not wanted any more. [`Status::InferenceFailed`] for an engine that gives NaN or
/// infinity in every precision that it can be built in.
// RV-ENG-1503, RV-ENG-1507, RV-ENG-1706, RV-FILT-1110
pub(crate) fn engine_for(
    path: &Path,
    onnx: Vec<u8>,
    target: &Target,
    options: &ModelOptions,
) -> Result<Engine> {
    let model = path.display();
    let request = EngineRequest {
        precision: options.precision,
        values: options.values,
        sizes: EngineSizes::Automatic(options.size_hint),
        runtime_lib: options.runtime_lib.clone(),
        log: options.log.clone(),
        ..EngineRequest::new(path)
    };
    if options.cache == CacheChoice::Off && options.build != BuildChoice::Auto {
        return Err(Error::new(
            Status::InvalidParameter,
            format!("the engine of {model} is to come from a cache or go into it, and there is none"),
        )
        .help("name the cache, or leave build at auto"));
    }
    let mut prepared = PreparedBuild::new(&request, onnx)?;
    prepared.aim_at(target.capability);
    let cache = open(options)?;
    let plan = loop {
        match kept(&mut prepared, path, target, options, &cache)? {
            Kept::Engine(plan) => break plan,
            Kept::Overflows { elements, of, instead } => {
                let overflows = in_words(prepared.options().precision);
                options.log.write(
                    LogLevel::Warning,
                    format_args!(
                        "the engine of {model} in {overflows} gives NaN or infinity on the self-test picture \
                         ({elements} of {of} elements); the one in {instead} is used"
                    ),
                );
                prepared.set_precision(instead)?;
            }
        }
    };
    if options.build == BuildChoice::Only {
        return Err(Error::new(
            Status::Cancelled,
            format!("the engine of {model} for {} is in the cache, and only that was wanted", target.name),
        ));
    }
    let precision = prepared.options().precision;
    Ok(Engine { plan, library: prepared.library().name().to_owned(), precision })
}

/// What the cache has for what is prepared, or will have now.
fn kept(
    prepared: &mut PreparedBuild,
    path: &Path,
    target: &Target,
    options: &ModelOptions,
    cache: &EngineCache,
) -> Result<Kept> {
    let (model, key) = (path.display(), prepared.key(target));
    let missing = || {
        Err(Error::new(
            Status::FileNotFound,
            format!("no engine of {model} for {} in the cache", target.name),
        )
        .help("let it be built: build=auto or build=only"))
    };
    let (bytes, origin) = cache.get_or_build(&key, &|| options.cancel.came(), || match options.build {
        BuildChoice::Never => missing(),
        BuildChoice::Auto | BuildChoice::Only => build(prepared, path, target, options, cache),
    })?;
    if origin == Origin::Cache {
        let log = &options.log;
        log.write(LogLevel::Verbose, format_args!("the engine of {model} was in the cache: {}", key.hex()));
    }
    Ok(Kept::read(bytes))
}

fn open(options: &ModelOptions) -> Result<EngineCache> {
    let dir = match &options.cache {
        CacheChoice::Usual => None,
        CacheChoice::At(dir) => Some(dir.clone()),
        CacheChoice::Off => return Ok(EngineCache::disabled()),
    };
    EngineCache::open(CacheOptions {
        dir,
        mode: options.mode,
        log: options.log.clone(),
        ledger: options.ledger.clone(),
        ..CacheOptions::default()
    })
}

/// Builds, tells the log how far it is, shares the timings of the device with the builds of all models, and runs the engine
/// once; returns what to keep.
fn build(
    prepared: &mut PreparedBuild,
    path: &Path,
    target: &Target,
    options: &ModelOptions,
    cache: &EngineCache,
) -> Result<Vec<u8>> {
    // Hardened, the engine is used without being kept.
    if let Some(folder) = cache.path().filter(|_| options.mode == Mode::Strict) {
        check_room(folder, prepared.onnx().len() as u64)?;
    }
    let (major, minor) = target.capability;
    let what = format!("an engine of {} for {}", path.display(), target.name);
    let details =
        format!("{}, compute capability {major}.{minor}, frames of {}", prepared.library(), prepared.sizes());
    let platform = prepared.platform(target);
    if prepared.builder.has_timings() {
        prepared.options.timings = Some(cache.timings(&platform).unwrap_or_default());
    }
    let mut told = ProgressLog::begin(&options.log, what, &details);
    let mut progress = |progress: &Progress<'_>| {
        told.report(progress, Instant::now());
        options.cancel.flow()
    };
    let mut command = options.builder.as_ref().map(|program| match &options.device {
        Some(device) => program.command_on(device.info().ordinal, std::env::var_os(VISIBLE).as_deref()),
        None => program.command(),
    });
    let place = command.as_mut().map_or(BuildPlace::Here, BuildPlace::Child);
    let built = prepared.build(place, &mut progress)?;
    told.end(built.layers, built.bytes.len());
    let tried = match (&built.tried, &options.device) {
        (Some(tried), _) => tried.clone(),
        (None, Some(device)) => prepared.try_on(device.device(), &built)?,
        (None, None) => Tried::NotRun("no GPU is given".to_owned()),
    };
    let BuiltPlan { bytes, timings, .. } = built;
    if let Some(timings) = timings {
        cache.set_timings(&platform, &timings)?;
    }
    judged(prepared, bytes, &tried, options).map(Kept::into_bytes)
}

/// What to keep of the engine `plan`, after what came of running it once.
// RV-ENG-1706
fn judged(prepared: &PreparedBuild, plan: Vec<u8>, tried: &Tried, options: &ModelOptions) -> Result<Kept> {
    if let Tried::NotRun(why) = tried {
        options.log.write(
            LogLevel::Warning,
            format_args!(
                "the new engine of {} was not run to see whether it gives NaN or infinity: {why}",
                prepared.name()
            ),
        );
    }
    match (prepared.verdict_of(tried), tried) {
        (Verdict::BuildIn(instead), &Tried::NotFinite { elements, of, .. }) => {
            Ok(Kept::Overflows { elements, of, instead })
        }
        (Verdict::Useless(error), _) => Err(error.context(format!("model {}", prepared.name()))),
        (Verdict::Sound | Verdict::BuildIn(_), _) => Ok(Kept::Engine(plan)),
    }
}

#[cfg(test)]
mod tests;
