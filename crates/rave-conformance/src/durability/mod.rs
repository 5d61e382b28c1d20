//! Keeps what results are compared with from rotting.
//!
//! Beside each such file lies `FILE.fec`, its sidecar: the SHA-256 of the file and of each of its symbols, and repair
//! symbols by RaptorQ (RFC 6330), a tenth of their number and at least four. [`scrub`] tells which symbols are damaged,
//! [`repair`] brings the file back byte for byte or refuses, [`protect`] makes sidecars of files as they are.
//!
//! RaptorQ repairs what is missing, not what is wrong, and the crate takes its input on trust. So every symbol whose hash
//! differs counts as missing, a sidecar is checked through before the crate sees it, and what comes out must have the
//! file's hash. Sidecars guard against rot; against intent there is the history of the repository.

use std::path::{Path, PathBuf};

use rave_core::{Error, Result};

mod fountain;
mod health;
mod repair;
mod sidecar;

pub use health::Health;

use sidecar::Sidecar;

/// What carries a sidecar: golden data, committed results and fixtures, as folder and end of the name.
const PROTECTED: [(&str, &str); 5] = [
    ("tests/conformance", ".json"),
    ("tests/golden", "hashes.txt"),
    ("tests/golden/models", ".onnx"),
    ("tests/gpu", "golden.json"),
    ("tests/performance", ".json"),
];

/// Where the sidecar of `file` is.
fn sidecar_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".fec");
    name.into()
}

/// Every file of the repository at `root` that carries a sidecar, or has one left over, in the order of their names.
///
/// # Errors
/// When a folder cannot be read.
// RV-CONF-1201
pub fn protected(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (folder, end) in PROTECTED {
        let folder = root.join(folder);
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|error| Error::io(&folder, &error))?,
        };
        for entry in entries {
            let path = entry.map_err(|error| Error::io(&folder, &error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let of = name.strip_suffix(".fec").unwrap_or(&name);
            if of.ends_with(end) {
                files.push(folder.join(of));
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// How `file` is, by its sidecar.
///
/// # Errors
/// When the sidecar is missing or none, or the file cannot be read.
// RV-CONF-1202
pub fn scrub(file: &Path) -> Result<Health> {
    let sidecar = Sidecar::read(file)?;
    let bytes = repair::bytes_of(file, &sidecar)?;
    Ok(Health::of(&sidecar, bytes.as_deref()))
}

/// Brings `file` back to what its sidecar was made of; whether there was anything to do.
///
/// # Errors
/// [`Status::Untrusted`](rave_core::Status::Untrusted) when more is damaged than can be repaired, saying how much; nothing
/// is written then.
// RV-CONF-1203
pub fn repair(file: &Path) -> Result<bool> {
    repair::repair(file)
}

/// Makes the sidecar of `file` as it is; whether that changed it.
///
/// # Errors
/// When the file is empty, too large or cannot be read.
pub fn protect(file: &Path) -> Result<bool> {
    Sidecar::make(file)?.write(file)
}
