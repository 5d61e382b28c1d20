//! Scripts refuse what they must, before they do anything.

use std::path::Path;
use std::process::{Command, Output};

use rave_tests::root;

/// Runs bash with `arguments` at the root, building into `build`, outside of CI unless `variables` say otherwise.
fn bash(build: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new("bash")
        .args(arguments)
        .current_dir(root())
        .env("RAVE_BUILD_DIR", build)
        .env_remove("CI")
        .envs(variables.iter().copied())
        .output()
        .expect("bash runs")
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].concat().escape_ascii().to_string().replace("\\n", "\n")
}

/// RV-SCR-1003
#[test]
fn a_word_that_a_script_does_not_know_is_an_error_before_anything_is_done() {
    for (script, words, answer) in [
        ("bench.sh", "gpu-please", "scripts/bench.sh --help"),
        ("bench.sh", "cpu --runs 3 --faster", "unknown option --faster"),
        ("bench.sh", "cpu --runs", "--runs takes a whole number"),
        ("bless.sh", "everything", "usage: scripts/bless.sh"),
        ("bless.sh", "header api", "unknown word api"),
        ("build-ffmpeg.sh", "9.0 6.0", "scripts/build-ffmpeg.sh [9.0|8.1|7.1]"),
        ("build-sanitized.sh", "memory", "scripts/build-sanitized.sh address|thread"),
        ("build-sanitized.sh", "address thread", "unknown word thread"),
        ("demo.sh", "--quickly", "scripts/demo.sh --help"),
        ("fetch.sh", "clips everything", "scripts/fetch.sh --help"),
        (
            "fetch-tensorrt.sh",
            "libnvinfer_lean.so.10 libnvinfer.so.5",
            "no package is known for libnvinfer.so.5",
        ),
        ("fetch-tensorrt-headers.sh", "10 5", "no headers are known for TensorRT 5"),
        ("fuzz.sh", "ledger nothing", "scripts/fuzz.sh [SECONDS] [TARGET...]"),
        ("gpu-bundle.sh", "engines folder models more", "unknown word more"),
        ("install.sh", "--quickly", "scripts/install.sh --help"),
        ("install.sh", "one two", "one PREFIX at most"),
        ("make-patches.sh", "--quickly", "scripts/make-patches.sh [--check]"),
        ("make-patches.sh", "--check more", "unknown word more"),
        ("test.sh", "--quickly", "usage: scripts/test.sh"),
        ("test.sh", "--quick more", "unknown word more"),
    ] {
        let build = tempfile::tempdir().unwrap();
        let script = format!("scripts/{script}");
        let command: Vec<&str> = std::iter::once(&script[..]).chain(words.split(' ')).collect();
        let output = bash(build.path(), &command, &[]);
        assert_ne!(output.status.code(), Some(0), "{script} {words}");
        assert!(said(&output).contains(answer), "{script} {words}: {}", said(&output));
        let made = Command::new("find").arg(build.path()).args(["-type", "f"]).output().unwrap();
        assert!(made.stdout.is_empty(), "{script} {words} made {}", said(&made));
    }
}

/// RV-SCR-1004
#[test]
fn nothing_is_blessed_under_ci() {
    for what in ["header", "api", "golden", "conformance", "sidecars", "all"] {
        let build = tempfile::tempdir().unwrap();
        let output = bash(build.path(), &["scripts/bless.sh", what], &[("CI", "true")]);
        assert_eq!(output.status.code(), Some(1), "{what}: {}", said(&output));
        assert!(
            said(&output).contains("CI checks what is committed and never renews it"),
            "{}",
            said(&output)
        );
    }
}

/// A package index that gives another file than the one that is pinned, and then one that is right.
///
/// RV-SCR-1002
#[test]
fn a_package_with_another_checksum_is_refused_and_nothing_of_it_kept() {
    let build = tempfile::tempdir().unwrap();
    let index = build.path().join("index");
    // In pip's place: `python -m pip download ... -d FOLDER PACKAGE`. Anything else is Python's own.
    std::fs::write(
        &index,
        "#!/usr/bin/env bash\n[ \"$2\" = pip ] || exec python3 \"$@\"\n\
         while [ \"$1\" != -d ]; do shift; done\ncp \"$RAVE_BUILD_DIR/x.zip\" \"$2/x.whl\"\n",
    )
    .unwrap();
    let script = "
        . scripts/lib/common.sh
        chmod +x \"$BUILD/index\"
        python_venv() { echo \"$BUILD/index\"; }
        echo content >\"$BUILD/member\"
        (cd \"$BUILD\" && python3 -m zipfile -c x.zip member)
        sha256=$(sha256sum \"$BUILD/x.zip\" | cut -d' ' -f1)
        [ \"$1\" = right ] || sha256=${sha256//[0-9]/a}
        wheel_files x==1 3.11 any \"$sha256\" \"$BUILD/target\" member";
    let fetch = |which: &str| bash(build.path(), &["-c", script, "fetch", which], &[]);

    let output = fetch("wrong");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("x.whl does not have the expected sha256"), "{}", said(&output));
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    assert!(names(&build.path().join("target")).is_empty());
    assert!(!names(build.path()).iter().any(|name| name.starts_with("wheel.")), "the download is gone");

    let output = fetch("right");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(build.path().join("target/member")).unwrap(), "content\n");
}

/// RV-SCR-1009
#[test]
fn ci_runs_the_tests_and_nothing_else() {
    let text = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(commands, ["exec bash \"$(dirname \"$0\")/../scripts/test.sh\""]);
}
