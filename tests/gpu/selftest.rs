//! The C libraries that tests on a GPU use, proven without one.

use std::process::Command;

use rave_tests::command::{installed, succeed};

/// RV-TEST-1301
#[test]
fn the_nvenc_stand_in_and_the_cuda_counter_do_what_they_say() {
    let headers = rave_tests::build_dir().join("deps/nv-codec-headers/release");
    let required = std::env::var_os("RAVE_REQUIRE_FFMPEG").is_some_and(|value| value == "1");
    let here = headers.is_file() && installed("gcc");
    if !here && !required {
        eprintln!("skipped: no gcc, or no nv-codec-headers (scripts/build-ffmpeg.sh 9.0 fetches them)");
        return;
    }
    let output = succeed(&mut Command::new(rave_tests::root().join("tests/gpu/selftest.sh")));
    print!("{}", String::from_utf8_lossy(&output.stdout));
}
