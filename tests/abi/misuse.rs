//! C programs that do everything wrong that can be done wrong: each is answered with a status, and never by a crash.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rave_tests::command::{stdout_of, succeed};
use rave_tests::compiler::{Compiler, Linkage, Program, source};
use rave_tests::ffmpeg::golden_model;
use rave_tests::librave::Librave;
use rave_tests::pictures::noise;

/// Compiles a program of `tests/c` and hands it to `run`: plain, with sanitizers, with a library that is instrumented by
/// them as well if there is one, and, with `RAVE_DEEP=1`, plain under valgrind.
pub(crate) fn each_build(file: &str, run: impl Fn(&Program)) {
    each_process(file, &run);
    if rave_tests::deep() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("plain");
        let plain =
            Compiler::new("gcc", "c11").link(&source(file), &Librave::installed(), Linkage::Static, &target);
        run(&Program::wrapped(&plain, &VALGRIND));
    }
}

/// As [`each_build`], for a program whose child leaves on purpose what valgrind has for lost, or that takes too long there.
fn each_process(file: &str, run: impl Fn(&Program)) {
    let (plain, librave) = (Compiler::new("gcc", "c11"), Librave::installed());
    let folder = tempfile::tempdir().unwrap();
    let target = |name| folder.path().join(name);
    run(&plain.link(&source(file), &librave, Linkage::Static, &target("plain")));
    let sanitized = plain.sanitized();
    run(&sanitized.link(&source(file), &librave, Linkage::Static, &target("sanitized")));
    if let Some(instrumented) = Librave::instrumented() {
        run(&sanitized.link_archive(&source(file), &instrumented, &target("instrumented")));
    }
}

/// Valgrind, to which every error and every byte that nobody can reach any more is a failure.
pub(crate) const VALGRIND: [&str; 6] = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
];

/// The program finds everything as it should be, with the model that changes nothing.
fn holds(file: &str) {
    each_build(file, |program| {
        succeed(program.command().arg(golden_model("identity-1x")));
    });
}

/// RV-FFI-1002, RV-FFI-1106, RV-ENG-1506
#[test]
fn structures_of_wrong_size_or_content_are_refused_and_nothing_behind_them_is_read() {
    holds("misuse_structs.c");
}

/// RV-FFI-1003
#[test]
fn strings_that_are_empty_endless_or_not_utf8_are_refused() {
    holds("misuse_strings.c");
}

/// RV-FFI-1004, RV-FFI-1102
#[test]
fn handles_that_are_gone_or_of_another_kind_are_recognised() {
    holds("misuse_handles.c");
}

/// RV-FFI-1006, RV-ENG-1101, RV-FFI-1008, RV-FFI-1009
#[test]
fn frames_that_do_not_fit_are_refused_and_the_session_goes_on() {
    holds("misuse_frames.c");
}

/// RV-FFI-1005, RV-FFI-1105
#[test]
fn calls_on_a_busy_handle_are_refused_at_once_from_other_threads_and_from_the_log() {
    holds("misuse_threads.c");
}

/// Eight threads, fifty rounds each; `RAVE_DEEP=1` makes it a thousand.
///
/// RV-FFI-1016, RV-FFI-1102, RV-FFI-1104
#[test]
fn a_storm_of_handles_gives_what_one_after_the_other_gives_and_every_thread_its_own_error() {
    let rounds = if rave_tests::deep() { 1000 } else { 50 };
    each_process("storm.c", |program| {
        let models = ["dyadic-2x", "replicate-2x"].map(golden_model);
        succeed(program.command().arg(rounds.to_string()).args(models));
    });
}

