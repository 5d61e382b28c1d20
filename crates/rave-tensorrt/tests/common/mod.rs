//! Where the real libraries are, and what happens where they are not.

use std::path::PathBuf;

/// A library that scripts/fetch-tensorrt.sh fetched; a skip that is visible, or a failure under
/// `RAVE_REQUIRE_TENSORRT=1`, without it.
pub(crate) fn fetched(name: &str) -> Option<PathBuf> {
    let build = std::env::var_os("RAVE_BUILD_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../build")), PathBuf::from);
    let path = build.join("deps/tensorrt").join(name);
    if path.exists() {
        return Some(path);
    }
    let missing = format!("{} is not there; run scripts/fetch-tensorrt.sh", path.display());
    assert!(std::env::var_os("RAVE_REQUIRE_TENSORRT").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    None
}
