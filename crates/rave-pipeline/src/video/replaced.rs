//! What an output must not replace: its input, and what is there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};

use super::numbered::Numbered;
use super::place::{PIPE, folder_of};

/// Makes sure that an output at `path` may be written: it must not be the input `source`, or one of its numbered images, by
/// whatever name; and what else is there, be it a link to nothing, only if it may be overwritten.
///
/// # Errors
/// [`Status::InvalidParameter`].
// RV-PIPE-2202, RV-CLI-1206
pub fn check_replaced(path: &Path, source: &Path, overwrite: bool) -> Result<()> {
    if is_of_input(path, source) {
        return Err(itself(path));
    }
    if !overwrite && is_there(path) {
        return Err(already_there(path));
    }
    Ok(())
}

/// Whether the file at `path` is the input `source`, or one of its numbered images, by whatever name.
#[must_use]
pub fn is_of_input(path: &Path, source: &Path) -> bool {
    fs::metadata(path).is_ok() && files_of(source).iter().any(|file| is_same_file(path, file))
}

/// Whether both are there and one file, by whatever names.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// The error of an output whose place is taken.
#[must_use]
pub fn already_there(path: &Path) -> Error {
    Error::new(Status::InvalidParameter, format!("output {} is there already", path.display()))
        .help("name another file, or allow it to be overwritten (--overwrite)")
}

/// The error of an output that would replace the input.
pub(super) fn itself(path: &Path) -> Error {
    Error::new(Status::InvalidParameter, format!("output {} is the input itself", path.display()))
        .help("name another file")
}

/// Whether anything is at `path`. A link to nothing is there, too.
pub(super) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The files that the input `source` is or names.
pub(super) fn files_of(source: &Path) -> Vec<PathBuf> {
    let path = match source.to_str() {
        Some(PIPE) => Path::new("/dev/stdin"),
        // FFmpeg's own way to say that it is a file.
        Some(name) => Path::new(name.strip_prefix("file:").unwrap_or(name)),
        None => source,
    };
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let images = Numbered::of(path).and_then(|names| names.images(folder_of(path)).ok());
    match images {
        Some(images) => images.into_iter().map(|(_, path)| path).collect(),
        None => globbed(path).unwrap_or_default(),
    }
}

/// The files that FFmpeg may take the glob `path` for (its option `pattern_type`): those whose names begin and end as it does.
fn globbed(path: &Path) -> Option<Vec<PathBuf>> {
    const MAGIC: &[char] = &['*', '?', '[', ']', '{', '}', '%', '\\'];
    let name = path.file_name()?.to_str()?;
    let (first, last) = (name.find(MAGIC)?, name.rfind(MAGIC)?);
    let fits =
        |name: &str, other: &str| other.starts_with(&name[..first]) && other.ends_with(&name[last + 1..]);
    let files = fs::read_dir(folder_of(path)).ok()?.flatten();
    Some(
        files
            .filter(|file| fits(name, &file.file_name().to_string_lossy()))
            .map(|file| file.path())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// RV-PIPE-2202
    #[test]
    fn the_input_is_never_replaced_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("0001.png"), "input").unwrap();
        fs::write(at("0001.jpg"), "another's").unwrap();
        fs::create_dir(at("sub")).unwrap();
        symlink(at("0001.png"), at("link.png")).unwrap();
        fs::hard_link(at("0001.png"), at("hard.png")).unwrap();
        let url = PathBuf::from(format!("file:{}", at("0001.png").display()));
        let patterns = ["%04d.png", "sub/../%04d.png", "*.png", "0?[0-9]*.png", "{0001,2}.png"].map(at);
        for source in patterns.into_iter().chain([at("0001.png"), at("link.png"), url]) {
            for path in ["0001.png", "sub/../0001.png", "link.png", "hard.png"] {
                let error = check_replaced(&at(path), &source, true).unwrap_err();
                assert_eq!(error.status(), Status::InvalidParameter);
                assert!(error.to_string().contains("is the input itself"), "{path}: {error}");
            }
            check_replaced(&at("0002.png"), &source, false).unwrap();
            check_replaced(&at("0001.jpg"), &source, true).unwrap();
        }
    }

    /// RV-PIPE-2202
    #[test]
    fn what_is_there_is_replaced_only_when_that_is_said_also_a_link_to_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.mp4"), folder.path().join("link.mp4"));
        fs::write(&file, "another's").unwrap();
        symlink("nothing", &link).unwrap();
        for path in [&file, &link] {
            let error = check_replaced(path, Path::new("in.mp4"), false).unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter);
            let said = error.to_string();
            assert!(said.contains("is there already") && said.contains("--overwrite"), "{said}");
            check_replaced(path, Path::new("in.mp4"), true).unwrap();
        }
    }
}
