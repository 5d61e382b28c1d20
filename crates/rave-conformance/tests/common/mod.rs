//! Running the program.

#![allow(dead_code, reason = "every test program uses another part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run printed, and how it ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

/// Runs rave-conformance, outside of CI.
pub(crate) fn conformance(arguments: &[&str]) -> Run {
    conformance_with(arguments, |_| {})
}

/// The same, with a last word on the command.
pub(crate) fn conformance_with(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rave-conformance"));
    command.args(arguments).env_remove("CI");
    prepare(&mut command);
    let output = command.output().expect("the program runs");
    let said = [&output.stdout[..], &output.stderr].concat();
    Run { code: output.status.code(), said: String::from_utf8_lossy(&said).into_owned() }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The fixtures of the repository, with what `change` makes of one file.
pub(crate) fn fixtures_with(file: &str, change: impl FnOnce(String) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(root().join("tests/conformance")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let file = folder.path().join(file);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, change(text)).unwrap();
    folder
}

/// Whether `what` is there; where all oracles are demanded, it must be.
pub(crate) fn require(what: &str, there: bool) -> bool {
    let required = std::env::var_os("RAVE_REQUIRE_ORACLES").is_some_and(|value| value == "1");
    assert!(there || !required, "{what} is not here, and RAVE_REQUIRE_ORACLES=1");
    if !there {
        eprintln!("skipped: {what} is not here");
    }
    there
}
