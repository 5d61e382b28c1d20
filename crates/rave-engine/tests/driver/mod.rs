//! Tests of what is done with a GPU on machines without one.

use std::path::Path;
use std::process::Command;

/// In the environment of a process in which the stand-in is in the driver's place.
const STAND_IN: &str = "RAVE_TEST_DRIVER_STAND_IN";

/// Compiles `source`, by its path from this crate, to the library `to`.
pub(crate) fn compile(source: &str, to: &Path, more: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let mut gcc = Command::new("gcc");
    let compiled = gcc.args(["-shared", "-fPIC"]).args(more).arg("-o").arg(to).arg(source).status();
    assert!(compiled.is_ok_and(|status| status.success()), "gcc compiles {}", to.display());
}

/// `true` in a process that has the stand-in for the driver of `tests/ffmpeg`, which runs the test of this name and nothing
/// else; where it is not that process, it starts it. `prepare` is given the folder of its libraries, and its command.
pub(crate) fn in_a_process_with_a_driver(test: &str, prepare: impl FnOnce(&Path, &mut Command)) -> bool {
    if std::env::var_os(STAND_IN).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let driver = folder.path().join("libcuda.so.1");
    compile("../../tests/ffmpeg/cuda_standin.c", &driver, &[]);
    // By whichever of its names the driver is looked for.
    std::os::unix::fs::symlink(&driver, folder.path().join("libcuda.so")).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("LD_LIBRARY_PATH", folder.path()).env(STAND_IN, "1");
    prepare(folder.path(), &mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the test ran there");
    false
}
