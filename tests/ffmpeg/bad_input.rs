//! Bad input: each kind has its own message and the exit code of its class, within a bounded time.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rave_tests::ffmpeg::{Ffmpeg, builds, golden_model};

use crate::raw::{Clip, named};

/// One way to go wrong: the filter's arguments, the exit code, and what the one error line must hold.
struct Case {
    name: &'static str,
    filter: String,
    code: i32,
    message: &'static [&'static str],
}

fn case(name: &'static str, filter: impl Into<String>, code: i32, message: &'static [&'static str]) -> Case {
    Case { name, filter: filter.into(), code, message }
}

fn cases(folder: &Path) -> Vec<Case> {
    let file = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        format!("rave={}", path.display())
    };
    let golden = |name: &str| format!("rave={}", golden_model(name).display());
    let whole = std::fs::read(golden_model("dyadic-2x")).unwrap();
    let fifo = folder.join("fifo.onnx");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    vec![
        case("no model", "rave", 234, &["model"]),
        case("missing", "rave=/no/such/model.onnx", 254, &["FILE_NOT_FOUND", "/no/such/model.onnx"]),
        case("directory", format!("rave={}", folder.display()), 251, &["[IO]", "directory"]),
        case("FIFO", format!("rave={}", fifo.display()), 251, &["[IO]", "fifo.onnx", "not a regular file"]),
        case("empty", file("empty.onnx", b""), 183, &["MODEL_LOAD_FAILED", "empty.onnx"]),
        case("garbage", file("garbage.onnx", &[0xA5; 4096]), 183, &["MODEL_LOAD_FAILED", "garbage.onnx"]),
        case(
            "truncated",
            file("cut.onnx", &whole[..whole.len() / 2]),
            183,
            &["MODEL_LOAD_FAILED", "cut.onnx"],
        ),
        case(
            "text named engine",
            file("text.engine", b"not an engine"),
            183,
            &["MODEL_LOAD_FAILED", "TensorRT"],
        ),
        case(
            "engine without GPU",
            file("plan.engine", b"ftrt\0\0\0\0"),
            237,
            &["DEVICE_NOT_FOUND", "NVIDIA GPU"],
        ),
        case("four channels", golden("four-channels"), 183, &["MODEL_LOAD_FAILED", "4"]),
        case("two inputs", golden("two-inputs"), 183, &["MODEL_LOAD_FAILED", "two-inputs.onnx"]),
        case("no nodes", golden("no-nodes"), 183, &["MODEL_LOAD_FAILED", "no-nodes.onnx"]),
        case("integers", golden("int-input"), 183, &["MODEL_LOAD_FAILED", "int-input.onnx"]),
        case("output is no multiple", golden("valid-conv"), 183, &["MODEL_LOAD_FAILED", "output", "64"]),
        case("external data", golden("external-data"), 243, &["UNTRUSTED", "passwd"]),
        case("absurd dimensions", golden("huge-dims"), 183, &["MODEL_LOAD_FAILED", "huge-dims.onnx"]),
        case("absurd constant", golden("huge-constant"), 183, &["MODEL_LOAD_FAILED", "huge-constant.onnx"]),
        case("not finite", golden("nan"), 187, &["INFERENCE_FAILED", "frame 0"]),
        case("missing library", golden("identity-1x") + ":runtime_lib=/no/lib.so", 218, &["/no/lib.so"]),
        case(
            "wrong backend",
            golden("identity-1x") + ":backend=tensorrt",
            234,
            &["INVALID_PARAMETER", "backend"],
        ),
        case("tile too small", golden("identity-1x") + ":tile=8x8", 234, &["INVALID_PARAMETER", "tile"]),
        case(
            "tile of a fixed model",
            golden("fixed-64-2x") + ":tile=32x32",
            234,
            &["INVALID_PARAMETER", "64x64"],
        ),
        case("overlap too large", golden("identity-1x") + ":tile=32x32:overlap=17", 234, &["overlap"]),
        case("threads out of range", golden("identity-1x") + ":threads=5000", 222, &["threads"]),
        case(
            "frames not on a GPU",
            golden("identity-1x") + ":require_cuda=1",
            218,
            &["Impossible to convert"],
        ),
        case(
            "precision without an engine",
            golden("identity-1x") + ":precision=fp16",
            234,
            &["INVALID_PARAMETER", "precision fp16", "host memory"],
        ),
        case(
            "build only without an engine",
            golden("identity-1x") + ":build=only",
            234,
            &["INVALID_PARAMETER", "build only", "host memory"],
        ),
        case("precision not known", golden("identity-1x") + ":precision=fp8", 234, &["precision"]),
        case("build not known", golden("identity-1x") + ":build=maybe", 234, &["build"]),
        case("streams out of range", golden("identity-1x") + ":streams=17", 222, &["streams"]),
        case("batch out of range", golden("identity-1x") + ":batch=0", 222, &["batch"]),
        case("graph not known", golden("identity-1x") + ":graph=maybe", 234, &["graph"]),
        case("mode not known", golden("identity-1x") + ":mode=lax", 234, &["mode"]),
        case("dedup not known", golden("identity-1x") + ":dedup=near", 234, &["dedup"]),
        case("unknown option", golden("identity-1x") + ":nonsense=1", 8, &["nonsense"]),
    ]
}

