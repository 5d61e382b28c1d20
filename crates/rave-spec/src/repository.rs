//! The files that are traced.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Fault;

/// A working tree of git, as it is on disk.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    files: Vec<String>,
}

impl Repository {
    /// The files below `root` that git tracks, or would track, sorted. What is new counts before it is added, so that
    /// the outputs are right in the commit that adds it.
    pub(crate) fn open(root: &Path) -> Result<Self, Fault> {
        let failed = |found: String| {
            Fault::new(&root.display().to_string(), 0, found, "run this inside a clone of the repository")
        };
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| failed(format!("git does not run: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!("git ls-files failed: {}", said.trim_end())));
        }
        let mut files: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|path| !path.is_empty() && root.join(path).is_file())
            .map(str::to_string)
            .collect();
        files.sort();
        files.dedup();
        Ok(Repository { root: root.into(), files })
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        self.files.binary_search_by(|known| known.as_str().cmp(file)).is_ok()
    }

    /// Whether a tracked file lies below `folder`; the root, named by nothing, is always there.
    pub(crate) fn has_folder(&self, folder: &str) -> bool {
        let folder = folder.trim_end_matches('/');
        folder.is_empty()
            || self.files().any(|file| file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    pub(crate) fn read(&self, file: &str) -> Result<String, Fault> {
        std::fs::read_to_string(self.root.join(file)).map_err(|error| {
            Fault::new(file, 0, format!("it cannot be read: {error}"), "see that it is there, and UTF-8 text")
        })
    }
}
