//! Where the cache is when nobody says.

use std::ffi::OsString;
use std::path::PathBuf;

use rave_core::{Error, Result, Status};

/// `rave` in the user's directory of caches, as the XDG Base Directory Specification has it; `variable` reads the
/// environment.
pub(super) fn default_directory(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    // A path that is not absolute is to be ignored, the specification says.
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("rave")).ok_or_else(|| {
        Error::new(
            Status::InvalidParameter,
            "engine cache: neither XDG_CACHE_HOME nor HOME is an absolute path",
        )
        .expected("a place for built engines")
        .help("name a directory for the engine cache")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1405
    #[test]
    fn the_directory_follows_from_the_environment() {
        let of = |cache: Option<&str>, home: Option<&str>| {
            default_directory(|name| match name {
                "XDG_CACHE_HOME" => cache.map(OsString::from),
                "HOME" => home.map(OsString::from),
                other => panic!("{other} is not asked for"),
            })
        };
        assert_eq!(of(Some("/c"), Some("/h")).unwrap(), PathBuf::from("/c/rave"));
        assert_eq!(of(None, Some("/h")).unwrap(), PathBuf::from("/h/.cache/rave"));
        for not_absolute in ["", "c"] {
            assert_eq!(of(Some(not_absolute), Some("/h")).unwrap(), PathBuf::from("/h/.cache/rave"));
        }
        let error = of(None, Some("h")).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        assert!(error.to_string().contains("HOME"), "{error}");
    }
}
