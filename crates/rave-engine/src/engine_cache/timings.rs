//! What builders have measured of a device: it makes the next build faster, whatever the model.

use rave_core::{LogLevel, Result};

use super::lock::EntryLock;
use super::{EngineCache, Platform, files, read};

impl EngineCache {
    /// The timings that were kept for `platform`, which all models share; `None` where there are none.
    ///
    /// Timings only save time. So those that are not as they were written, or not this user's own, are removed, which
    /// a message says, and are no error.
    // RV-ENG-1411
    #[must_use]
    pub fn timings(&self, platform: &Platform) -> Option<Vec<u8>> {
        let directory = self.directory.as_ref()?;
        let label = platform.label();
        read(directory, &label).unwrap_or_else(|error| {
            // If this fails, the next reader says the same.
            let _ = directory.remove(&files::entry(&label.stem(), label.kind()));
            self.log
                .write(LogLevel::Warning, format_args!("engine cache: {error}; the timings are not used"));
            None
        })
    }

    /// Keeps `timings` for `platform`, in place of those that are there.
    ///
    /// # Errors
    /// In [`Mode::Strict`](crate::Mode::Strict) [`Status::Io`](rave_core::Status::Io) where they cannot be written.
    // RV-ENG-1411
    pub fn set_timings(&self, platform: &Platform, timings: &[u8]) -> Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let label = platform.label();
        // No one holds this lock for longer than a file takes to be written.
        match EntryLock::take(directory, &label.stem(), &|| false, &self.log) {
            Ok(lock) => self.keep(directory, &lock, &label, timings).map(|_| ()),
            Err(error) => self.go_on_without(error),
        }
    }
}
