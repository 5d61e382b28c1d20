//! A machine whose GPU is a driver that stands in for one, with the real TensorRT-RTX.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::succeed;
use crate::{build_dir, root};

/// TensorRT-RTX's library. `None`, visibly, where it is not there.
///
/// # Panics
/// When it is not there and `RAVE_REQUIRE_TENSORRT` is set.
#[must_use]
pub fn tensorrt_rtx() -> Option<PathBuf> {
    let library = build_dir().join("deps/tensorrt/libtensorrt_rtx.so.1");
    if !library.exists() {
        let required = std::env::var_os("RAVE_REQUIRE_TENSORRT").is_some();
        assert!(!required, "{}: run scripts/fetch-tensorrt.sh", library.display());
        eprintln!("skipped: no TensorRT-RTX (scripts/fetch-tensorrt.sh)");
        return None;
    }
    Some(library)
}

/// A folder with the driver alone, by both of its names, which programs find through `LD_LIBRARY_PATH`.
///
/// # Panics
/// When gcc does not compile it.
#[must_use]
pub fn driver() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = root().join("tests/ffmpeg/cuda_standin.c");
    let options = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC", "-o"];
    let library = folder.path().join("libcuda.so.1");
    succeed(Command::new("gcc").args(options).arg(&library).arg(source));
    std::os::unix::fs::symlink(&library, folder.path().join("libcuda.so")).unwrap();
    folder
}

/// A folder with the driver in it, which programs find through `LD_LIBRARY_PATH`, and the library that builds engines.
#[derive(Debug)]
pub struct GpuStandin {
    folder: TempDir,
    tensorrt: PathBuf,
}

impl GpuStandin {
    /// Compiles the driver. `None`, visibly, where TensorRT-RTX is not there.
    ///
    /// # Panics
    /// When it is not there and `RAVE_REQUIRE_TENSORRT` is set; when gcc does not compile the driver.
    #[must_use]
    pub fn new() -> Option<Self> {
        tensorrt_rtx().map(|tensorrt| GpuStandin { folder: driver(), tensorrt })
    }

    /// The driver's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// TensorRT-RTX's library.
    #[must_use]
    pub fn tensorrt(&self) -> &Path {
        &self.tensorrt
    }

    /// The folder in it where engines are to be kept.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.folder().join("cache")
    }

    /// The names of what is in the cache.
    ///
    /// # Panics
    /// When there is no cache.
    #[must_use]
    pub fn kept(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.cache()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}
