//! No panic crosses the boundary, on the profile that is released.

use std::path::PathBuf;
use std::process::Command;

use rave_tests::command::stdout_of;
use rave_tests::compiler::{Compiler, source};
use rave_tests::ffmpeg::golden_model;
use rave_tests::librave::Librave;

/// librave.a of the release profile with a function that panics, in a folder of its own.
fn library_that_panics() -> (tempfile::TempDir, Librave) {
    // The profile and the target folder of the real library, so that all but our last crate is built already.
    let messages = stdout_of(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "-p", "rave-ffi", "--features", "panic-probe", "--locked"])
            .args(["--message-format", "json"])
            .current_dir(rave_tests::root()),
    );
    let archive = messages
        .lines()
        .flat_map(|line| line.split('"'))
        .rfind(|word| word.ends_with("librave.a"))
        .map(PathBuf::from)
        .expect("cargo names librave.a");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(archive, folder.path().join("librave.a")).unwrap();
    // Cargo puts both variants at one path: leave the real one there.
    let _ = stdout_of(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "-p", "rave-ffi", "--locked"])
            .current_dir(rave_tests::root()),
    );
    let librave = Librave::in_folder(folder.path().to_path_buf(), "cargo");
    (folder, librave)
}

/// RV-FFI-1101
#[test]
fn a_panic_is_a_status_poisons_its_handle_and_prints_nothing() {
    let (folder, librave) = library_that_panics();
    let program =
        Compiler::new("gcc", "c11").link_archive(&source("panic.c"), &librave, &folder.path().join("panic"));
    let output = program.command().arg(golden_model("identity-1x")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "panic.c, line {:?} (modulo 250)", output.status.code());
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_released_library_has_no_function_that_panics_on_purpose() {
    let symbols = stdout_of(Command::new("nm").arg("--defined-only").arg(Librave::installed().archive()));
    assert!(symbols.contains(" T rave_version"), "nm read the archive");
    assert!(!symbols.contains("rave_test_panic"));
}
