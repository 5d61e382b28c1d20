//! `rave build --check` where there is no GPU to run an engine on.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The library that builds, which need not be there: nothing gets as far as asking it to build.
fn library() -> PathBuf {
    let build = std::env::var_os("RAVE_BUILD_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build"), PathBuf::from);
    build.join("deps/tensorrt/libtensorrt_rtx.so.1")
}

/// A folder with a model and a frame, or `None`, visibly, where the command cannot be tried.
fn folder() -> Option<TempDir> {
    let missing = (!library().exists()).then_some("TensorRT-RTX is not there; run scripts/fetch-tensorrt.sh");
    assert!(missing.is_none() || std::env::var_os("RAVE_REQUIRE_TENSORRT").is_none(), "{missing:?}");
    let gpu = Path::new("/proc/driver/nvidia/version").exists().then_some("this machine has a GPU");
    if let Some(why) = missing.or(gpu) {
        eprintln!("skipped: {why}");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models/dyadic-2x.onnx");
    fs::copy(model, folder.path().join("model.onnx")).unwrap();
    let mut encoder = png::Encoder::new(File::create(folder.path().join("frame.png")).unwrap(), 4, 4);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[128; 48]).unwrap();
    Some(folder)
}

fn rave(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
    command.current_dir(folder).env("RAVE_TENSORRT_LIB", library()).args(arguments).output().unwrap()
}

/// RV-CLI-1107, RV-ENG-1704
#[test]
fn without_a_gpu_it_is_said_so_before_anything_is_built() {
    let Some(folder) = folder() else { return };
    for (frame, code, words) in [
        ("frame.png", 237, ["DEVICE_NOT_FOUND", "run on a GPU", "build without --check"]),
        ("none.mp4", 254, ["FILE_NOT_FOUND", "none.mp4", "rave:"]),
        ("model.onnx", 234, ["UNSUPPORTED_FORMAT", "model.onnx", "a picture, or a film"]),
    ] {
        let build = ["build", "model.onnx", "--compute-capability", "8.9", "--check", frame];
        let output = rave(&folder, &build);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "no `{word}`: {said}");
        }
        assert!(!said.contains("building"), "{said}");
        assert!(!folder.path().join("model.engine").exists());
    }
}

/// RV-CLI-1107
#[test]
fn an_engine_that_is_there_already_needs_a_gpu_to_be_compared_as_well() {
    let Some(folder) = folder() else { return };
    for frame in [None, Some("frame.png")] {
        let words: Vec<_> = ["check", "model.engine", "model.onnx"].into_iter().chain(frame).collect();
        let output = rave(&folder, &words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(237), "{said}");
        assert!(said.contains("run on a GPU"), "{said}");
    }
}

/// RV-CLI-1109, RV-ENG-1509
#[test]
fn a_new_engine_that_cannot_be_run_here_is_written_and_that_is_said() {
    let Some(folder) = folder() else { return };
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models/identity-1x-fp16.onnx");
    let model = model.to_str().unwrap();
    let engine = folder.path().join("x.engine");
    let build = |precision: &str| {
        let size = ["--shape", "64x64", "--compute-capability", "8.9", "--values", "byte"];
        let words = [&["build", model, "-o", "x.engine", precision][..], &size[..]].concat();
        let output = rave(&folder, &words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("self-test: not run: "), "{said}");
        std::fs::read(&engine).unwrap()
    };
    // RTX builds every model in its own types; in fp32 it is given another.
    assert!(build("--fp16") != build("--fp32"));
}
