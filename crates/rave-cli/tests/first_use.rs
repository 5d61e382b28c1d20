//! `rave upscale` of an ONNX model on a GPU, by the real TensorRT-RTX and over a driver that stands in for a GPU: as far as
//! its engine is built and kept.

use std::process::{Command, Output, Stdio};

use rave_tests::ffmpeg::{golden_model, newest};
use rave_tests::gpu_standin::GpuStandin;

/// What the command runs on, with a film in its folder.
struct Machine(GpuStandin);

impl Machine {
    /// `None`, visibly, where it cannot be had.
    fn new() -> Option<Machine> {
        let ffmpeg = newest()?;
        let standin = GpuStandin::new()?;
        let film = standin.folder().join("in.nut");
        let how = ["-f", "lavfi", "-i", "testsrc2=s=96x54:d=0.2", "-c:v", "rawvideo", "-pix_fmt", "nv12"];
        let _made = ffmpeg.run(how.into_iter().chain([film.to_str().unwrap()])).ok();
        Some(Machine(standin))
    }

    /// `rave upscale in.nut -m identity-1x-fp16 -o out.nut --device 0 --build BUILD MORE`
    fn upscale(&self, build: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
        command.current_dir(self.0.folder()).env("LD_LIBRARY_PATH", self.0.folder());
        command.args(["upscale", "in.nut", "-o", "out.nut", "-m"]).arg(golden_model("identity-1x-fp16"));
        command.args(["--device", "0", "--cache", "cache", "--build", build]).args(more);
        command.arg("--runtime-lib").arg(self.0.tensorrt()).stdin(Stdio::null()).output().unwrap()
    }
}

/// What was said, of a run that ended with `code`.
fn said(output: &Output, code: i32) -> String {
    let text = [&output.stderr[..], &output.stdout[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// RV-CLI-1708
#[test]
fn the_first_use_builds_into_the_cache_and_says_so_and_the_next_finds_it() {
    let Some(machine) = Machine::new() else { return };
    let missing = said(&machine.upscale("never", &[]), 254);
    assert!(missing.contains("[FILE_NOT_FOUND]") && missing.contains("in the cache"), "{missing}");
    let first = said(&machine.upscale("only", &[]), 0);
    for words in [
        "building an engine of",
        "frames of 64x64 to 256x256",
        "built an engine of",
        "its engine is in the cache",
    ] {
        assert!(first.contains(words), "no `{words}`: {first}");
    }
    let again = said(&machine.upscale("only", &["--json"]), 0);
    assert!(!again.contains("building") && again.contains(r#""event":"built""#), "{again}");
    assert_eq!(machine.0.kept().len(), 1);
    // Another precision and other numbers for white are other engines.
    said(&machine.upscale("only", &["--precision", "fp32"]), 0);
    said(&machine.upscale("only", &["--values", "byte"]), 0);
    let kept = machine.0.kept();
    assert!(kept.len() == 3 && kept.iter().all(|name| name.ends_with(".engine")), "{kept:?}");
    assert!(!machine.0.folder().join("out.nut").exists());
}
