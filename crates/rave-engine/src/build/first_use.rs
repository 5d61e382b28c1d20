//! The engine of a model that is loaded for a GPU: from the cache, or built.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rave_core::{Error, LogLevel, Result, Status};
use rave_tensorrt::{BuiltPlan, Driver, Flavour, Progress};

use super::progress_log::ProgressLog;
use super::{BuildChoice, BuildPlace, CacheChoice, EngineRequest, EngineSizes, PreparedBuild};
use crate::ModelOptions;
use crate::engine_cache::{CacheOptions, EngineCache, Origin};

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
}

/// The engine of the model `onnx`, read from `path`, for `target`, whose context is current on this thread.
///
/// # Errors
/// As [`EngineRequest::prepare`], [`EngineCache::open`], [`EngineCache::get_or_build`] and [`PreparedBuild::build`];
/// [`Status::FileNotFound`] for an engine that is not in the cache and must not be built, and [`Status::Cancelled`]
/// where only that was wanted, or it is not wanted any more.
// RV-ENG-1503, RV-ENG-1507
pub(crate) fn engine_for(
    path: &Path,
    onnx: Vec<u8>,
    target: &Target,
    options: &ModelOptions,
) -> Result<Engine> {
    let model = path.display();
    let request = EngineRequest {
        precision: options.precision,
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
    let key = prepared.key(target);
    let missing = || {
        Err(Error::new(
            Status::FileNotFound,
            format!("no engine of {model} for {} in the cache", target.name),
        )
        .help("let it be built: build=auto or build=only"))
    };
    let (plan, origin) = cache.get_or_build(&key, &|| options.cancel.came(), || match options.build {
        BuildChoice::Never => missing(),
        BuildChoice::Auto | BuildChoice::Only => build(&mut prepared, path, target, options, &cache),
    })?;
    if origin == Origin::Cache {
        let log = &options.log;
        log.write(LogLevel::Verbose, format_args!("the engine of {model} was in the cache: {}", key.hex()));
    }
    if options.build == BuildChoice::Only {
        return Err(Error::new(
            Status::Cancelled,
            format!("the engine of {model} for {} is in the cache, and only that was wanted", target.name),
        ));
    }
    Ok(Engine { plan, library: prepared.library().name().to_owned() })
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

/// Builds, tells the log how far it is, and shares the timings of the device with the builds of all models.
fn build(
    prepared: &mut PreparedBuild,
    path: &Path,
    target: &Target,
    options: &ModelOptions,
    cache: &EngineCache,
) -> Result<Vec<u8>> {
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
    // The full TensorRT builds on the first GPU that its process sees, which has to be the one that is meant.
    let child_sees_it = prepared.library().flavour() == Flavour::Rtx
        || Driver::get().is_ok_and(|driver| driver.devices() == 1);
    let mut command = options.builder.as_ref().filter(|_| child_sees_it).map(|program| program.command());
    let place = command.as_mut().map_or(BuildPlace::Here, BuildPlace::Child);
    let BuiltPlan { bytes, timings, layers, .. } = prepared.build(place, &mut progress)?;
    told.end(layers, bytes.len());
    if let Some(timings) = timings {
        cache.set_timings(&platform, &timings)?;
    }
    Ok(bytes)
}

/// Engines built by the real TensorRT-RTX, which needs no GPU for that.
#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use rave_core::{Log, Size};
    use rave_tensorrt::Precision;

    use super::*;
    use crate::{BuilderProgram, Cancel};

    /// A folder for the cache, and options that build into it by the real library; `None`, visibly, without it.
    fn options(folder: &Path) -> Option<ModelOptions> {
        let build = std::env::var_os("RAVE_BUILD_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../build")),
            PathBuf::from,
        );
        let library = build.join("deps/tensorrt/libtensorrt_rtx.so.1");
        if !library.exists() {
            let missing = format!("{} is not there; run scripts/fetch-tensorrt.sh", library.display());
            assert!(std::env::var_os("RAVE_REQUIRE_TENSORRT").is_none(), "{missing}");
            eprintln!("skipped: {missing}");
            return None;
        }
        let cache = CacheChoice::At(folder.join("cache"));
        Some(ModelOptions { runtime_lib: Some(library), cache, ..ModelOptions::default() })
    }

    fn golden(name: &str) -> Vec<u8> {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/models");
        std::fs::read(format!("{models}/{name}.onnx")).unwrap()
    }

    fn ada() -> Target {
        Target { name: "a GPU of Ada".into(), capability: (8, 9) }
    }

    fn engine(model: &str, options: &ModelOptions) -> Result<Engine> {
        engine_for(Path::new("x.onnx"), golden(model), &ada(), options)
    }

    /// RV-ENG-1503
    #[test]
    fn the_first_use_builds_and_says_so_and_the_next_takes_it_from_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut options) = options(folder.path()) else { return };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        options.log = Log::up_to(LogLevel::Info, move |_, line| sink.lock().unwrap().push(line.to_owned()));
        let first = engine("dyadic-2x", &options).unwrap();
        assert!(first.plan.starts_with(b"vtrt"));
        assert_eq!(Some(first.library), options.runtime_lib);
        let said = std::mem::take(&mut *lines.lock().unwrap());
        let begins = |start: &str| said.iter().any(|line| line.starts_with(start));
        assert!(begins("building an engine of x.onnx for a GPU of Ada (TensorRT-RTX 1."), "{said:?}");
        assert!(begins("built an engine of x.onnx for a GPU of Ada: "), "{said:?}");
        let second = engine("dyadic-2x", &options).unwrap();
        assert!(second.plan == first.plan);
        assert_eq!(*lines.lock().unwrap(), [""; 0]);
        // An engine of a size that shares it is not built either.
        options.size_hint = Some(Size::new(1920, 800));
        engine("dyadic-2x", &options).unwrap();
        assert_eq!(*lines.lock().unwrap(), [""; 0]);
    }

    /// RV-ENG-1501
    #[test]
    fn networks_of_every_scale_and_those_that_halve_their_input_are_built_for_a_range() {
        let folder = tempfile::tempdir().unwrap();
        let Some(options) = options(folder.path()) else { return };
        let options = ModelOptions { size_hint: Some(Size::new(320, 180)), ..options };
        for model in ["needs-8-2x", "half-1x2", "dyadic-3x2", "replicate-2x-luma", "fixed-64-2x"] {
            engine(model, &options).unwrap();
        }
    }

    /// RV-ENG-1503
    #[test]
    fn whether_it_is_built_and_kept_is_the_users_choice() {
        let folder = tempfile::tempdir().unwrap();
        let Some(auto) = options(folder.path()) else { return };
        let never = ModelOptions { build: BuildChoice::Never, ..auto.clone() };
        let only = ModelOptions { build: BuildChoice::Only, ..auto.clone() };
        let error = engine("dyadic-2x", &never).unwrap_err();
        assert_eq!(error.status(), Status::FileNotFound);
        assert!(error.to_string().contains("build=auto"), "{error}");
        assert_eq!(engine("dyadic-2x", &only).unwrap_err().status(), Status::Cancelled);
        engine("dyadic-2x", &never).unwrap();
        let off = ModelOptions { cache: CacheChoice::Off, ..auto };
        engine("identity-1x", &off).unwrap();
        assert_eq!(engine("identity-1x", &never).unwrap_err().status(), Status::FileNotFound);
        for build in [BuildChoice::Never, BuildChoice::Only] {
            let error = engine("identity-1x", &ModelOptions { build, ..off.clone() }).unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter);
        }
    }

    /// In the arguments of this program when it is the child that builds.
    const CHILD: &str = "the-child-that-builds";

    /// This program as one that builds.
    fn builder() -> BuilderProgram {
        let arguments = ["the_child", "--nocapture", "--skip", CHILD].map(Into::into).to_vec();
        BuilderProgram { program: std::env::current_exe().unwrap(), arguments }
    }

    /// What a child does; nothing in the parent.
    #[test]
    fn the_child() {
        if std::env::args().any(|argument| argument == CHILD) {
            rave_tensorrt::serve_builds().unwrap();
        }
    }

    /// The names of what is in `folder`.
    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    /// RV-ENG-1507
    #[test]
    fn a_build_that_is_not_wanted_any_more_ends_and_leaves_nothing_here_and_in_a_child() {
        let folder = tempfile::tempdir().unwrap();
        let Some(options) = options(folder.path()) else { return };
        for builder in [None, Some(builder())] {
            let begun = Arc::new(AtomicBool::new(false));
            let (seen, asked) = (Arc::clone(&begun), Arc::clone(&begun));
            let log = Log::up_to(LogLevel::Info, move |_, line| {
                seen.fetch_or(line.starts_with("building an engine"), Ordering::SeqCst);
            });
            let cancel = Cancel::when(move || asked.load(Ordering::SeqCst));
            let options = ModelOptions { builder, log, cancel, ..options.clone() };
            let error = engine("dyadic-2x", &options).unwrap_err();
            assert_eq!(error.status(), Status::Cancelled, "{error}");
            assert!(begun.load(Ordering::SeqCst), "it had begun");
            assert_eq!(names(&folder.path().join("cache")), [""; 0]);
            engine("dyadic-2x", &ModelOptions { cancel: Cancel::default(), ..options.clone() }).unwrap();
            std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
        }
    }

    /// RV-ENG-1507
    #[test]
    fn a_caller_that_waits_for_another_ones_build_can_give_up() {
        let folder = tempfile::tempdir().unwrap();
        let Some(options) = options(folder.path()) else { return };
        let request =
            EngineRequest { runtime_lib: options.runtime_lib.clone(), ..EngineRequest::new("x.onnx") };
        let mut prepared = PreparedBuild::new(&request, golden("dyadic-2x")).unwrap();
        prepared.aim_at(ada().capability);
        let (key, cache) = (prepared.key(&ada()), open(&options).unwrap());
        let built = cache.get_or_build(&key, &|| false, || {
            let waits = ModelOptions { cancel: Cancel::when(|| true), ..options.clone() };
            let error = engine("dyadic-2x", &waits).unwrap_err();
            assert_eq!(error.status(), Status::Cancelled);
            assert!(error.to_string().contains("another builds"), "{error}");
            Ok(b"engine".to_vec())
        });
        assert_eq!(built.unwrap().0, b"engine");
    }

    /// RV-ENG-1504
    #[test]
    fn whatever_is_asked_for_changes_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let Some(options) = options(folder.path()) else { return };
        let request =
            EngineRequest { runtime_lib: options.runtime_lib.clone(), ..EngineRequest::new("x.onnx") };
        let key = |model: &str, request: &EngineRequest, target: &Target| {
            let mut prepared = PreparedBuild::new(request, golden(model)).unwrap();
            prepared.aim_at(target.capability);
            prepared.key(target).hex()
        };
        let plain = key("dyadic-2x", &request, &ada());
        assert_eq!(key("dyadic-2x", &request, &ada()), plain);
        let mut keys = vec![plain, key("identity-1x", &request, &ada())];
        for changed in [
            EngineRequest { precision: Precision::Tf32, ..request.clone() },
            EngineRequest { sizes: EngineSizes::One(Size::new(64, 64)), ..request.clone() },
            EngineRequest { batch: rave_tensorrt::BatchRange { min: 1, best: 1, max: 2 }, ..request.clone() },
            EngineRequest { workspace: Some(1 << 30), ..request.clone() },
            EngineRequest { level: 2, ..request.clone() },
            EngineRequest { version_compatible: true, ..request.clone() },
        ] {
            keys.push(key("dyadic-2x", &changed, &ada()));
        }
        keys.push(key("dyadic-2x", &request, &Target { capability: (12, 0), ..ada() }));
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    /// RV-ENG-1502
    #[test]
    fn a_model_is_refused_before_a_library_is_looked_for() {
        let options = ModelOptions {
            runtime_lib: Some("/nonexistent/libnvinfer.so".into()),
            cache: CacheChoice::Off,
            ..ModelOptions::default()
        };
        assert_eq!(engine("external-data", &options).unwrap_err().status(), Status::Untrusted);
        assert_eq!(engine("two-inputs", &options).unwrap_err().status(), Status::ModelLoadFailed);
        let error = engine("dyadic-2x", &options).unwrap_err();
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        assert!(error.to_string().contains("/nonexistent/libnvinfer.so"), "{error}");
    }
}
