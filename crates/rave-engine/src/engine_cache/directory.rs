//! A directory that only its owner can change, and its files by name, never by path: what was checked when it was opened
//! is what is used, wherever its path leads later.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rave_core::{Error, Result, Status};
use rustix::fs::{AtFlags, Dir, Mode as FileMode, OFlags, Stat};

/// Permission bits by which others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

#[derive(Debug)]
pub(super) struct Directory {
    handle: OwnedFd,
    path: PathBuf,
}

/// The size of a file, and when it was last used: what its time of modification is set to.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileState {
    pub(super) bytes: u64,
    pub(super) last_used: SystemTime,
}

impl Directory {
    /// Opens the directory at `path`, made with mode 0700 where there is none.
    // RV-ENG-1405
    pub(super) fn open(path: &Path) -> Result<Directory> {
        // Without a slash or `.` at its end, which would follow a symbolic link.
        let path: PathBuf = path.components().collect();
        let failed = |error: io::Error| unusable(&path, &error);
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        if let Err(error) = DirBuilder::new().mode(0o700).create(&path)
            // Looked for rather than told by the error: a file system that is read-only refuses to make a directory
            // that is there as well.
            && path.symlink_metadata().is_err()
        {
            return Err(failed(error));
        }
        if path.symlink_metadata().map_err(failed)?.is_symlink() {
            return Err(symbolic_link("directory", &path).help("name the directory itself, or another one"));
        }
        // What became a symbolic link since is not followed either.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle =
            rustix::fs::open(&path, flags, FileMode::empty()).map_err(|error| failed(error.into()))?;
        let handle = File::from(handle);
        check_trust("directory", &path, &handle.metadata().map_err(failed)?)?;
        Ok(Directory { handle: handle.into(), path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file `name`, for messages.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens the file `name` to be read, if there is one, and tells its size.
    // RV-ENG-1405
    pub(super) fn read(&self, name: &str) -> Result<Option<(File, u64)>> {
        let path = self.path_of(name);
        // Without O_NONBLOCK, opening a FIFO waits for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.handle, name, flags, FileMode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => {
                return Err(symbolic_link("file", &path).help("remove it, and find out who put it there"));
            }
            Err(error) => return Err(Error::io(&path, &error.into())),
        };
        let metadata = file.metadata().map_err(|error| Error::io(&path, &error))?;
        if !metadata.is_file() {
            return Err(Error::new(Status::Untrusted, format!("file {} is no regular file", path.display()))
                .expected("an entry of the engine cache")
                .help("remove it, and find out who put it there"));
        }
        check_trust("file", &path, &metadata)?;
        Ok(Some((file, metadata.len())))
    }

    /// Opens the file `name` to be locked, made where there is none.
    pub(super) fn open_lock(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, FileMode::RUSR | FileMode::WUSR)?.into())
    }

    /// Whether `name` is still the name of `file`.
    pub(super) fn is_named(&self, name: &str, file: &File) -> io::Result<bool> {
        let ours = rustix::fs::fstat(file)?;
        match self.stat(name) {
            Ok(named) => Ok((named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a file of `parts` at `name`, in place of what is there, so that at every instant, and after a loss of
    /// power, `name` is the old file or the whole new one. It is written as `temporary`, which nobody else may use.
    // RV-ENG-1406
    pub(super) fn replace(&self, temporary: &str, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.remove(temporary)?; // of a writer that was killed
        let written = self.write(temporary, parts).and_then(|()| {
            rustix::fs::renameat(&self.handle, temporary, &self.handle, name)?;
            // Until this returns, the name may be lost with the power.
            rustix::fs::fsync(&self.handle).map_err(io::Error::from).inspect_err(|_| {
                let _ = self.remove(name); // an entry that may not last is none; the first error tells why
            })
        });
        written.inspect_err(|_| {
            let _ = self.remove(temporary); // the first error tells why
        })
    }

    fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = FileMode::RUSR | FileMode::WUSR;
        let mut file = File::from(rustix::fs::openat(&self.handle, name, flags, mode)?);
        for part in parts {
            file.write_all(part)?;
        }
        mark_used(&file)?;
        file.sync_all()
    }

    /// Renames the file `from`, in place of what is at `to`.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes the file `name`, and tells whether there was one.
    pub(super) fn remove(&self, name: &str) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in this directory, in the order of their bytes.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            // What is not UTF-8 is not ours.
            names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The state of `name` itself, also where it is a symbolic link; `None` where it is gone.
    pub(super) fn state(&self, name: &str) -> io::Result<Option<FileState>> {
        let stat = match self.stat(name) {
            Ok(stat) => stat,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let seconds = Duration::from_secs(stat.st_mtime.unsigned_abs());
        let nanoseconds = Duration::from_nanos(stat.st_mtime_nsec); // 0 to 999 999 999
        let whole = if stat.st_mtime < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(seconds)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(seconds)
        };
        let last_used =
            whole.and_then(|whole| whole.checked_add(nanoseconds)).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(Some(FileState { bytes: stat.st_size as u64, last_used }))
    }

    fn stat(&self, name: &str) -> io::Result<Stat> {
        Ok(rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

/// Notes that `file` was used now.
pub(super) fn mark_used(file: &File) -> io::Result<()> {
    // Not the kernel's own "now", which is as coarse as its timer.
    file.set_modified(SystemTime::now())
}

/// Refuses what another user owns or can change.
fn check_trust(what: &str, path: &Path, metadata: &std::fs::Metadata) -> Result<()> {
    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    let user = rustix::process::geteuid().as_raw();
    if owner == user && mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let path = path.display();
    let help = if owner == user {
        format!("if nobody else has written there: chmod go-w {path}")
    } else {
        "use a directory of your own for the engine cache".into()
    };
    Err(Error::new(
        Status::Untrusted,
        format!("{what} {path} has mode {mode:04o} and belongs to user {owner}"),
    )
    .expected(format!("one that belongs to user {user}, and that no one else can write"))
    .help(help))
}

fn symbolic_link(what: &str, path: &Path) -> Error {
    Error::new(Status::Untrusted, format!("{what} {} is a symbolic link", path.display()))
        .expected(format!("a {what}: the engine cache follows no links"))
}

/// The error of a directory that cannot be used as a cache.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(Status::Io, format!("engine cache {}: {error}", path.display()))
        .expected("a directory that can be written")
        .help("make room or access there, or use another directory")
}
