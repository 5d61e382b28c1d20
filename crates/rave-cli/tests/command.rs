//! The command as its users start it. Engines are built by the real TensorRT-RTX, which needs no GPU for that.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{names, refusal, text};
use rave_engine::engine_cache::{CacheOptions, EngineCache, EngineKey, Platform, ShapeRange};
use rave_tests::ffmpeg::golden_model;
use tempfile::TempDir;

/// How long anything may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file in the build folder; a skip that is visible, or a failure under `RAVE_REQUIRE_TENSORRT=1`, without it.
fn in_build(file: &str, script: &str) -> Option<PathBuf> {
    let build = std::env::var_os("RAVE_BUILD_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../build")), PathBuf::from);
    let path = build.join(file);
    if path.exists() {
        return Some(path);
    }
    let missing = format!("{} is not there; run {script}", path.display());
    assert!(std::env::var_os("RAVE_REQUIRE_TENSORRT").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    None
}

/// A library of NVIDIA's that scripts/fetch-tensorrt.sh fetched.
fn library(name: &str) -> Option<PathBuf> {
    in_build(&format!("deps/tensorrt/{name}"), "scripts/fetch-tensorrt.sh")
}

fn rtx() -> Option<PathBuf> {
    library("libtensorrt_onnxparser_rtx.so.1")?;
    library("libtensorrt_rtx.so.1")
}

/// One of the real models that scripts/fetch.sh makes.
fn real(name: &str) -> Option<PathBuf> {
    in_build(&format!("deps/models/{name}.onnx"), "scripts/fetch.sh models")
}

