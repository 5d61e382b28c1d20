//! Whether a disk has room for an engine.

use std::path::Path;

use rave_core::{Error, Result, Status};
use rustix::fs::statvfs;

/// Refuses to build an engine of a model of `model` bytes into `folder` where there is no room even for its weights, which
/// an engine may keep in half as many. What the disk does not tell, writing will.
///
/// # Errors
/// [`Status::Io`] with what is free.
// RV-ENG-1508
pub fn check_room(folder: &Path, model: u64) -> Result<()> {
    let free = statvfs(folder).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    enough(folder, free, model)
}

fn enough(folder: &Path, free: u64, model: u64) -> Result<()> {
    if free >= model / 2 {
        return Ok(());
    }
    let kib = |bytes: u64| bytes.div_ceil(1 << 10);
    Err(Error::new(
        Status::Io,
        format!("folder {} has {} KiB left, and the engine takes more", folder.display(), kib(free)),
    )
    .expected(format!("{} KiB or more", kib(model / 2)))
    .help("make room, or name another folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1508
    #[test]
    fn a_disk_without_room_for_half_of_the_model_is_refused() {
        let folder = Path::new("/somewhere");
        enough(folder, 1000, 2000).unwrap();
        let error = enough(folder, 999, 2000).unwrap_err();
        assert_eq!(error.status(), Status::Io);
        assert!(error.to_string().contains("/somewhere has 1 KiB left"), "{error}");
        check_room(Path::new("/"), 1).unwrap();
        check_room(Path::new("/"), u64::MAX).unwrap_err();
        check_room(Path::new("/nonexistent"), u64::MAX).unwrap();
    }
}
