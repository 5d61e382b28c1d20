//! `rave doctor` on machines whose CUDA driver cannot be used, which a library in the driver's place stands in for.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The library of driver.c in a folder of its own; `None`, visibly, where nothing compiles it.
fn broken_driver() -> Option<TempDir> {
    let folder = TempDir::new().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/driver.c");
    let mut compiler = Command::new("gcc");
    compiler.args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Wno-missing-prototypes", "-Werror", "-o"]);
    let compiled = compiler.arg(folder.path().join("libcuda.so.1")).arg(source).status();
    if compiled.is_err() {
        assert!(std::env::var_os("RAVE_REQUIRE_TENSORRT").is_none(), "no gcc");
        eprintln!("skipped: no gcc");
        return None;
    }
    assert!(compiled.is_ok_and(|status| status.success()), "gcc compiles driver.c");
    Some(folder)
}

/// What the doctor says where cuInit gives `init`, and the driver is for CUDA `version` and has so many devices.
fn doctor(driver: &TempDir, init: i32, version: i32, devices: i32) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rave"))
        .arg("doctor")
        .env("LD_LIBRARY_PATH", driver.path())
        .env("FAKE_CUDA_INIT", init.to_string())
        .env("FAKE_CUDA_VERSION", version.to_string())
        .env("FAKE_CUDA_DEVICES", devices.to_string())
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("rave starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

/// RV-CLI-1203
#[test]
fn a_driver_that_cannot_be_used_is_told_with_what_it_is() {
    let Some(driver) = broken_driver() else { return };
    for (init, version, devices, words) in [
        (100, 13000, 0, &["for CUDA up to 13.0", "does not start", "CUDA_ERROR_NO_DEVICE"][..]),
        (999, 12040, 0, &["for CUDA up to 12.4", "does not start", "CUDA_ERROR_UNKNOWN"]),
        (803, 12020, 0, &["for CUDA up to 12.2", "does not start", "803"]),
        (0, 13000, 0, &["for CUDA up to 13.0", "has no device"]),
        (0, 11040, 2, &["TO DO  driver", "11.4", "12.0 or later", "update NVIDIA's driver"]),
    ] {
        let (output, said) = doctor(&driver, init, version, devices);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let line = said.lines().rfind(|line| line.starts_with("TO DO") && line.contains("CUDA"));
        let line = line.unwrap_or_else(|| panic!("nothing is said of the driver: {said}"));
        for word in words {
            assert!(line.contains(word), "cuInit {init}, {version}: no `{word}` in {line}");
        }
        let of_it = said.lines().filter(|line| line[6..].trim_start().starts_with("driver"));
        assert_eq!(of_it.count(), 1, "{said}");
        assert!(!said.contains("GPU 0"), "its devices are not asked: {said}");
    }
}
