//! Bringing a file back, all of it or nothing.

use std::io::Write;
use std::path::Path;

use rave_core::{Error, Result, Status};

use super::fountain;
use super::health::Health;
use super::sidecar::{Hash, MAX_BYTES, Sidecar, symbols};

/// What is there of the file: nothing where it is gone, and no more than the sidecar can speak of.
pub(super) fn bytes_of(file: &Path, sidecar: &Sidecar) -> Result<Option<Vec<u8>>> {
    match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(file, &error)),
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            let found = format!("{}: {} bytes", file.display(), metadata.len());
            return Err(Error::new(Status::InvalidParameter, found)
                .expected(format!("the {} that its sidecar was made of", sidecar.bytes)));
        }
        Ok(_) => {}
    }
    std::fs::read(file).map(Some).map_err(|error| Error::io(file, &error))
}

pub(super) fn repair(file: &Path) -> Result<bool> {
    let sidecar = Sidecar::read(file)?;
    let bytes = bytes_of(file, &sidecar)?;
    let health = Health::of(&sidecar, bytes.as_deref());
    if health.is_good() {
        return Ok(false);
    }
    let lost = |why: &str| {
        Error::new(Status::Untrusted, format!("{}: {health}; {why}", file.display()))
            .help("restore file and sidecar from the repository's history")
    };
    if health.whole {
        return Err(lost("the file is good, its sidecar is not: protect renews it"));
    }
    if !health.is_repairable() {
        return Err(lost("nothing was changed"));
    }
    let mut good: Vec<(usize, Vec<u8>)> = symbols(&bytes.unwrap_or_default(), sidecar.symbol_bytes)
        .take(sidecar.source.len())
        .enumerate()
        .filter(|(at, _)| !health.damaged.contains(at))
        .collect();
    let repair = sidecar.repair.iter().enumerate().filter_map(|(index, symbol)| {
        Some((sidecar.source.len() + index, symbol.data(sidecar.symbol_bytes)?))
    });
    good.extend(repair);
    let length = sidecar.bytes as usize;
    let decoded = fountain::decode(length, sidecar.symbol_bytes, sidecar.source.len(), good);
    // The hash decides, whatever the code said.
    match decoded.filter(|decoded| Hash::of(decoded) == sidecar.sha256) {
        Some(decoded) => replace(file, &decoded).map(|()| true),
        None => Err(lost("what is left does not suffice; nothing was changed")),
    }
}

/// Writes a file that is there with all of its bytes or as it was before, with the permissions that it had.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| Error::io(file, &error);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut partial = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    // A temporary file is its user's alone; a file that is new gets what files of a repository have.
    let permissions = std::fs::metadata(file)
        .map_or_else(|_| std::os::unix::fs::PermissionsExt::from_mode(0o644), |there| there.permissions());
    partial.write_all(bytes).map_err(failed)?;
    partial.as_file().set_permissions(permissions).map_err(failed)?;
    partial.as_file().sync_all().map_err(failed)?;
    partial.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}