/// The command, on a machine whose only TensorRT is `library`, if there is one.
fn rave(library: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
    // A name that no library has: what is installed on this machine is of no concern.
    command.env("RAVE_TENSORRT_LIB", library.unwrap_or(Path::new("libnvinfer-of-nobody.so")));
    command.env_remove("RAVE_ONNXPARSER_LIB").env_remove("RAVE_ONNXRUNTIME_LIB");
    // No test sees the cache of whoever runs it.
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// A folder with a copy of `model` in it, called model.onnx.
fn folder_with(model: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(model, folder.path().join("model.onnx")).unwrap();
    folder
}

fn info(file: &Path) -> String {
    let output = rave(None).arg("info").arg(file).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// RV-CLI-1001, RV-CLI-1102, RV-CLI-1104, RV-CLI-1201
#[test]
fn real_models_become_engines_that_tell_what_they_are() {
    let Some(rtx) = rtx() else { return };
    for (model, options, sizes) in [
        ("luma-3x-224", &["--compute-capability", "8.9"][..], "frames of 224x224"),
        ("animevideov3-x2", &["--compute-capability", "8.9,12.0"], "frames of 64x64 to 1920x1088"),
        (
            "animevideov3-x2",
            &["--compute-capability", "8.9", "--shape", "320x180", "--fp32", "--level", "1"],
            "frames of 320x180",
        ),
        (
            "animevideov3-x2-fp16",
            &[
                "--fp16",
                "--compute-capability=12.0",
                "--min=32x32",
                "--opt=320x180",
                "--max=640x360",
                "--workspace=1G",
            ],
            "frames of 32x32 to 640x360",
        ),
    ] {
        let Some(model) = real(model) else { return };
        let folder = folder_with(&model);
        let output = rave(Some(&rtx))
            .current_dir(&folder)
            .args(["build", "model.onnx"])
            .args(options)
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.starts_with("building model.engine: ") && said.contains(sizes), "{said}");
        assert!(!said.contains('\u{1b}') && !said.contains('\r'), "no terminal, no bar: {said}");
        let result = text(&output.stdout);
        assert!(result.starts_with("model.engine: ") && result.contains(" layers, "), "{result}");
        let [_, tested] = result.lines().collect::<Vec<_>>()[..] else { panic!("{result}") };
        assert!(tested.starts_with("self-test: "), "{result}");
        assert_eq!(names(folder.path()), ["model.engine", "model.onnx"]);
        let engine = folder.path().join("model.engine");
        assert_eq!(fs::metadata(&engine).unwrap().permissions().mode() & 0o133, 0, "nobody's program");
        let told = info(&engine);
        assert!(told.contains("TensorRT engine") && told.contains("built by    TensorRT-RTX 1."), "{told}");
        assert!(told.contains("needs       TensorRT-RTX 1."), "{told}");
        assert!(told.contains(&format!("{} bytes, whole", fs::metadata(&engine).unwrap().len())), "{told}");
    }
}

/// RV-CLI-1102
#[test]
fn an_engine_goes_where_it_is_sent_and_takes_an_older_ones_place() {
    let Some(rtx) = rtx() else { return };
    let folder = tempfile::tempdir().unwrap();
    let engine = folder.path().join("any name");
    fs::write(&engine, "an older one").unwrap();
    let output = rave(Some(&rtx))
        .args(["build", "--shape=64x64", "--compute-capability=8.9", "-o"])
        .args([&engine, &golden_model("dyadic-2x")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(fs::read(&engine).unwrap().starts_with(b"vtrt"));
    assert_eq!(names(folder.path()), ["any name"]);
}

/// A build that is under way: what it says, and who does the work.
struct Running {
    rave: Child,
    said: BufReader<std::process::ChildStderr>,
    folder: TempDir,
    builder: PathBuf,
}

impl Running {
    /// Starts a build and waits until TensorRT is at work in the child.
    fn start() -> Option<Running> {
        let rtx = rtx()?;
        let folder = folder_with(&real("animevideov3-x4").or_else(|| real("animevideov3-x2"))?);
        let mut rave = rave(Some(&rtx))
            .current_dir(&folder)
            .args(["--verbose", "build", "model.onnx"])
            .args(["--compute-capability", "7.5,8.0,8.6,8.9,12.0,12.1", "--level", "5"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(rave.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("rave: TensorRT: ") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it began");
        }
        let id = rave.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let builder = Path::new("/proc").join(children.trim());
        assert!(builder.join("cmdline").exists(), "one child: {children}");
        Some(Running { rave, said, folder, builder })
    }

    /// Sends it a signal, and waits until it and its child are gone; returns how it ended and what it said since.
    fn end_by(mut self, signal: i32) -> (std::process::ExitStatus, String, Vec<String>) {
        let id = i32::try_from(self.rave.id()).unwrap();
        // SAFETY: it is our child and was not waited for, so the number is still its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        let status = self.rave.wait().unwrap();
        let begun = Instant::now();
        while self.builder.exists() {
            assert!(begun.elapsed() < PATIENCE, "the child lives on");
            std::thread::sleep(Duration::from_millis(10));
        }
        (status, said, names(self.folder.path()))
    }
}

/// RV-CLI-1101
#[test]
fn an_interrupted_build_leaves_nothing_and_says_that_it_was_interrupted() {
    for (signal, code) in [(libc::SIGINT, 130), (libc::SIGTERM, 143)] {
        let Some(build) = Running::start() else { return };
        let (status, said, names) = build.end_by(signal);
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains("[CANCELLED]"), "{said}");
        assert_eq!(names, ["model.onnx"]);
    }
}

/// RV-CLI-1101
#[test]
fn a_killed_build_leaves_neither_a_file_nor_a_process() {
    let Some(build) = Running::start() else { return };
    let (status, _, names) = build.end_by(libc::SIGKILL);
    assert_eq!(status.code(), None);
    assert_eq!(names, ["model.onnx"]);
}

/// RV-CLI-1103
#[test]
fn a_place_that_cannot_be_written_is_named_before_anything_is_built() {
    let Some(rtx) = rtx() else { return };
    let folder = folder_with(&golden_model("dyadic-2x"));
    for (place, code, found) in [
        ("none/x.engine", 254, "the output cannot be written"),
        (".", 251, "not a regular file"),
        ("/dev/null", 251, "not a regular file"),
        ("model.onnx", 234, "is the input itself"),
        ("/proc/x.engine", 254, "the output cannot be written"),
    ] {
        let output = rave(Some(&rtx))
            .current_dir(&folder)
            .args(["build", "model.onnx", "--shape=64x64", "--compute-capability=8.9", "-o", place])
            .output()
            .unwrap();
        let said = refusal(&output, code);
        assert!(said.contains(found) && !said.contains("building"), "{said}");
    }
    assert_eq!(names(folder.path()), ["model.onnx"]);
}

/// A field of a protobuf message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    [bytes, content.to_vec()].concat()
}

/// RV-CLI-1105
#[test]
fn every_operator_that_tensorrt_lacks_is_listed() {
    let Some(rtx) = rtx() else { return };
    let node = |input: &str, output: &str, name: &str, op: &str| {
        let parts = [(1, input), (2, output), (3, name), (4, op)];
        field(1, &parts.map(|(number, text)| field(number, text.as_bytes())).concat())
    };
    let picture = |number, name: &str| {
        let extents = [1u8, 3, 16, 16].map(|extent| field(1, &[8, extent])).concat();
        let tensor = field(1, &[&[8, 1][..], &field(2, &extents)].concat());
        field(number, &[field(1, name.as_bytes()), field(2, &tensor)].concat())
    };
    let nodes = [
        node("x", "a", "first", "Frobnicate"),
        node("a", "b", "second", "Relu"),
        node("b", "y", "third", "Wobble"),
    ];
    let graph = [nodes.concat(), field(2, b"g"), picture(11, "x"), picture(12, "y")].concat();
    let model = [&[8, 9][..], &field(8, &[16, 17]), &field(7, &graph)].concat();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.onnx"), model).unwrap();
    let output = rave(Some(&rtx))
        .current_dir(&folder)
        .args(["build", "model.onnx", "--compute-capability=8.9"])
        .output()
        .unwrap();
    let said = refusal(&output, 183);
    for (operator, name) in [("Frobnicate", "first"), ("Wobble", "third")] {
        assert!(
            said.contains(&format!("operator {operator} (opset 17) of node `{name}` is unknown")),
            "{said}"
        );
    }
    assert_eq!(names(folder.path()), ["model.onnx"]);
}

/// RV-CLI-1002, RV-CLI-1106
#[test]
fn what_is_missing_or_wrong_has_a_code_of_its_class_and_a_way_out() {
    let folder = folder_with(&golden_model("dyadic-2x"));
    fs::copy(golden_model("external-data"), folder.path().join("external.onnx")).unwrap();
    let build = |library: Option<&Path>, arguments: &[&str]| {
        rave(library).current_dir(&folder).arg("build").args(arguments).output().unwrap()
    };
    let said = refusal(&build(None, &["nothing.onnx"]), 254);
    assert!(said.contains("[FILE_NOT_FOUND]") && said.contains("nothing.onnx"), "{said}");
    let said = refusal(&build(None, &["external.onnx"]), 243);
    assert!(said.contains("[UNTRUSTED]"), "{said}");
    let said = refusal(&build(None, &["model.onnx"]), 218);
    assert!(said.contains("libnvinfer-of-nobody.so") && said.contains("install TensorRT"), "{said}");
    for arguments in [
        &["model.onnx", "--shape", "big"][..],
        &["model.onnx", "--min", "64x64"],
        &["model.onnx", "--shape", "64x64", "--max", "64x64"],
        &["model.onnx", "--fp16", "--tf32"],
        &["model.onnx", "--level", "6"],
        &[],
    ] {
        refusal(&build(None, arguments), 2);
    }
    for major in [10, 11] {
        let Some(lean) = library(&format!("libnvinfer_lean.so.{major}")) else { return };
        let said = refusal(&build(Some(&lean), &["model.onnx"]), 218);
        assert!(said.contains("only runs engines and has no builder"), "{said}");
        assert!(said.contains(&format!("libnvinfer.so.{major}")), "{said}");
    }
    let Some(rtx) = rtx() else { return };
    let for_ada = |options: &[&str]| {
        build(Some(&rtx), &[&["model.onnx", "--compute-capability=8.9"], options].concat())
    };
    let said = refusal(&for_ada(&["--shape=64x64", "--fp16"]), 234);
    assert!(said.contains("it computes in fp32, and fp16 was asked for"), "{said}");
    let said = refusal(&build(Some(&rtx), &["model.onnx", "--compute-capability=9.0"]), 234);
    assert!(said.contains("compute capability 9.0"), "{said}");
    assert_eq!(names(folder.path()), ["external.onnx", "model.onnx"]);
}

/// RV-CLI-1201
#[test]
fn info_tells_a_models_tensors_scale_opset_and_operators() {
    let told = info(&golden_model("fixed-64-2x"));
    for line in [
        "  takes       `input` 1x3x64x64 fp32",
        "  gives       `output` 1x3x?x? fp32",
        "  opset       ai.onnx 13",
        "  operators   2: Conv 1, DepthToSpace 1",
    ] {
        assert!(told.lines().any(|other| other == line), "{line} in {told}");
    }
    assert!(told.contains("  contract    RGB, `input` 1x3x64x64 fp32 -> `output` fp32, 2x; "), "{told}");
    assert!(
        told.contains("  needs       nothing on the CPU; on a GPU TensorRT and its ONNX parser\n"),
        "{told}"
    );
    let told = info(&golden_model("valid-conv"));
    let line = told.lines().find(|line| line.starts_with("  contract ")).unwrap();
    assert!(line.contains("unknown, for it does not run on the CPU: [MODEL_LOAD_FAILED]"), "{line}");
    assert!(!told.contains("  needs "), "{told}");
}

/// RV-CLI-1208
#[test]
fn info_says_why_it_does_not_know_what_is_in_an_engine() {
    let Some(rtx) = rtx() else { return };
    let folder = folder_with(&golden_model("fixed-64-2x"));
    let engine = folder.path().join("model.engine");
    let mut build = rave(Some(&rtx));
    build.current_dir(&folder).args(["build", "model.onnx", "--compute-capability=8.9"]);
    assert!(build.output().unwrap().status.success());
    let told = || {
        // A machine whose GPU nobody sees.
        let mut command = rave(None);
        command.env("CUDA_VISIBLE_DEVICES", "").arg("info").arg(&engine).arg("--runtime-lib").arg(&rtx);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let said = told();
    assert!(said.starts_with(&format!("{}: TensorRT engine\n  size        ", engine.display())), "{said}");
    let last = said.lines().last().unwrap();
    let why = "  contract    unknown, as are tensors and profiles: [DEVICE_NOT_FOUND] ";
    assert!(last.starts_with(why), "{said}");
    // TensorRT is not asked of an engine that anybody may have written.
    fs::set_permissions(&engine, fs::Permissions::from_mode(0o666)).unwrap();
    let said = told();
    assert!(said.contains("tensors and profiles: [UNTRUSTED] "), "{said}");
    assert!(said.contains("  needs       TensorRT-RTX 1."), "{said}");
}

/// RV-CLI-1201
#[test]
fn info_calls_other_files_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, found) in [
        ("film.mp4", &b"\0\0\0\x20ftypisom\0\0"[..], "is a video (MP4 or MOV)"),
        ("pointer.onnx", b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        ("cut.engine", b"vtrt\0\0\0\0\x02\0\0\0", "the file has 12 bytes"),
        ("text.engine", b"hello", "is no TensorRT engine"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let said = refusal(&rave(None).arg("info").arg(&path).output().unwrap(), 183);
        assert!(said.contains(found) && said.contains(name), "{said}");
    }
}

/// RV-CLI-1301
#[test]
fn the_cache_is_listed_checked_and_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("cache");
    let cache =
        EngineCache::open(CacheOptions { dir: Some(folder.clone()), ..CacheOptions::default() }).unwrap();
    let key = |level: &str| EngineKey {
        model_sha256: [0xab; 32],
        build: [("level".to_owned(), level.to_owned()), ("precision".to_owned(), "fp32".to_owned())].into(),
        shapes: [(
            "input".to_owned(),
            ShapeRange { min: vec![1, 3, 64, 64], best: vec![1, 3, 64, 64], max: vec![1, 3, 64, 64] },
        )]
        .into(),
        platform: Platform {
            tensorrt_flavour: "TensorRT-RTX".into(),
            tensorrt_version: "1.7.1".into(),
            cuda_version: "13.0".into(),
            driver_version: None,
            compute_capabilities: vec![(8, 9)],
            gpu_name: None,
        },
    };
    for level in ["1", "2", "3"] {
        cache.get_or_build(&key(level), &|| false, || Ok(vec![7; 5000])).unwrap();
    }
    let run = |arguments: &[&str]| {
        rave(None).args(["cache", "--folder"]).arg(&folder).args(arguments).output().unwrap()
    };
    let say = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let listed = say(&["list"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(listed.contains(&key("2").hex()[..12]) && listed.contains("model abababababab"), "{listed}");
    assert!(listed.contains("TensorRT-RTX 1.7.1, compute capability 8.9, fp32, input 1x3x64x64"), "{listed}");
    assert!(say(&["verify"]).contains("3 entries, "));

    let damaged = folder.join(format!("{}.engine", key("2").hex()));
    let mut bytes = fs::read(&damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let output = run(&["verify"]);
    assert_eq!(output.status.code(), Some(183));
    assert!(
        text(&output.stdout).contains(&key("2").hex()) && text(&output.stderr).contains("1 of 3 are damaged")
    );

    assert!(say(&["prune", "--max", "12K"]).contains("1 files removed"));
    assert!(say(&["clear"]).contains("2 files removed"));
    assert!(say(&["list"]).contains("0 entries, 0 B"));
}

/// What `rave doctor` says: mark, thing and words of each line, and the exit code.
fn doctor(library: Option<&Path>, runtime: Option<&Path>) -> (Vec<(String, String, String)>, Option<i32>) {
    let mut command = rave(library);
    command.arg("doctor").envs(runtime.map(|path| ("RAVE_ONNXRUNTIME_LIB", path)));
    let output = command.output().unwrap();
    assert_eq!(text(&output.stderr), "");
    let said = text(&output.stdout);
    let lines = said.lines().map(|line| {
        assert!(line.len() > 21, "{line}");
        let [mark, thing, words] = [&line[..6], &line[7..20], &line[21..]].map(|part| part.trim().to_owned());
        assert!(["ok", "TO DO"].contains(&mark.as_str()), "{line}");
        (mark, thing, words)
    });
    (lines.collect(), output.status.code())
}

/// RV-CLI-1202
#[test]
fn doctor_says_of_everything_that_it_is_ok_or_what_to_do() {
    let (lines, code) = doctor(None, None);
    let find = |lines: &[(String, String, String)], thing: &str| {
        let found = lines.iter().find(|(_, other, _)| other == thing);
        found
            .map(|(mark, _, words)| (mark.clone(), words.clone()))
            .unwrap_or_else(|| panic!("{thing}: {lines:?}"))
    };
    assert_eq!(code, Some(1));
    assert_eq!(find(&lines, "rave").0, "ok");
    let (mark, words) = find(&lines, "TensorRT");
    assert_eq!(mark, "TO DO");
    assert!(words.contains("libnvinfer-of-nobody.so") && words.contains("install TensorRT 10"), "{words}");
    let (mark, words) = find(&lines, "driver");
    assert!(mark == "ok" || words.contains("install NVIDIA's driver"), "{words}");

    let (mark, words) = find(&lines, "engine cache");
    assert_eq!(mark, "ok", "{words}");
    assert!(words.contains(env!("CARGO_TARGET_TMPDIR")) && words.contains(" entries, "), "{words}");

    if let Some(lean) = library("libnvinfer_lean.so.10") {
        let (lines, _) = doctor(Some(&lean), None);
        let (mark, words) = find(&lines, "TensorRT");
        assert_eq!(mark, "ok");
        assert!(words.contains("lean runtime 10.") && words.contains("libnvinfer_lean.so.10"), "{words}");
        let (mark, words) = find(&lines, "building");
        assert_eq!(mark, "TO DO");
        assert!(words.contains("name the full library (libnvinfer.so.10)"), "{words}");
    }
    if let Some(rtx) = rtx() {
        let (lines, _) = doctor(Some(&rtx), None);
        let (mark, words) = find(&lines, "building");
        assert_eq!(mark, "ok");
        assert!(words.contains("TensorRT-RTX 1.") && words.contains("libtensorrt_onnxparser_rtx"), "{words}");
    }
    if let Some(runtime) = in_build("deps/onnxruntime/libonnxruntime.so", "scripts/fetch.sh onnxruntime") {
        let (mark, words) = find(&doctor(None, Some(&runtime)).0, "ONNX Runtime");
        assert_eq!(mark, "ok", "{words}");
        assert!(words.contains("ONNX Runtime 1.") && words.contains(runtime.to_str().unwrap()), "{words}");
    }
}

/// RV-CLI-1002, RV-CLI-1004
#[test]
fn both_ways_to_a_commands_help_end_with_its_examples_and_the_exit_codes() {
    for (words, example) in [
        (&["doctor"][..], "  rave doctor\n"),
        (&["cache", "prune"], "  rave cache prune --max 2G\n"),
        (&["ledger", "verify"], "  rave ledger verify run.jsonl\n"),
    ] {
        let asked = rave(None).arg("help").args(words).output().unwrap();
        let also = rave(None).args(words).arg("--help").output().unwrap();
        let said = text(&asked.stdout);
        assert_eq!(said, text(&also.stdout));
        assert!(said.contains(example), "{said}");
        assert!(said.ends_with("  254  a file is not there\n"), "{said}");
    }
}

/// RV-CLI-1003
#[test]
fn completions_and_manual_pages_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        let output = rave(None).args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && text(&output.stdout).contains("ledger"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(rave(None).arg("man").arg(folder.path()).output().unwrap().status.success());
    assert!(names(folder.path()).contains(&"rave-ledger-verify.1".to_owned()), "{:?}", names(folder.path()));
    let said = refusal(&rave(None).args(["man", "/nonexistent"]).output().unwrap(), 254);
    assert!(said.contains("/nonexistent"), "{said}");
}

/// RV-CLI-1001
#[test]
fn a_reader_that_leaves_early_is_no_fault() {
    let mut child = rave(None)
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}
