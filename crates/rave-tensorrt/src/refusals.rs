//! What the real libraries do without a driver, when they are asked all the same: they refuse, and the refusal is told.
//!
//! A runtime of [`Runtime::new`] never comes that far. These tests drive the shim, the logger and the error recorder
//! of each major on machines without a GPU.

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::{Arc, Mutex};

use rave_core::{Log, Status};

use crate::library::probe_version;
use crate::runtime::{Chosen, choose};
use crate::{Driver, Engine, Library, Plan, Runtime, RuntimeOptions, SearchOptions, Version};

const EIGHT: Version = Version { major: 8, minor: 6, patch: 0 };
const LIBRARIES: [&str; 3] = ["libnvinfer_lean.so.10", "libnvinfer_lean.so.11", "libtensorrt_rtx.so.1"];

fn library(name: &str) -> Option<Library> {
    let path = common::fetched(name)?;
    Some(Library::open(&SearchOptions { runtime_lib: Some(path) }).unwrap())
}

/// A runtime without asking for a driver first; `None`, after looking at the error, where TensorRT makes none.
fn runtime(library: &Library, options: &RuntimeOptions, log: Log) -> Option<Runtime> {
    match Runtime::create(library, options, log, Driver::get().ok()) {
        Ok(runtime) => Some(runtime),
        Err(error) => {
            assert!(Driver::get().is_err(), "{error}");
            assert_eq!(error.status(), Status::RuntimeLibraryMissing, "{error}");
            assert!(error.to_string().contains("CUDA initialization failure"), "{error}");
            None
        }
    }
}

/// A file with a plan's header and nothing that could follow one.
fn forged(version: Version, rtx: bool, body: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut bytes = if rtx { b"vtrt".to_vec() } else { b"ftrt".to_vec() };
    bytes.extend([0; 4]);
    bytes.extend(if rtx { 2u64 } else { 1 }.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend([version.major as u8, version.minor as u8, version.patch as u8, 0]);
    bytes.extend(body);
    let size = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&size.to_le_bytes());
    bytes
}

/// RV-TRT-1105
#[test]
fn garbage_behind_a_good_header_is_an_error_with_tensorrts_words() {
    for name in LIBRARIES {
        let Some(library) = library(name) else { continue };
        let rtx = library.version().major == 1;
        for length in [0, 4, 100, 4096] {
            let messages = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&messages);
            let log = Log::new(move |_, message| kept.lock().unwrap().push(message.to_owned()));
            let runtime = runtime(&library, &RuntimeOptions::default(), log);
            assert!(!messages.lock().unwrap().is_empty() || runtime.is_some(), "{name} said nothing");
            let Some(runtime) = runtime else { continue };
            let noise = (0..length).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
            let bytes = forged(library.version(), rtx, noise);
            let plan = Plan::check("forged.engine", &bytes, None).unwrap();
            let error = Engine::deserialize(&runtime, &plan).unwrap_err();
            assert!(matches!(error.status(), Status::ModelLoadFailed | Status::EngineMismatch), "{error}");
            assert!(error.to_string().contains("engine forged.engine: TensorRT"), "{error}");
            assert!(error.to_string().contains("Error Code"), "{error}");
            assert!(messages.lock().unwrap().iter().any(|message| message.contains("Error Code")));
        }
    }
}

/// RV-TRT-1201
#[test]
fn an_internal_error_ends_one_runtime_and_no_other() {
    let Some(library) = library("libtensorrt_rtx.so.1") else {
        return;
    };
    // TensorRT-RTX answers a plan that ends with its header by an internal error.
    let bytes = forged(library.version(), true, [].into_iter());
    let plan = Plan::check("short.engine", &bytes, None).unwrap();
    let (Some(first), Some(second)) = (
        runtime(&library, &RuntimeOptions::default(), Log::default()),
        runtime(&library, &RuntimeOptions::default(), Log::default()),
    ) else {
        return;
    };
    assert!(Engine::deserialize(&first, &plan).unwrap_err().to_string().contains("Internal Error"));
    assert!(first.is_poisoned() && !second.is_poisoned());
    assert_eq!(Engine::deserialize(&first, &plan).unwrap_err().status(), Status::InferenceFailed);
}

/// RV-TRT-1103
#[test]
fn a_plan_of_another_version_is_refused_with_both_versions_and_a_way_out() {
    for name in LIBRARIES {
        let Some(library) = library(name) else { continue };
        let bytes = forged(EIGHT, false, [].into_iter());
        let plan = Plan::check("old.engine", &bytes, None).unwrap();
        let error = choose(&plan, &library, None, false).unwrap_err();
        assert_eq!(error.status(), Status::EngineMismatch);
        let text = error.to_string();
        assert!(text.contains("TensorRT 8.6.0") && text.contains(&library.version().to_string()), "{text}");
        let way_out = if library.version().major == 1 { "runtime_lib" } else { "libnvinfer_lean.so.8" };
        assert!(text.contains(way_out), "{text}");
    }
}

/// RV-TRT-1103
#[test]
fn a_plan_goes_to_the_runtime_of_the_version_that_built_it() {
    let Some(library) = library("libnvinfer_lean.so.10") else {
        return;
    };
    let chosen = |built, lean, host_code| {
        let bytes = forged(built, false, [].into_iter());
        choose(&Plan::check("x.engine", &bytes, None).unwrap(), &library, lean, host_code)
    };
    let older_minor = Version { major: 10, minor: 1, patch: 0 };
    let seven = Version { major: 7, minor: 2, patch: 3 };
    assert_eq!(chosen(library.version(), Some(EIGHT), false).unwrap(), Chosen::Main);
    assert_eq!(chosen(EIGHT, Some(EIGHT), false).unwrap(), Chosen::Lean);
    assert_eq!(chosen(older_minor, None, false).unwrap(), Chosen::Main);
    assert_eq!(chosen(EIGHT, None, true).unwrap(), Chosen::Main);
    let text = chosen(seven, Some(EIGHT), false).unwrap_err().to_string();
    assert!(text.contains("7.2.3") && text.contains("8.6.0"), "{text}");
    let rtx = forged(Version { major: 1, minor: 7, patch: 1 }, true, [].into_iter());
    let error = choose(&Plan::check("x.engine", &rtx, None).unwrap(), &library, None, false).unwrap_err();
    assert_eq!(error.status(), Status::EngineMismatch);
}

#[test]
fn a_lean_runtime_that_is_none_is_named() {
    let Some(library) = library("libnvinfer_lean.so.10") else {
        return;
    };
    let options = RuntimeOptions {
        lean_runtime: Some("/nonexistent/libnvinfer_lean.so.8".into()),
        ..RuntimeOptions::default()
    };
    let error = Runtime::create(&library, &options, Log::default(), None).unwrap_err();
    assert_eq!(error.status(), Status::RuntimeLibraryMissing);
    assert!(error.to_string().contains("/nonexistent/libnvinfer_lean.so.8"), "{error}");
}

#[test]
fn rtx_takes_no_lean_runtime() {
    let (Some(library), Some(lean)) =
        (library("libtensorrt_rtx.so.1"), common::fetched("libnvinfer_lean.so.8"))
    else {
        return;
    };
    let options = RuntimeOptions { lean_runtime: Some(lean), ..RuntimeOptions::default() };
    let error = Runtime::create(&library, &options, Log::default(), None).unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter);
}

#[test]
fn an_older_lean_runtime_is_recognised() {
    let Some(lean) = common::fetched("libnvinfer_lean.so.8") else {
        return;
    };
    assert_eq!(probe_version(&lean).unwrap(), EIGHT);
}
