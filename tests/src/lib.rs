//! What the tests share: where things are, and how programs are run.

pub mod command;
pub mod compiler;
pub mod ffmpeg;
pub mod gpu_standin;
pub mod header;
pub mod librave;
pub mod lock;
pub mod pictures;
pub mod turkish;

use std::path::PathBuf;

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder that scripts build into.
#[must_use]
pub fn build_dir() -> PathBuf {
    std::env::var_os("RAVE_BUILD_DIR").map_or_else(|| root().join("build"), PathBuf::from)
}

/// Whether the long form of the tests is asked for, by `RAVE_DEEP=1`.
#[must_use]
pub fn deep() -> bool {
    std::env::var_os("RAVE_DEEP").is_some_and(|value| value == "1")
}

/// Every file that git tracks, or would track, relative to the root.
///
/// # Panics
/// When git cannot be run.
#[must_use]
pub fn repository_files() -> Vec<PathBuf> {
    let output = std::process::Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    output
        .stdout
        .split(|&byte| byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| PathBuf::from(String::from_utf8_lossy(path).into_owned()))
        .filter(|path| root().join(path).is_file())
        .collect()
}
