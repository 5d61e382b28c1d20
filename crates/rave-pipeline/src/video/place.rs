//! Where an output goes: beside its place while it is written, into it when it is complete.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};
use tempfile::{Builder, PathPersistError, TempDir, TempPath};

use super::numbered::Numbered;
use super::replaced::{already_there, check_replaced, files_of, is_same_file, is_there, itself};

/// The name that stands for standard input and output.
pub(super) const PIPE: &str = "-";
/// What names of unfinished outputs begin with.
const UNFINISHED: &str = ".rave-";

/// A place for an output that is not complete yet. What was written is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    /// As the user named it.
    name: String,
    written: Written,
    overwrite: bool,
}

#[derive(Debug)]
enum Written {
    /// Standard output, and what else is no file.
    Through,
    File(TempPath),
    /// A file in a folder that keeps it until it is complete.
    Kept(PathBuf),
    /// Numbered images, in a folder of their own.
    Sequence(TempDir, Numbered),
    /// Numbered images, in a folder that keeps them until all are complete.
    KeptSequence(PathBuf, Numbered),
}

impl Place {
    /// Makes sure that `path` can be written: a file, `-`, or a pattern of numbered images such as `frame-%04d.png`.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when a file is there and must not be replaced, or is the `source`;
    /// [`Status::FileNotFound`], [`Status::PermissionDenied`] or [`Status::Io`] when nothing can be written there.
    // RV-CLI-1705, RV-PIPE-2202
    pub(crate) fn prepare(path: &str, source: &str, overwrite: bool) -> Result<Self> {
        let target = Path::new(path);
        let place = |written| Place { name: path.to_owned(), written, overwrite };
        if path == PIPE
            || fs::metadata(target).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
        {
            return Ok(place(Written::Through));
        }
        if target.is_dir() {
            return Err(Error::new(Status::Io, format!("output {path} is a folder")).expected("a file"));
        }
        check_replaced(target, Path::new(source), overwrite)?;
        let folder = folder_of(target);
        let io = |error| Error::io(folder, &error).context("the output cannot be written");
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let mut builder = Builder::new();
        // RV-PIPE-2205
        if let Some(names) = Numbered::parse(&name) {
            // An image is the input's, and would be the output's, too.
            let taken = |image: &PathBuf| {
                let name = image.file_name().unwrap_or_default().to_string_lossy();
                names.number(&name).is_some() && is_same_file(folder_of(image), folder)
            };
            if files_of(Path::new(source)).iter().any(taken) {
                return Err(itself(target));
            }
            if let (false, Some((_, first))) = (overwrite, names.images(folder).map_err(io)?.first()) {
                return Err(already_there(first));
            }
            let images = builder.prefix(UNFINISHED).tempdir_in(folder).map_err(io)?;
            return Ok(place(Written::Sequence(images, names)));
        }
        // The ending stays last: it tells the container.
        let suffix = format!("-{name}");
        let mut builder = builder.prefix(UNFINISHED);
        builder = builder.suffix(&suffix);
        let file = {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o644)).tempfile_in(folder)
        };
        Ok(place(Written::File(file.map_err(io)?.into_temp_path())))
    }

    /// The place of the file `path`, which is written at `kept` and stays there until it can be moved.
    pub(crate) fn kept(path: &str, kept: PathBuf, overwrite: bool) -> Self {
        Place { name: path.to_owned(), written: Written::Kept(kept), overwrite }
    }

    /// The place of the numbered images `path`, which are written into the folder `kept` and stay there until they can be
    /// moved.
    pub(crate) fn kept_sequence(path: &str, names: Numbered, kept: PathBuf, overwrite: bool) -> Self {
        Place { name: path.to_owned(), written: Written::KeptSequence(kept, names), overwrite }
    }

    /// What is to be written to.
    pub(crate) fn path(&self) -> String {
        match &self.written {
            Written::Through => self.name.clone(),
            Written::File(path) => path.to_string_lossy().into_owned(),
            Written::Kept(path) => path.to_string_lossy().into_owned(),
            Written::Sequence(folder, _) => self.pattern_in(folder.path()),
            Written::KeptSequence(folder, _) => self.pattern_in(folder),
        }
    }

    fn pattern_in(&self, folder: &Path) -> String {
        folder.join(Path::new(&self.name).file_name().unwrap_or_default()).to_string_lossy().into_owned()
    }

    /// Puts what was written into its place: it is complete.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when a file has appeared there that must not be replaced, [`Status::Io`].
    // RV-PIPE-2201
    pub(crate) fn complete(self) -> Result<()> {
        let target = PathBuf::from(&self.name);
        match self.written {
            Written::Through => Ok(()),
            Written::File(path) => {
                sync(&path)?;
                move_to(path, &target, self.overwrite)?;
                // The name, too, is to last.
                sync(folder_of(&target))
            }
            Written::Kept(path) => {
                sync(&path)?;
                // A run that was killed behind this may have moved it before.
                if self.overwrite || !has_same_bytes(&path, &target)? {
                    move_kept(path, &target, self.overwrite)?;
                }
                sync(folder_of(&target))
            }
            Written::Sequence(folder, names) => {
                if let (false, Some(there)) = (self.overwrite, first_taken(&names, folder.path(), &target)?) {
                    return Err(already_there(&there));
                }
                move_images(&names, folder.path(), &target, |path, place| {
                    move_to(temporary(path)?, place, self.overwrite)
                })?;
                folder.close().map_err(|error| Error::io(&target, &error))
            }
            Written::KeptSequence(folder, names) => {
                move_images(&names, &folder, &target, |path, place| move_kept(path, place, self.overwrite))?;
                sync(folder_of(&target))
            }
        }
    }
}