fn run(ffmpeg: &Ffmpeg, clip: &Clip, case: &Case) {
    let mut args = clip.input();
    args.extend(["-vf", &case.filter, "-f", "null", "-"].map(str::to_string));
    let start = Instant::now();
    let run = ffmpeg.run(args);
    let what = format!("{} on FFmpeg {}: exit {:?}\n{}", case.name, ffmpeg.version, run.code, run.stderr);
    assert_eq!(run.code, Some(case.code), "{what}");
    for word in case.message {
        assert!(run.stderr.contains(word), "no `{word}`: {what}");
    }
    // A bound on hanging, not on speed: a FIFO or a probe that never ends would wait forever.
    assert!(start.elapsed() < Duration::from_secs(60), "{what}");
}

/// RV-FILT-1101, RV-ENG-1102, RV-ENG-1107
#[test]
fn every_bad_input_has_its_message_and_exit_code() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        let clip = Clip::noise(named("rgb24"), (70, 40), 2);
        for case in cases(folder.path()) {
            run(&ffmpeg, &clip, &case);
        }
    }
}

/// RV-FILT-1102
#[test]
fn a_library_error_is_one_line_in_the_log() {
    for ffmpeg in builds() {
        let clip = Clip::noise(named("rgb24"), (70, 40), 1);
        let mut args = clip.input();
        args.extend(["-vf", "rave=/no/such/model.onnx", "-f", "null", "-"].map(str::to_string));
        let run = ffmpeg.run(args);
        assert_eq!(run.stderr.matches("FILE_NOT_FOUND").count(), 1, "{}", run.stderr);
    }
}

/// RV-ENG-1003
#[test]
fn a_model_that_may_not_be_read_is_refused_as_such() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let model = folder.path().join("secret.onnx");
        std::fs::copy(golden_model("identity-1x"), &model).unwrap();
        std::fs::set_permissions(&model, std::fs::Permissions::from_mode(0o000)).unwrap();
        // Root may read everything: then the filter runs as nobody.
        let nobody = std::fs::File::open(&model).is_ok();
        let filter = format!("rave={}", model.display());
        let args = ["-f", "lavfi", "-i", "color=s=16x16:d=0.1", "-vf", &filter, "-f", "null", "-"];
        let run = ffmpeg.copied_to(folder.path()).run_with(args, |command| {
            if nobody {
                use std::os::unix::process::CommandExt;
                command.uid(65534).gid(65534);
            }
        });
        assert_eq!(run.code, Some(243), "{}", run.stderr);
        for word in ["PERMISSION_DENIED", "secret.onnx"] {
            assert!(run.stderr.contains(word), "no `{word}`: {}", run.stderr);
        }
    }
}
