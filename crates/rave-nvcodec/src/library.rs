//! Opening a library of the driver's, and what to do where it is not there.

use std::path::Path;

use libloading::Library;
use rave_core::{Error, Result, Status};

/// What makes both libraries appear.
const HELP: &str = "install NVIDIA's driver with its video libraries (in a container: `video` in \
                    NVIDIA_DRIVER_CAPABILITIES)";

// RV-NVC-1001
/// A library of the driver's. It stays loaded until the process ends: its functions are kept by address, and it may
/// have started threads.
pub(crate) struct DriverLibrary<'a> {
    /// What it is for, as in "NVENC, the encoder".
    purpose: &'static str,
    path: &'a Path,
    library: std::mem::ManuallyDrop<Library>,
}

impl<'a> DriverLibrary<'a> {
    pub(crate) fn open(path: &'a Path, purpose: &'static str) -> Result<Self> {
        // SAFETY: the initialisers of the driver's libraries have no requirements. Which library it is, is the
        // machine's administrator's choice, or that of the caller who gave the path.
        let library = unsafe { Library::new(path) }.map_err(|error| {
            Error::new(
                Status::RuntimeLibraryMissing,
                format!("{purpose}: {} cannot be loaded: {}", path.display(), why(error)),
            )
            .help(HELP)
        })?;
        Ok(DriverLibrary { purpose, path, library: std::mem::ManuallyDrop::new(library) })
    }

    /// The function called `name`.
    ///
    /// # Safety
    /// `T` is the type of a pointer to the function of that name, by NVIDIA's headers.
    pub(crate) unsafe fn function<T: Copy>(&self, name: &'static str, since: &str) -> Result<T> {
        // SAFETY: T is the function's, by this function's own precondition.
        unsafe { self.library.get::<T>(name) }.map(|symbol| *symbol).map_err(|error| {
            Error::new(
                Status::RuntimeLibraryMissing,
                format!("{}: {} is unusable: {}", self.purpose, self.path.display(), why(error)),
            )
            .expected(format!("the library of an NVIDIA driver, {since} or newer"))
            .help(HELP)
        })
    }
}

/// The dynamic linker's own words, without libloading's around them.
fn why(error: libloading::Error) -> String {
    std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
}
