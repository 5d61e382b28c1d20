//! Engines built by the real TensorRT-RTX, which needs no GPU for that.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rave_core::{Log, Size};
use rave_tensorrt::{Driver, Precision};

use super::*;
use crate::engine_cache::EngineKey;
use crate::{BuilderProgram, Cancel};

/// A folder for the cache, and options that build into it by the real library; `None`, visibly, without it.
fn options(folder: &Path) -> Option<ModelOptions> {
    let library = rave_tests::gpu_standin::tensorrt_rtx()?;
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

/// In the arguments of this program when it is the child that builds, and what comes of running an engine there: as it
/// is, or so many times an overflow, or a crash.
const CHILD: &str = "the-child-that-builds";
const OVERFLOWS: &str = "overflows-in-";
const CRASHES: &str = "crashes";

/// This program as one that builds, with further arguments.
fn builder_with(more: &[String]) -> BuilderProgram {
    // What a test program is told to leave out can be anything.
    let skipped = [CHILD.to_owned()].into_iter().chain(more.iter().cloned());
    let skipped = skipped.flat_map(|word| ["--skip".to_owned(), word]);
    let arguments = ["the_child".to_owned(), "--nocapture".to_owned()].into_iter().chain(skipped);
    BuilderProgram {
        program: std::env::current_exe().unwrap(),
        arguments: arguments.map(Into::into).collect(),
    }
}

fn builder() -> BuilderProgram {
    builder_with(&[])
}

/// One whose first engines overflow on the GPU that it takes itself to have: as many as `folder` takes files.
fn builder_of_overflows(folder: &Path, count: usize) -> BuilderProgram {
    std::fs::create_dir_all(folder).unwrap();
    builder_with(&[format!("{OVERFLOWS}{count}-{}", folder.display())])
}

/// What a child does; nothing in the parent.
#[test]
fn the_child() {
    let arguments: Vec<String> = std::env::args().collect();
    if !arguments.iter().any(|argument| argument == CHILD) {
        return;
    }
    if arguments.iter().any(|argument| argument == CRASHES) {
        return rave_tensorrt::serve_builds(&|_| std::process::abort()).unwrap();
    }
    let Some(how) = arguments.iter().find_map(|argument| argument.strip_prefix(OVERFLOWS)) else {
        return crate::serve_builds().unwrap();
    };
    let (count, folder) = how.split_once('-').unwrap();
    let count: usize = count.parse().unwrap();
    rave_tensorrt::serve_builds(&|engine| {
        let before = names(Path::new(folder)).len();
        if before == count {
            return Ok(Tried::Finite);
        }
        std::fs::write(Path::new(folder).join(before.to_string()), engine.plan).unwrap();
        Ok(Tried::NotFinite { elements: 5, of: 12, capability: (8, 9) })
    })
    .unwrap();
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

/// Lines of a log, as they come.
fn said() -> (Log, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    (Log::up_to(LogLevel::Info, move |_, line| sink.lock().unwrap().push(line.to_owned())), lines)
}

/// RV-ENG-1706, RV-ENG-1509
#[test]
fn a_model_in_fp16_that_overflows_is_built_once_more_in_fp32_and_that_is_said_at_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let Some(options) = options(folder.path()) else { return };
    let bad = folder.path().join("bad");
    let (log, lines) = said();
    let builder = Some(builder_of_overflows(&bad, 1));
    let options = ModelOptions { builder, log, ..options };
    let count = |word: &str| lines.lock().unwrap().iter().filter(|line| line.contains(word)).count();
    for start in 1..=3 {
        let found = engine("identity-1x-fp16", &options).unwrap();
        assert_eq!(found.precision, Precision::Fp32);
        assert!(found.plan.starts_with(b"vtrt") && found.plan != std::fs::read(bad.join("0")).unwrap());
        assert_eq!(count("building an engine"), 2, "{lines:?}");
        assert_eq!(
            count(
                "in the model's own precision gives NaN or infinity on the self-test picture (5 of 12 elements)"
            ),
            start
        );
        assert_eq!(count("the one in fp32 is used"), start);
    }
    // The word that it overflows, and the sound engine, which whoever asks for fp32 finds as well.
    assert_eq!(names(&folder.path().join("cache")).len(), 2);
    let never = ModelOptions { precision: Precision::Fp32, build: BuildChoice::Never, ..options };
    engine("identity-1x-fp16", &never).unwrap();
    assert_eq!(count("the one in fp32 is used"), 3, "nothing took the place of what was asked for");
}

/// RV-ENG-1706
#[test]
fn an_engine_that_overflows_in_every_precision_or_crashes_is_an_error_and_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let Some(options) = options(folder.path()) else { return };
    let kept = || names(&folder.path().join("cache")).len();
    // RTX builds a model of fp32 in nothing else.
    let overflows = builder_of_overflows(&folder.path().join("bad"), 9);
    let overflows = ModelOptions { builder: Some(overflows), ..options.clone() };
    for (model, left) in [("identity-1x", 0), ("identity-1x-fp16", 1)] {
        let error = engine(model, &overflows).err().unwrap();
        assert_eq!(error.status(), Status::InferenceFailed);
        assert!(error.to_string().contains("5 of 12 elements"), "{error}");
        assert_eq!(kept(), left, "{model}");
    }
    let crashes = ModelOptions { builder: Some(builder_with(&[CRASHES.to_owned()])), ..options };
    let error = engine("dyadic-2x", &crashes).err().unwrap();
    assert_eq!(error.status(), Status::ModelLoadFailed);
    assert!(error.to_string().contains("the process that ran it died (signal 6)"), "{error}");
    assert_eq!(kept(), 1);
}