fn sync(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(|error| Error::io(path, &error))
}

/// Moves a file to `target`; where that cannot be, it is gone.
fn move_to(path: TempPath, target: &Path, overwrite: bool) -> Result<()> {
    persist(path, target, overwrite).map_err(|failed| unmoved(target, &failed.error))
}

/// As [`move_to`], of a file that stays where it is if it cannot be moved.
fn move_kept(path: PathBuf, target: &Path, overwrite: bool) -> Result<()> {
    persist(temporary(path)?, target, overwrite).map_err(|failed| match failed.path.keep() {
        Ok(_) if failed.error.kind() == ErrorKind::AlreadyExists => unmoved(target, &failed.error)
            .help("move it away, and go on with the finished run (rave upscale --resume)"),
        Ok(_) => unmoved(target, &failed.error),
        Err(error) => unmoved(target, &error.error),
    })
}

fn temporary(path: PathBuf) -> Result<TempPath> {
    TempPath::try_from_path(&path).map_err(|error| Error::io(&path, &error))
}

fn persist(path: TempPath, target: &Path, overwrite: bool) -> std::result::Result<(), PathPersistError> {
    if overwrite { path.persist(target) } else { path.persist_noclobber(target) }
}

fn unmoved(target: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::AlreadyExists => already_there(target),
        _ => Error::io(target, error),
    }
}

/// Moves the images in `from` to where they belong beside `target`, each by `move_one`.
fn move_images(
    names: &Numbered,
    from: &Path,
    target: &Path,
    move_one: impl Fn(PathBuf, &Path) -> Result<()>,
) -> Result<()> {
    for (number, path) in names.images(from).map_err(|error| Error::io(from, &error))? {
        move_one(path, &folder_of(target).join(names.name(number)))?;
    }
    Ok(())
}

/// The first of the places of the images in `from` that is taken.
fn first_taken(names: &Numbered, from: &Path, target: &Path) -> Result<Option<PathBuf>> {
    let images = names.images(from).map_err(|error| Error::io(from, &error))?;
    let mut places = images.into_iter().map(|(number, _)| folder_of(target).join(names.name(number)));
    Ok(places.find(|place| is_there(place)))
}

/// Whether `other` is there, and holds what `path` does, to the byte.
fn has_same_bytes(path: &Path, other: &Path) -> Result<bool> {
    let open = |path: &Path| fs::File::open(path).map_err(|error| Error::io(path, &error));
    if !other.is_file() {
        return Ok(false);
    }
    let (mut one, mut two) = (open(path)?, open(other)?);
    let (mut block, mut same) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let read = read_whole(&mut one, &mut block).map_err(|error| Error::io(path, &error))?;
        let again = read_whole(&mut two, &mut same).map_err(|error| Error::io(other, &error))?;
        if block[..read] != same[..again] {
            return Ok(false);
        }
        if read < block.len() {
            return Ok(true);
        }
    }
}

