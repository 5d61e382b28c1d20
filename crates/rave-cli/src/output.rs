//! A file that appears whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};
use rave_pipeline::{already_there, check_replaced};
use tempfile::NamedTempFile;

/// Where an engine or a picture goes.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    folder: PathBuf,
    overwrite: bool,
}

impl Output {
    /// Makes sure that a file at `path` can be written, which must not be `source`, and none that is there without
    /// `overwrite`. Leaves nothing there.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for what must not be replaced; [`Status::FileNotFound`], [`Status::PermissionDenied`]
    /// or [`Status::Io`] where no file can be written.
    // RV-CLI-1103, RV-CLI-1206
    pub(crate) fn prepare(path: &Path, source: &Path, overwrite: bool) -> Result<Self> {
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Error::new(Status::Io, format!("file {} is not a regular file", path.display()))
                .expected("a file to write, or none yet"));
        }
        check_replaced(path, source, overwrite)?;
        // Behind a link it is the file that is replaced, not the link.
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(Error::io(path, &error)),
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let output = Output { path, folder, overwrite };
        output.temporary()?;
        Ok(output)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that the file will be in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the file: beside its place, then to the disk, then into its place, which may have been taken meanwhile.
    // RV-CLI-1102, RV-CLI-1206
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let io = |error| Error::io(&self.path, &error);
        let mut file = self.temporary()?;
        file.write_all(bytes).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        let moved =
            if self.overwrite { file.persist(&self.path) } else { file.persist_noclobber(&self.path) };
        moved.map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => already_there(&self.path),
            _ => io(error.error),
        })?;
        // The name, too, is to last.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    /// A file in the same folder, gone when it is dropped. Its mode is what the user's mask leaves of 0644.
    fn temporary(&self) -> Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".rave-")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(&self.folder)
            .map_err(|error| Error::io(&self.folder, &error).context("the output cannot be written"))
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
        let output = Output::prepare(&link, Path::new("model.onnx"), true).unwrap();
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
            let error = Output::prepare(&path, &model, true).unwrap_err();
            assert_eq!(error.status(), status, "{}: {error}", path.display());
        }
        assert_eq!(names(folder.path()), ["model.onnx"]);
    }

    /// RV-CLI-1206
    #[test]
    fn the_input_is_never_replaced_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("in.png"), "input").unwrap();
        fs::create_dir(at("sub")).unwrap();
        symlink(at("in.png"), at("link.png")).unwrap();
        fs::hard_link(at("in.png"), at("hard.png")).unwrap();
        let numbered = at("0001.png");
        fs::write(&numbered, "input").unwrap();
        let names = ["in.png", "sub/../in.png", "link.png", "hard.png"];
        let pairs = names.into_iter().flat_map(|name| [(name, "in.png"), ("in.png", name)]);
        for (path, source) in pairs.chain([("0001.png", "%04d.png")]) {
            for overwrite in [false, true] {
                let error = Output::prepare(&at(path), &at(source), overwrite).unwrap_err();
                assert_eq!(error.status(), Status::InvalidParameter);
                assert!(error.to_string().contains("is the input itself"), "{path}: {error}");
            }
        }
        assert_eq!(fs::read(numbered).unwrap(), b"input");
    }

    /// RV-CLI-1206
    #[test]
    fn what_is_there_is_kept_even_if_it_came_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link, source) =
            (folder.path().join("a.png"), folder.path().join("link.png"), Path::new("in.png"));
        let taken = |result: Result<()>| {
            let error = result.unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter);
            assert!(error.to_string().contains("is there already"), "{error}");
            assert!(error.to_string().contains("--overwrite"), "{error}");
        };
        let output = Output::prepare(&file, source, false).unwrap();
        fs::write(&file, "another's").unwrap();
        taken(output.write(b"ours"));
        taken(Output::prepare(&file, source, false).map(drop));
        symlink("nothing", &link).unwrap();
        taken(Output::prepare(&link, source, false).map(drop));
        assert_eq!(fs::read(&file).unwrap(), b"another's");
        assert_eq!(names(folder.path()), ["a.png", "link.png"]);
        Output::prepare(&file, source, true).unwrap().write(b"ours").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"ours");
    }
}
