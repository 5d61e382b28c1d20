//! Folders for what TensorRT puts into files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use rave_core::{Log, LogLevel};
use tempfile::TempDir;

/// The folders that are there, with the process that made them: a forked child leaves its parent's. A process that ends by `exit` drops no statics, in which runtimes may live.
static FOLDERS: Mutex<Vec<(u32, PathBuf)>> = Mutex::new(Vec::new());

static AT_EXIT: Once = Once::new();

/// A folder of this user's alone, which goes when this is dropped, or when the process exits.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(TempDir);

impl TemporaryFolder {
    /// Makes one. Few engines need it, so a machine without a writable place goes without.
    // RV-TRT-1207
    pub(crate) fn new(log: &Log) -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("rave-tensorrt-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .inspect_err(|error| {
                log.write(LogLevel::Verbose, format_args!("no temporary folder for TensorRT: {error}"));
            })
            .ok()?;
        AT_EXIT.call_once(|| {
            // SAFETY: `remove_all` is a function without arguments that does not unwind; when this library is unloaded, the C
            // library calls it before. Where there is no room for it, folders stay.
            let _ = unsafe { libc::atexit(remove_all) };
        });
        folders(|all| all.push((std::process::id(), folder.path().to_owned())));
        Some(TemporaryFolder(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        folders(|all| all.retain(|(_, path)| path != self.path()));
    }
}

fn folders<T>(act: impl FnOnce(&mut Vec<(u32, PathBuf)>) -> T) -> T {
    act(&mut FOLDERS.lock().unwrap_or_else(PoisonError::into_inner))
}

extern "C" fn remove_all() {
    // A thread that still holds the lock is not waited for: the process must end.
    if let Ok(all) = FOLDERS.try_lock() {
        all.iter().filter(|(process, _)| *process == std::process::id()).for_each(|(_, path)| {
            let _ = fs::remove_dir_all(path);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// RV-TRT-1207
    #[test]
    fn the_folder_is_private_and_goes_with_its_owner() {
        let folder = TemporaryFolder::new(&Log::default()).unwrap();
        let path = folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(folder);
        assert!(!path.exists());
        assert!(folders(|all| all.iter().all(|(_, other)| *other != path)));
    }

    /// RV-TRT-1207
    #[test]
    fn the_folder_goes_with_a_process_that_exits_without_dropping_it() {
        const CHILD: &str = "RAVE_TEST_LEAVES_A_FOLDER";
        if std::env::var_os(CHILD).is_some() {
            let folder = std::mem::ManuallyDrop::new(TemporaryFolder::new(&Log::default()).unwrap());
            fs::write(folder.path().join("a file"), "of TensorRT's").unwrap();
            std::process::exit(7);
        }
        let place = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "temporary::tests::the_folder_goes_with_a_process_that_exits_without_dropping_it",
            ])
            .env(CHILD, "1")
            .env("TMPDIR", place.path())
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), Some(7), "it made a folder");
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "and it is gone");
    }
}