/// RV-ENG-1706
#[test]
fn an_engine_that_cannot_be_run_here_is_kept_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let Some(options) = options(folder.path()) else { return };
    if Driver::get().is_ok() {
        eprintln!("skipped: this machine has a GPU");
        return;
    }
    for builder in [None, Some(builder())] {
        let (log, lines) = said();
        let found = engine("dyadic-2x", &ModelOptions { builder, log, ..options.clone() }).unwrap();
        assert_eq!(found.precision, Precision::Model);
        let lines = lines.lock().unwrap();
        let why = "was not run to see whether it gives NaN or infinity: ";
        assert_eq!(lines.iter().filter(|line| line.contains(why)).count(), 1, "{lines:?}");
        std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    }
}

/// RV-ENG-1507
#[test]
fn a_caller_that_waits_for_another_ones_build_can_give_up() {
    let folder = tempfile::tempdir().unwrap();
    let Some(options) = options(folder.path()) else { return };
    let request = EngineRequest { runtime_lib: options.runtime_lib.clone(), ..EngineRequest::new("x.onnx") };
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
    let request = EngineRequest { runtime_lib: options.runtime_lib.clone(), ..EngineRequest::new("x.onnx") };
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
        EngineRequest { values: rave_core::ValueRange::Byte, ..request.clone() },
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

/// The entry of `model` in the cache of `options`, which it is put into, and its key.
fn entry(model: &str, options: &ModelOptions) -> (PathBuf, EngineKey) {
    engine(model, options).unwrap();
    let request = EngineRequest { runtime_lib: options.runtime_lib.clone(), ..EngineRequest::new("x.onnx") };
    let mut prepared = PreparedBuild::new(&request, golden(model)).unwrap();
    prepared.aim_at(ada().capability);
    let key = prepared.key(&ada());
    let CacheChoice::At(folder) = &options.cache else { panic!("a cache in a folder") };
    (folder.join(format!("{}.engine", key.hex())), key)
}

/// RV-ENG-1402
#[test]
fn no_byte_of_a_real_plan_that_is_damaged_is_handed_to_tensorrt() {
    let folder = tempfile::tempdir().unwrap();
    let Some(options) = options(folder.path()) else { return };
    let (path, key) = entry("dyadic-2x", &options);
    let cache = open(&options).unwrap();
    // What is given out here is what TensorRtModel::load hands over; nothing else of the file gets there.
    let handed_over = || cache.get_or_build(&key, &|| false, || panic!("damage is no reason to build"));
    let whole = std::fs::read(&path).unwrap();
    let payload = handed_over().unwrap().0;
    assert!(payload.starts_with(b"vtrt") && whole.ends_with(&payload));
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let refused = |what: &str| {
        let error = handed_over().unwrap_err();
        assert_eq!(error.status(), Status::ModelLoadFailed, "{what}: {error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{what}: {error}");
    };
    // The envelope's own header and label, and the first 4 KiB of the plan.
    let head = whole.len() - payload.len();
    for (at, byte) in (0u64..).zip(&whole[..head + 4096]) {
        file.write_all_at(&[!byte], at).unwrap();
        refused(&format!("byte {at}"));
        file.write_all_at(&[*byte], at).unwrap();
    }
    // Every boundary: of the envelope's fields, of the plan's, of each page, and of the end.
    let fields = [0, 1, 8, 12, 16, 24, 56, 87, 88, head - 1, head, head + 8, head + 16, head + 24];
    let pages = (0..whole.len()).step_by(4096);
    let ends = [whole.len() / 2, whole.len() - 1];
    for length in fields.into_iter().chain(pages).chain(ends).filter(|&length| length < whole.len()) {
        std::fs::write(&path, &whole[..length]).unwrap();
        refused(&format!("cut to {length}"));
    }
    std::fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    refused("a trailing byte");
    std::fs::write(&path, &whole).unwrap();
    assert!(handed_over().unwrap().0 == payload);
}

/// RV-ENG-1403
#[test]
fn a_damaged_engine_is_named_in_strict_mode_and_built_again_once_in_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let Some(options) = options(folder.path()) else { return };
    let (path, _) = entry("dyadic-2x", &options);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = engine("dyadic-2x", &options).unwrap_err();
    assert_eq!(error.status(), Status::ModelLoadFailed);
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");

    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let log =
        Log::up_to(LogLevel::Info, move |level, line| sink.lock().unwrap().push((level, line.to_owned())));
    let hardened = ModelOptions { mode: crate::Mode::Hardened, log, ..options.clone() };
    for _ in 0..2 {
        assert!(engine("dyadic-2x", &hardened).unwrap().plan.starts_with(b"vtrt"));
    }
    let lines = lines.lock().unwrap();
    let count = |word: &str| lines.iter().filter(|(_, line)| line.contains(word)).count();
    assert_eq!((count("kept as"), count("building an engine")), (1, 1), "{lines:?}");
    assert_eq!(lines[0].0, LogLevel::Warning);
    assert!(path.with_extension("engine.bad").exists());
    engine("dyadic-2x", &options).unwrap();
}
