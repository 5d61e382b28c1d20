//! The built library: librave.a and librave.so, as `scripts/install.sh` installs them.

use std::path::{Path, PathBuf};

/// A folder with librave.a, librave.so and their pkg-config files below it.
#[derive(Clone, Debug)]
pub struct Librave {
    folder: PathBuf,
}

impl Librave {
    /// The one in `RAVE_LIBDIR`, by default `build/prefix/lib`.
    ///
    /// # Panics
    /// When it is not built.
    #[must_use]
    pub fn installed() -> Self {
        let folder = std::env::var_os("RAVE_LIBDIR")
            .map_or_else(|| crate::build_dir().join("prefix/lib"), PathBuf::from);
        Self::in_folder(folder, "scripts/install.sh")
    }

    /// The one that `scripts/build-sanitized.sh address` instruments, where `RAVE_ASAN_LIBDIR` names it.
    ///
    /// # Panics
    /// When it is named and not there.
    #[must_use]
    pub fn instrumented() -> Option<Self> {
        let folder = std::env::var_os("RAVE_ASAN_LIBDIR")?;
        Some(Self::in_folder(folder.into(), "scripts/build-sanitized.sh address"))
    }

    /// The one that `scripts/build-sanitized.sh thread` instruments, where `RAVE_TSAN_LIBDIR` names it.
    ///
    /// # Panics
    /// When it is named and not there.
    #[must_use]
    pub fn instrumented_for_threads() -> Option<Self> {
        let folder = std::env::var_os("RAVE_TSAN_LIBDIR")?;
        Some(Self::in_folder(folder.into(), "scripts/build-sanitized.sh thread"))
    }

    /// The one in `folder`, which `made_by` makes.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn in_folder(folder: PathBuf, made_by: &str) -> Self {
        let archive = folder.join("librave.a");
        assert!(archive.is_file(), "{} is missing: run {made_by}", archive.display());
        Librave { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The static library.
    #[must_use]
    pub fn archive(&self) -> PathBuf {
        self.folder.join("librave.a")
    }

    /// The runtime of ThreadSanitizer that an instrumented archive needs.
    #[must_use]
    pub fn thread_runtime(&self) -> PathBuf {
        self.folder.join("libtsan_of_rustc.a")
    }

    /// The shared library.
    #[must_use]
    pub fn shared(&self) -> PathBuf {
        self.folder.join("librave.so")
    }
}
