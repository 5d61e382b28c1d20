//! Keys to store, caches with a log to read, and this program once more as another process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rave_core::{Error, Log, LogLevel, Result, Status};
use rave_engine::Mode;
use rave_engine::engine_cache::{
    CacheOptions, DEFAULT_MAX_BYTES, EngineCache, EngineKey, Origin, Platform, ShapeRange,
};

/// The key of the engine of model number `model`.
pub(crate) fn key(model: u8) -> EngineKey {
    EngineKey {
        model_sha256: EngineKey::of_model(&[model]),
        build: BTreeMap::from([("level".into(), "3".into()), ("precision".into(), "fp16".into())]),
        shapes: BTreeMap::from([(
            "input".into(),
            ShapeRange { min: vec![1, 3, 64, 64], best: vec![1, 3, 720, 1280], max: vec![1, 3, 2160, 3840] },
        )]),
        platform: platform(),
    }
}

pub(crate) fn platform() -> Platform {
    Platform {
        tensorrt_flavour: "TensorRT-RTX".into(),
        tensorrt_version: "1.7.0.11".into(),
        cuda_version: "13.0".into(),
        driver_version: Some("580.95.05".into()),
        compute_capabilities: vec![(9, 0)],
        gpu_name: Some("NVIDIA H200".into()),
    }
}

/// What a cache has said.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<(LogLevel, String)>>>);

impl Said {
    pub(crate) fn log(&self) -> Log {
        let said = self.clone();
        Log::new(move |level, message| said.0.lock().unwrap().push((level, message.to_owned())))
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let said = self.0.lock().unwrap();
        said.iter().filter(|(level, _)| *level <= LogLevel::Warning).map(|(_, text)| text.clone()).collect()
    }
}

pub(crate) fn options(dir: &Path, mode: Mode) -> CacheOptions {
    CacheOptions { dir: Some(dir.into()), mode, max_bytes: DEFAULT_MAX_BYTES, ..CacheOptions::default() }
}

pub(crate) fn open(dir: &Path, mode: Mode) -> EngineCache {
    EngineCache::open(options(dir, mode)).unwrap()
}

/// As [`open`], with what the cache says.
pub(crate) fn open_heard(dir: &Path, mode: Mode) -> (EngineCache, Said) {
    let said = Said::default();
    let options = CacheOptions { log: said.log(), ..options(dir, mode) };
    (EngineCache::open(options).unwrap(), said)
}

/// The engine of `key`, which is built as `payload` where it is not in the cache.
pub(crate) fn get(cache: &EngineCache, key: &EngineKey, payload: &[u8]) -> Result<(Vec<u8>, Origin)> {
    cache.get_or_build(key, &|| false, || Ok(payload.to_vec()))
}

/// The engine of `key`, which must not be built.
pub(crate) fn get_kept(cache: &EngineCache, key: &EngineKey) -> Result<(Vec<u8>, Origin)> {
    cache.get_or_build(key, &|| false, || panic!("it must not be built"))
}

/// The file of `key`.
pub(crate) fn file(dir: &Path, key: &EngineKey) -> PathBuf {
    dir.join(format!("{}.engine", key.hex()))
}

/// The names in `dir`, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Asserts that `error` is of class `status` and that its message has all of `parts`.
#[track_caller]
pub(crate) fn assert_error(error: &Error, status: Status, parts: &[&str]) {
    assert_eq!(error.status(), status, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "`{part}` in: {error}");
    }
}

/// Says why a test, or a part of one, does not run here.
pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The variable that tells this program that it is the other process of a test, and its directory.
const OTHER_PROCESS: &str = "RAVE_ENGINE_CACHE_TEST_DIR";

/// The directory to work in, where this process was started by [`other_process`].
pub(crate) fn as_other_process() -> Option<PathBuf> {
    std::env::var_os(OTHER_PROCESS).map(PathBuf::from)
}

/// Runs the test called `test` of this program, in a process of its own, where [`as_other_process`] gives `dir`. A shell
/// does `preparation` before; to that, `$1` is `dir`.
pub(crate) fn other_process(test: &str, dir: &Path, preparation: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(r#"{preparation} && shift && exec "$@""#)).arg("sh").arg(dir);
    command.arg(std::env::current_exe().unwrap()).args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(OTHER_PROCESS, dir);
    command
}

/// Runs `command` and fails with what it said where it fails, or ran no test.
#[track_caller]
pub(crate) fn assert_passes(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{}\n{said}", output.status);
}
