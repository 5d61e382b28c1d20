//! One writer per entry, across threads and processes.
//!
//! The lock is the kernel's (flock), on a file beside the entry: it goes with the process that holds it, however that
//! ends. The file is removed by who holds its lock. Whoever then gets the lock of a file that has lost its name tries
//! again with the one that has it now.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use rave_core::{Error, Log, LogLevel, Result, Status};

use super::directory::{Directory, unusable};

/// How often a lock that is taken is tried, which is how soon a cancellation is seen.
const INTERVAL: Duration = Duration::from_millis(20);
/// How long to wait before saying so.
const PATIENCE: Duration = Duration::from_secs(1);

/// The right to write the files of one entry, until it is dropped.
pub(super) struct EntryLock<'a> {
    directory: &'a Directory,
    name: String,
    // Held for its lock, which closing it gives back.
    _file: File,
}

/// How the names of lock files end.
pub(super) const EXTENSION: &str = "lock";

impl<'a> EntryLock<'a> {
    /// Takes the lock of the entry `stem`, or `None` where another has it.
    // RV-ENG-1407
    pub(super) fn try_take(directory: &'a Directory, stem: &str) -> io::Result<Option<EntryLock<'a>>> {
        let name = format!("{stem}.{EXTENSION}");
        loop {
            let file = directory.open_lock(&name)?;
            match file.try_lock() {
                Ok(()) if directory.is_named(&name, &file)? => {
                    return Ok(Some(EntryLock { directory, name, _file: file }));
                }
                Ok(()) => {} // its last holder has removed it meanwhile
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Takes the lock of the entry `stem`, waiting while another has it and `cancelled` says no.
    // RV-ENG-1407
    pub(super) fn take(
        directory: &'a Directory,
        stem: &str,
        cancelled: &dyn Fn() -> bool,
        log: &Log,
    ) -> Result<EntryLock<'a>> {
        let (began, mut told) = (Instant::now(), false);
        loop {
            let taken = Self::try_take(directory, stem);
            if let Some(lock) = taken.map_err(|error| unusable(directory.path(), &error))? {
                return Ok(lock);
            }
            if cancelled() {
                let path = directory.path_of(stem);
                return Err(Error::new(
                    Status::Cancelled,
                    format!("cancelled while another builds the engine {}", path.display()),
                ));
            }
            if !told && began.elapsed() >= PATIENCE {
                told = true;
                log.write(
                    LogLevel::Info,
                    format_args!(
                        "engine cache: another thread or process builds this engine; waiting for it to release {}",
                        directory.path_of(&format!("{stem}.{EXTENSION}")).display()
                    ),
                );
            }
            std::thread::sleep(INTERVAL);
        }
    }
}

impl Drop for EntryLock<'_> {
    fn drop(&mut self) {
        // While the lock is held, so that nobody else's is removed. One that stays harms nobody.
        let _ = self.directory.remove(&self.name);
    }
}
