//! A file that appears whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};
use rave_engine::check_room;
use tempfile::NamedTempFile;

/// Where an engine goes.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    folder: PathBuf,
}

impl Output {
    /// Makes sure that a file at `path` can be written, which must not be `source`. Leaves nothing there.
    // RV-CLI-1103
    pub(crate) fn prepare(path: &Path, source: &Path) -> Result<Self> {
        let name = path.display();
        let io = |error| Error::io(path, &error);
        // Behind a link it is the file that is replaced, not the link.
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(io(error)),
        };
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(Error::new(Status::Io, format!("file {name} is not a regular file"))
                    .expected("a file to write, or none yet"));
            }
            Ok(_) if fs::canonicalize(source).is_ok_and(|source| source == path) => {
                return Err(Error::new(Status::InvalidParameter, format!("file {name} is the model itself"))
                    .help("name another file with -o"));
            }
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let output = Output { path, folder };
        output.temporary()?;
        let model = fs::metadata(source).map_or(0, |metadata| metadata.len());
        check_room(&output.folder, model)?;
        Ok(output)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file: beside its place, then to the disk, then into its place.
    // RV-CLI-1102
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let io = |error| Error::io(&self.path, &error);
        let mut file = self.temporary()?;
        file.write_all(bytes).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        file.persist(&self.path).map_err(|error| io(error.error))?;
        // The name, too, is to last.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    /// A file in the same folder, gone when it is dropped. Its mode is what the user's mask leaves of 0644.
    fn temporary(&self) -> Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".rave-")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(&self.folder)
            .map_err(|error| Error::io(&self.folder, &error).context("the engine cannot be written"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// RV-CLI-1102
    #[test]
    fn a_file_is_replaced_as_a_whole_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("x.engine"), folder.path().join("link.engine"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        let output = Output::prepare(&link, Path::new("model.onnx")).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"old");
        output.write(b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(names(folder.path()), ["link.engine", "x.engine"]);
    }

    /// RV-CLI-1103
    #[test]
    fn what_cannot_or_must_not_be_written_is_refused_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.onnx");
        fs::write(&model, "model").unwrap();
        for (path, status) in [
            (folder.path().join("none/x.engine"), Status::FileNotFound),
            (folder.path().to_owned(), Status::Io),
            (PathBuf::from("/dev/null"), Status::Io),
            (model.join("x.engine"), Status::Io),
            (model.clone(), Status::InvalidParameter),
        ] {
            let error = Output::prepare(&path, &model).unwrap_err();
            assert_eq!(error.status(), status, "{}: {error}", path.display());
        }
        assert_eq!(names(folder.path()), ["model.onnx"]);
    }
}
