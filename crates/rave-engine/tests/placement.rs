//! Where a model runs and where its frames are must agree, and a message says so where they do not.

use std::path::{Path, PathBuf};

use rave_core::{Error, Log, PixelFormat, Size, Status};
use rave_engine::{
    BackendChoice, BuildChoice, CacheChoice, CudaSession, EMBEDDED, Model, ModelOptions, Precision, Session,
    SessionOptions,
};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models").join(name).with_extension("onnx")
}

/// A file that begins as plans of TensorRT do. Nothing gets as far as looking at the rest.
fn engine(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("upscale.engine");
    std::fs::write(&path, b"ftrt\0\0\0\0").unwrap();
    path
}

fn refusal(path: &Path, backend: BackendChoice) -> Error {
    Model::load(path, &ModelOptions { backend, ..ModelOptions::default() }).unwrap_err()
}

fn assert_says(error: &Error, status: Status, words: &[&str]) {
    assert_eq!(error.status(), status, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "no `{word}`: {error}");
    }
}

/// RV-ENG-1201
#[test]
fn an_engine_is_refused_for_frames_in_host_memory_with_both_ways_out() {
    let folder = tempfile::tempdir().unwrap();
    for backend in [BackendChoice::Auto, BackendChoice::TensorRt] {
        let error = refusal(&engine(&folder), backend);
        let words = ["upscale.engine", "host memory", "use the .onnx model", "hwupload_cuda"];
        assert_says(&error, Status::DeviceNotFound, &words);
    }
}

/// RV-ENG-1201
#[test]
fn a_model_that_runs_on_the_cpu_gets_no_session_for_frames_in_gpu_memory() {
    let options = ModelOptions { runtime_lib: Some(EMBEDDED.into()), ..ModelOptions::default() };
    let model = Model::load(&golden("identity-1x"), &options).unwrap();
    assert!(model.device().is_none());
    let geometry = SessionOptions::new(PixelFormat::Nv12, Size::new(64, 64));
    let error = CudaSession::new(&model, &geometry, Log::default()).unwrap_err();
    let words = ["identity-1x.onnx", "the frames are in GPU memory", "use a TensorRT engine"];
    assert_says(&error, Status::InvalidParameter, &words);
    assert!(Session::new(&model, &geometry, Log::default()).is_ok(), "it has one for host memory");
}

/// RV-ENG-1001
#[test]
fn a_backend_that_does_not_run_the_file_is_refused_for_what_the_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(&engine(&folder), BackendChoice::Onnx);
    assert_says(&error, Status::InvalidParameter, &["upscale.engine, a TensorRT engine", "backend at auto"]);
    let error = refusal(&golden("identity-1x"), BackendChoice::TensorRt);
    assert_says(
        &error,
        Status::InvalidParameter,
        &["identity-1x.onnx, which is no engine", "backend at auto"],
    );
}

/// RV-ENG-1506
#[test]
fn wishes_for_an_engine_are_refused_where_none_is_built_if_they_would_matter() {
    let load = |options: ModelOptions| {
        Model::load(&golden("identity-1x"), &ModelOptions { runtime_lib: Some(EMBEDDED.into()), ..options })
    };
    let matters = [
        (ModelOptions { precision: Precision::Fp16, ..ModelOptions::default() }, "precision fp16"),
        (ModelOptions { precision: Precision::Fp32, ..ModelOptions::default() }, "precision fp32"),
        (ModelOptions { build: BuildChoice::Only, ..ModelOptions::default() }, "build only"),
    ];
    for (options, wish) in matters {
        let words = [wish, "identity-1x.onnx", "host memory", "at auto"];
        assert_says(&load(options).unwrap_err(), Status::InvalidParameter, &words);
    }
    // Nothing is built on the CPU, so that nothing is not kept, either, is what they ask for.
    for build in [BuildChoice::Auto, BuildChoice::Never] {
        load(ModelOptions { build, cache: CacheChoice::Off, ..ModelOptions::default() }).unwrap();
    }
}
