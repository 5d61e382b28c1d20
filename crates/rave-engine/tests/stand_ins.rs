//! What is asked of the driver and its libraries, and told to a process that builds engines: with stand-ins in their place.

mod driver;

use std::path::Path;
use std::ptr::{dangling_mut, null_mut};

use driver::in_a_process_with_a_driver;
use rave_core::{PixelFormat, Size, Status};
use rave_engine::{BuilderProgram, CacheChoice, CudaDevice, Model, ModelOptions};

fn device() -> CudaDevice {
    // SAFETY: to the stand-in every context is live.
    unsafe { CudaDevice::adopt(dangling_mut::<u64>().cast(), null_mut(), &mut None) }.unwrap()
}

/// RV-ENG-1510, RV-FILT-1112
#[test]
fn a_process_that_builds_is_given_the_gpu_that_the_engine_is_for() {
    let Some(library) = rave_tests::gpu_standin::tensorrt_rtx() else { return };
    let test = "a_process_that_builds_is_given_the_gpu_that_the_engine_is_for";
    let two = |_: &Path, command: &mut std::process::Command| {
        command.env("CUDA_VISIBLE_DEVICES", "GPU-of-the-engine,GPU-of-another");
    };
    if !in_a_process_with_a_driver(test, two) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let words = format!("printf %s \"$CUDA_VISIBLE_DEVICES\" > '{}'; exit 3", seen.display());
    let builder = BuilderProgram { program: "/bin/sh".into(), arguments: vec!["-c".into(), words.into()] };
    let options = ModelOptions {
        device: Some(device()),
        builder: Some(builder),
        runtime_lib: Some(library),
        cache: CacheChoice::Off,
        ..ModelOptions::default()
    };
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models/dyadic-2x.onnx");
    let error = Model::load(&model, &options).unwrap_err();
    assert_eq!(error.status(), Status::ModelLoadFailed, "{error}");
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "GPU-of-the-engine");
}

/// RV-NVC-1206
#[test]
fn a_driver_without_the_interface_of_raves_own_ffmpeg_is_too_old_for_its_encoders() {
    let test = "a_driver_without_the_interface_of_raves_own_ffmpeg_is_too_old_for_its_encoders";
    let older = |folder: &Path, _: &mut std::process::Command| {
        let script = "#define NEWEST (12u << 4 | 0)\n#define OPEN_STATUS 0\n#define LEAVES_HANDLE 0\n\
                      #define INCOMPLETE 0\n#define CODECS\n";
        std::fs::write(folder.join("script.h"), script).unwrap();
        let source = rave_tests::root().join("crates/rave-nvcodec/tests/driver/nvenc.c");
        let mut gcc = std::process::Command::new("gcc");
        gcc.args(["-shared", "-fPIC", "-I"]).arg(folder).arg("-o").arg(folder.join("libnvidia-encode.so.1"));
        rave_tests::command::succeed(gcc.arg(source));
    };
    if !in_a_process_with_a_driver(test, older) {
        return;
    }
    let error = device().check_encoder("h264_nvenc", Size::new(64, 64), PixelFormat::Nv12).unwrap_err();
    assert_eq!(error.status(), Status::RuntimeLibraryMissing, "{error}");
    assert!(error.to_string().contains("interface is 12.0; expected 12.1"), "{error}");
}
