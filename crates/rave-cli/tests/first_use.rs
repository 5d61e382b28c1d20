//! `rave upscale` of an ONNX model on a GPU, by the real TensorRT-RTX and over a driver that stands in for a GPU: as far as
//! its engine is built and kept. And `rave info` of an engine, as far as TensorRT refuses it there.

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

    /// `rave COMMAND`, with the libraries of this machine.
    fn rave(&self, command: &str) -> Command {
        let mut rave = Command::new(env!("CARGO_BIN_EXE_rave"));
        rave.current_dir(self.0.folder()).env("LD_LIBRARY_PATH", self.0.folder()).stdin(Stdio::null());
        rave.arg(command).arg("--runtime-lib").arg(self.0.tensorrt());
        rave
    }

    /// `rave upscale in.nut -m identity-1x-fp16 -o out.nut --device 0 --build BUILD MORE`
    fn upscale(&self, build: &str, more: &[&str]) -> Output {
        let mut command = self.rave("upscale");
        command.args(["in.nut", "-o", "out.nut", "-m"]).arg(golden_model("identity-1x-fp16"));
        command.args(["--device", "0", "--cache", "cache", "--build", build]).args(more).output().unwrap()
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

/// RV-CLI-1208
#[test]
fn info_has_tensorrts_words_where_it_does_not_load_the_engine() {
    let Some(machine) = Machine::new() else { return };
    let mut build = machine.rave("build");
    build.arg(golden_model("identity-1x")).args(["-o", "x.engine", "--compute-capability", "8.9"]);
    said(&build.output().unwrap(), 0);
    let told = said(&machine.rave("info").arg("x.engine").output().unwrap(), 0);
    assert!(told.contains("  needs       TensorRT-RTX 1."), "{told}");
    let last = told.lines().last().unwrap();
    assert!(
        last.starts_with("  contract    unknown, as are tensors and profiles: [MODEL_LOAD_FAILED] "),
        "{told}"
    );
    assert!(last.contains("refused it") && last.contains("deserializeCudaEngine"), "{told}");
}