/// Every access to memory and every lock of the library, of what it is made of and of the programs is watched.
///
/// RV-FFI-1209
#[test]
fn no_two_threads_race_for_anything_under_thread_sanitizer() {
    let Some(librave) = Librave::instrumented_for_threads() else {
        eprintln!("skipped: RAVE_TSAN_LIBDIR is not set (scripts/build-sanitized.sh thread)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let models = ["dyadic-2x", "replicate-2x"].map(golden_model);
    let compiler = Compiler::new("gcc", "c11");
    let linked =
        |file: &str| compiler.link_for_threads(&source(file), &librave, &folder.path().join("program"));
    succeed(linked("misuse_threads.c").command().arg(golden_model("identity-1x")));
    succeed(linked("storm.c").command().arg("50").args(models));
}

/// RV-FFI-1014
#[test]
fn a_process_that_was_forked_is_refused_at_once_and_leaves_the_parents_handles() {
    each_process("fork.c", |program| {
        succeed(program.command().arg(golden_model("identity-1x")));
    });
}

/// A model file, and what a program gets when it uses it.
struct Case {
    path: PathBuf,
    /// How the program's line begins: the step that fails, and its status.
    answer: &'static str,
    /// What the message has in it.
    words: Vec<String>,
}

impl Case {
    /// The message also names the file.
    fn refused(path: PathBuf, answer: &'static str, cause: &str) -> Self {
        let words = vec![path.display().to_string(), cause.into()];
        Case { path, answer, words }
    }
}

fn golden_cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("external-data", "load 15 [UNTRUSTED]", "../../../etc/passwd"),
        ("huge-dims", "load 3 [MODEL_LOAD_FAILED]", "impossible dimensions"),
        ("huge-constant", "load 3 [MODEL_LOAD_FAILED]", "1099511627776"),
        ("four-channels", "load 3 [MODEL_LOAD_FAILED]", "4 channels"),
        ("two-inputs", "load 3 [MODEL_LOAD_FAILED]", "2 inputs"),
        ("no-nodes", "load 3 [MODEL_LOAD_FAILED]", "no nodes"),
        ("int-input", "load 3 [MODEL_LOAD_FAILED]", "int32"),
        ("valid-conv", "load 3 [MODEL_LOAD_FAILED]", "not a plain multiple"),
    ]
    .into_iter()
    .map(|(name, answer, cause)| Case::refused(golden_model(name), answer, cause))
    .collect();
    cases.push(Case {
        path: golden_model("nan"),
        answer: "process 4 [INFERENCE_FAILED]",
        // The second frame is number 1.
        words: ["frame 1", "NaN", "(0 succeeded, 2 failed)"].map(String::from).into(),
    });
    cases
}

/// Files in `folder` that are no models.
fn made_cases(folder: &Path) -> Vec<Case> {
    let whole = std::fs::read(golden_model("replicate-2x")).unwrap();
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let directory = folder.join("directory.onnx");
    std::fs::create_dir(&directory).unwrap();
    let fifo = folder.join("fifo.onnx");
    succeed(Command::new("mkfifo").arg(&fifo));

    let failed = "load 3 [MODEL_LOAD_FAILED]";
    let mut cases = vec![
        Case::refused(folder.join("none.onnx"), "load 16 [FILE_NOT_FOUND]", "No such file"),
        Case::refused(directory, "load 18 [IO]", "is a directory"),
        Case::refused(fifo, "load 18 [IO]", "not a regular file"),
        Case::refused(written("empty.onnx", b""), failed, "is empty"),
        Case::refused(written("garbage.onnx", &noise(1, 5000)), failed, "not an ONNX model"),
        Case::refused(
            written("cut.onnx", &whole[..whole.len() / 2]),
            failed,
            "not an ONNX model, or it is cut off",
        ),
        Case::refused(written("text.engine", b"not an engine"), failed, "no TensorRT engine"),
        Case::refused(
            written("plan.onnx", b"ftrt\0\0\0\0"),
            "load 8 [DEVICE_NOT_FOUND]",
            "needs an NVIDIA GPU",
        ),
    ];
    let unreadable = written("unreadable.onnx", &whole);
    std::fs::set_permissions(&unreadable, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&unreadable).is_ok() {
        eprintln!("skipped: an unreadable file, as this user may read everything");
    } else {
        cases.push(Case::refused(unreadable, "load 17 [PERMISSION_DENIED]", "ermission denied"));
    }
    cases
}

/// RV-FFI-1007, RV-ENG-1102
#[test]
fn every_bad_model_file_has_its_status_and_a_message_with_its_name_and_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = golden_cases();
    cases.extend(made_cases(folder.path()));
    each_build("misuse_model.c", |program| {
        let output = stdout_of(program.command().args(cases.iter().map(|case| &case.path)));
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), cases.len(), "one line a model:\n{output}");
        for (case, line) in cases.iter().zip(lines) {
            let Case { path, answer, words } = case;
            assert!(
                line.starts_with(answer) && words.iter().all(|word| line.contains(word)),
                "{}: expected {answer} with {words:?}, found: {line}",
                path.display()
            );
        }
    });
}