/// Fills `block` as far as the file reaches; how far that is.
fn read_whole(file: &mut fs::File, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match file.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The folder that `path` is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn in_folder(folder: &Path, name: &str) -> String {
        folder.join(name).to_str().unwrap().to_owned()
    }

    /// RV-PIPE-2201
    #[test]
    fn a_file_is_in_its_place_when_it_is_complete_and_leaves_nothing_when_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let out = in_folder(folder.path(), "out.mp4");
        for complete in [false, true] {
            let place = Place::prepare(&out, "in.mp4", false).unwrap();
            assert!(place.path().ends_with("-out.mp4"), "{}", place.path());
            fs::write(place.path(), "content").unwrap();
            assert!(!Path::new(&out).exists());
            if complete {
                place.complete().unwrap();
            } else {
                drop(place);
                assert_eq!(names(folder.path()), [""; 0]);
            }
        }
        assert_eq!(names(folder.path()), ["out.mp4"]);
    }

    /// RV-PIPE-2201, RV-PIPE-2202
    #[test]
    fn images_are_in_their_places_together() {
        let folder = tempfile::tempdir().unwrap();
        let out = in_folder(folder.path(), "frame-%04d.png");
        let place = Place::prepare(&out, "in.mp4", false).unwrap();
        for number in 1..4 {
            fs::write(place.path().replace("%04d", &format!("{number:04}")), "png").unwrap();
        }
        place.complete().unwrap();
        assert_eq!(names(folder.path()), ["frame-0001.png", "frame-0002.png", "frame-0003.png"]);
        let error = Place::prepare(&out, "in.mp4", false).unwrap_err();
        assert!(error.to_string().contains("frame-0001.png is there already"), "{error}");
        Place::prepare(&out, "in.mp4", true).unwrap();
    }

    /// RV-PIPE-2202
    #[test]
    fn what_is_there_stays_unless_it_may_be_replaced_and_the_input_stays_always() {
        let folder = tempfile::tempdir().unwrap();
        let (input, out) = (in_folder(folder.path(), "in.mp4"), in_folder(folder.path(), "out.mp4"));
        fs::write(&input, "input").unwrap();
        fs::write(&out, "old").unwrap();
        let error = Place::prepare(&out, &input, false).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        assert!(error.to_string().contains("--overwrite"), "{error}");
        let error = Place::prepare(&input, &input, true).unwrap_err();
        assert!(error.to_string().contains("the input itself"), "{error}");
        let place = Place::prepare(&out, &input, true).unwrap();
        fs::write(place.path(), "new").unwrap();
        place.complete().unwrap();
        assert_eq!(fs::read_to_string(&out).unwrap(), "new");
        // One that appears in the meantime stays as well.
        let late = in_folder(folder.path(), "late.mp4");
        let place = Place::prepare(&late, &input, false).unwrap();
        fs::write(&late, "another's").unwrap();
        assert_eq!(place.complete().unwrap_err().status(), Status::InvalidParameter);
        assert_eq!(fs::read_to_string(&late).unwrap(), "another's");
        assert_eq!(names(folder.path()), ["in.mp4", "late.mp4", "out.mp4"]);
    }

    /// RV-PIPE-2202: also after hours, and nothing of what took them goes.
    #[test]
    fn a_kept_output_stays_where_it_is_when_its_place_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (out, kept) = (in_folder(folder.path(), "out.mp4"), folder.path().join("joined"));
        let complete = |overwrite| {
            fs::write(&kept, "mine").unwrap();
            Place::kept(&out, kept.clone(), overwrite).complete()
        };
        fs::write(&out, "another's").unwrap();
        let error = complete(false).unwrap_err();
        assert!(error.to_string().contains("--resume"), "{error}");
        assert_eq!(fs::read_to_string(&out).unwrap(), "another's");
        assert_eq!(fs::read_to_string(&kept).unwrap(), "mine");
        fs::write(&out, "mine").unwrap();
        complete(false).unwrap();
        fs::write(&out, "old").unwrap();
        complete(true).unwrap();
        assert_eq!(fs::read_to_string(&out).unwrap(), "mine");

        let images = folder.path().join("images");
        fs::create_dir(&images).unwrap();
        let name = |number: u32| format!("{number}.png");
        (1..4).for_each(|number| fs::write(images.join(name(number)), "mine").unwrap());
        fs::write(folder.path().join(name(2)), "another's").unwrap();
        let names = Numbered::parse("%d.png").unwrap();
        let place = Place::kept_sequence(&in_folder(folder.path(), "%d.png"), names, images.clone(), false);
        place.complete().unwrap_err();
        assert_eq!(fs::read_to_string(folder.path().join(name(2))).unwrap(), "another's");
        let left = |number| images.join(name(number)).exists() || folder.path().join(name(number)).exists();
        assert!(images.join(name(2)).exists() && left(1) && left(3));
    }

    /// RV-PIPE-2202
    #[test]
    fn images_of_the_input_are_no_place_for_an_output() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..4 {
            fs::write(folder.path().join(format!("{number:04}.png")), "input").unwrap();
        }
        let path = |name: &str| in_folder(folder.path(), name);
        for (input, output) in [("%04d.png", "%04d.png"), ("0002.png", "%04d.png"), ("%04d.png", "0002.png")]
        {
            let error = Place::prepare(&path(output), &path(input), true).unwrap_err();
            assert!(error.to_string().contains("the input itself"), "{input} {output}: {error}");
        }
        Place::prepare(&path("big-%04d.png"), &path("%04d.png"), false).unwrap();
    }

    /// RV-PIPE-2202
    #[test]
    fn places_that_cannot_be_written_are_refused_before_anything_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let none = in_folder(folder.path(), "none/out.mp4");
        assert_eq!(Place::prepare(&none, "in.mp4", false).unwrap_err().status(), Status::FileNotFound);
        let error = Place::prepare(folder.path().to_str().unwrap(), "in.mp4", true).unwrap_err();
        assert_eq!(error.status(), Status::Io);
        let link = in_folder(folder.path(), "link.mp4");
        std::os::unix::fs::symlink("nothing", &link).unwrap();
        let error = Place::prepare(&link, "in.mp4", false).unwrap_err();
        assert!(error.to_string().contains("link.mp4 is there already"), "{error}");
        for through in ["-", "/dev/null"] {
            let place = Place::prepare(through, "in.mp4", false).unwrap();
            assert_eq!(place.path(), through);
            place.complete().unwrap();
        }
    }
}
