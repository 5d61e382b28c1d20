//! Where the real libraries are, and what happens where they are not.

use std::path::PathBuf;

/// A library that scripts/fetch-tensorrt.sh fetched; a skip that is visible, or a failure under
/// `RAVE_REQUIRE_TENSORRT=1`, without it.
pub(crate) fn fetched(name: &str) -> Option<PathBuf> {
    in_build(&format!("deps/tensorrt/{name}"), "scripts/fetch-tensorrt.sh")
}

/// A file that `script` puts into the build folder, or as [`fetched`].
pub(crate) fn in_build(file: &str, script: &str) -> Option<PathBuf> {
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
