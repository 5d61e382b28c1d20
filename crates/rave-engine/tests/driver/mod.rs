//! Tests of what is done with a GPU on machines without one.

use std::path::Path;
use std::process::Command;

/// In the environment of a process in which the stand-in is in the driver's place.
const STAND_IN: &str = "RAVE_TEST_DRIVER_STAND_IN";

/// `true` in a process that has the stand-in for the driver of `tests/ffmpeg`, which runs the test of this name and nothing
/// else; where it is not that process, it starts it. `prepare` is given the folder of its libraries, and its command.
pub(crate) fn in_a_process_with_a_driver(test: &str, prepare: impl FnOnce(&Path, &mut Command)) -> bool {
    if std::env::var_os(STAND_IN).is_some() {
        return true;
    }
    let folder = rave_tests::gpu_standin::driver();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("LD_LIBRARY_PATH", folder.path()).env(STAND_IN, "1");
    prepare(folder.path(), &mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the test ran there");
    false
}
