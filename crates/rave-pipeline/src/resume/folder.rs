//! The folder of an unfinished run.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};
use rustix::fs::{FlockOperation, flock};

use super::{Fingerprint, TIMES};
use crate::video::folder_of;

/// What is added to an output's name.
const SUFFIX: &str = ".rave-unfinished";
const FINGERPRINT: &str = "run";
const LOCK: &str = "lock";
/// Is there where the run was told that it may replace what is in its output's place.
const REPLACES: &str = "replaces";

/// The folder in which a run to the file or the numbered images `output` keeps what is finished while it lasts, and after it
/// was stopped.
#[must_use]
pub fn unfinished_folder(output: &str) -> PathBuf {
    // A percent sign in the folder's name would be the place of a number to FFmpeg.
    let name = Path::new(output).file_name().unwrap_or_default().to_string_lossy().replace('%', "");
    Path::new(output).with_file_name(name + SUFFIX)
}

/// The folder of an unfinished run, which nobody else uses meanwhile.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Held until this is dropped, or the process ends in whatever way.
    lock: Option<File>,
    /// Whether the run may replace what is in its output's place.
    replaces: bool,
}

impl Folder {
    /// The folder of the run to `output`, and whether it has an unfinished one to go on with; otherwise it is empty.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when there is an unfinished run that is neither to be gone on with nor to be replaced, or
    /// that is of something else; [`Status::Busy`] when another process works there; [`Status::Io`] and its like.
    // RV-CLI-1705, RV-PIPE-3101, RV-PIPE-3103
    pub(crate) fn open(output: &str, print: &Fingerprint, resume: bool, anew: bool) -> Result<(Self, bool)> {
        let path = unfinished_folder(output);
        let io = |error: std::io::Error| Error::io(&path, &error);
        if has_work(&path) && !resume && !anew {
            let found = format!("there is an unfinished run to {output}, in {}", path.display());
            return Err(Error::new(Status::InvalidParameter, found)
                .help("go on with it (rave upscale --resume), or begin anew (--overwrite)"));
        }
        match fs::create_dir(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io(error)),
            Err(_) => {}
            // The folder's name, too, is to outlast a power cut.
            Ok(()) => sync(folder_of(&path))?,
        }
        let lock = File::create(path.join(LOCK)).map_err(io)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => {
                Error::new(Status::Busy, format!("another run writes to {output}")).help("wait until it ends")
            }
            error => io(error.into()).context("it cannot be locked"),
        })?;
        let mut folder = Folder { path, lock: Some(lock), replaces: anew };
        let unfinished = folder.fingerprint()?;
        match unfinished {
            Some(unfinished) if resume => {
                print.check(&unfinished, &folder.path)?;
                folder.replaces |= folder.path.join(REPLACES).exists();
                Ok((folder, true))
            }
            None if resume && !anew && has_work(&folder.path) => {
                let found =
                    format!("of what the unfinished run in {} is cannot be told", folder.path.display());
                Err(Error::new(Status::InvalidParameter, found)
                    .expected(format!("its file `{FINGERPRINT}`, as this version of RAVE writes it"))
                    .help("go on with the version that began it, or begin anew (--overwrite)"))
            }
            // Stopped before it had begun, or to be begun anew.
            _ => {
                folder.clear()?;
                if anew {
                    let path = folder.path.join(REPLACES);
                    File::create(&path).map_err(|error| Error::io(&path, &error))?;
                }
                folder.write_fingerprint(print)?;
                Ok((folder, false))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the run may replace what is in its output's place: it was said so when it was begun, or is now.
    pub(crate) fn replaces(&self) -> bool {
        self.replaces
    }

    /// Removes the folder: the output is in its place. What cannot be removed is no work any more, and no reason to say that
    /// the run has failed.
    // RV-PIPE-3104
    pub(crate) fn remove(mut self) {
        // NFS keeps an open file's name.
        self.unlock();
        if fs::remove_dir_all(&self.path).is_err() {
            let _ = self.clear();
        }
    }

    /// Lets others have the folder. Closing the lock is not enough: a child that another thread has just forked has it, too,
    /// until it runs its program.
    fn unlock(&mut self) {
        if let Some(lock) = self.lock.take() {
            // What cannot be unlocked is so when the last who has it closes it.
            let _ = flock(&lock, FlockOperation::Unlock);
        }
    }

    /// What the run is of; `None` where that is not there, damaged, or of another version.
    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        let path = self.path.join(FINGERPRINT);
        match fs::read(&path) {
            Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(Fingerprint::read)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path, &error)),
        }
    }

    /// Removes everything but the lock.
    fn clear(&self) -> Result<()> {
        let io = |error| Error::io(&self.path, &error);
        for entry in fs::read_dir(&self.path).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.file_name().is_some_and(|name| name != LOCK) {
                fs::remove_file(&path).map_err(|error| Error::io(&path, &error))?;
            }
        }
        Ok(())
    }

    fn write_fingerprint(&self, print: &Fingerprint) -> Result<()> {
        let (part, whole) = (self.path.join("run.part"), self.path.join(FINGERPRINT));
        let io = |error| Error::io(&part, &error);
        let mut file = File::create(&part).map_err(io)?;
        file.write_all(print.to_string().as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&part, &whole).map_err(io)?;
        sync(&self.path)
    }
}

impl Drop for Folder {
    /// A run that has nothing to go on with leaves nothing.
    fn drop(&mut self) {
        // After `remove`, the folder may be another run's already.
        if self.lock.is_some() && self.path.exists() && !has_work(&self.path) {
            // What cannot be removed is no worse than what a killed run leaves.
            let _ = fs::remove_dir_all(&self.path);
        }
        self.unlock();
    }
}

/// Whether a run to `output` was begun and is not complete.
pub(crate) fn is_begun(output: &str) -> bool {
    unfinished_folder(output).join(FINGERPRINT).is_file()
}

/// Whether there is something to go on with: a segment, or the time of an image.
fn has_work(folder: &Path) -> bool {
    let segment = |entry: fs::DirEntry| entry.path().extension().is_some_and(|ending| ending == "segment");
    fs::metadata(folder.join(TIMES)).is_ok_and(|times| times.len() > 0)
        || fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(segment))
}

/// What is at `path`, a file or the names in a folder, is on the disk when this returns.
pub(super) fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| Error::io(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(input: &str) -> Fingerprint {
        Fingerprint { input: input.into(), model: String::new(), options: String::new() }
    }

    /// RV-PIPE-3101, RV-PIPE-3103, RV-PIPE-3104
    #[test]
    fn an_unfinished_run_is_gone_on_with_or_begun_anew_only_when_that_is_said() {
        let place = tempfile::tempdir().unwrap();
        for (name, work) in [("out.mp4", "000000.segment"), ("out-%03d.png", TIMES)] {
            let out = place.path().join(name).to_str().unwrap().to_owned();
            let open = |input, resume, anew| Folder::open(&out, &print(input), resume, anew);
            let (folder, _) = open("a", false, false).unwrap();
            fs::write(folder.path().join(work), "work").unwrap();
            let busy = open("a", true, false).unwrap_err();
            assert_eq!(busy.status(), Status::Busy);
            drop(folder);

            let error = open("a", false, false).unwrap_err();
            assert!(error.to_string().contains("--resume"), "{error}");
            let error = open("b", true, false).unwrap_err();
            assert!(error.to_string().contains("another input"), "{error}");
            let (folder, goes_on) = open("a", true, false).unwrap();
            assert!(goes_on && folder.path().join(work).exists());
            drop(folder);
            let (folder, goes_on) = open("b", false, true).unwrap();
            assert!(!goes_on && !folder.path().join(work).exists());
            drop(folder);
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "there is nothing to go on with");
            open("b", false, false).unwrap().0.remove();
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
        }
    }

    /// RV-PIPE-3101
    #[test]
    fn a_run_that_was_stopped_before_it_had_begun_begins() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out.mp4").to_str().unwrap().to_owned();
        fs::create_dir(unfinished_folder(&out)).unwrap();
        fs::write(unfinished_folder(&out).join("run.part"), "rave unf").unwrap();
        let (_, goes_on) = Folder::open(&out, &print("a"), true, false).unwrap();
        assert!(!goes_on);
    }

    /// RV-PIPE-3101: nothing that is finished goes because the file that tells of what cannot be read.
    #[test]
    fn a_run_of_which_it_cannot_be_told_what_it_is_stays_until_it_is_to_be_begun_anew() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out.mp4").to_str().unwrap().to_owned();
        let (folder, _) = Folder::open(&out, &print("a"), false, false).unwrap();
        let (segment, run) = (folder.path().join("000000.segment"), folder.path().join(FINGERPRINT));
        fs::write(&segment, "work").unwrap();
        drop(folder);
        let whole = fs::read(&run).unwrap();
        let other = String::from_utf8(whole.clone()).unwrap().replacen("run 2", "run 9", 1).into_bytes();
        for damaged in [Some(&whole[..whole.len() / 2]), Some(&other), Some(b"\xff\xfe"), Some(b""), None] {
            match damaged {
                Some(bytes) => fs::write(&run, bytes).unwrap(),
                None => fs::remove_file(&run).unwrap(),
            }
            let error = Folder::open(&out, &print("a"), true, false).unwrap_err();
            assert!(error.to_string().contains("--overwrite") && segment.exists(), "{error}");
        }
        fs::create_dir(&run).unwrap();
        assert_eq!(Folder::open(&out, &print("a"), true, false).unwrap_err().status(), Status::Io);
        assert!(segment.exists());
        fs::remove_dir(&run).unwrap();
        let (_, goes_on) = Folder::open(&out, &print("a"), true, true).unwrap();
        assert!(!goes_on && !segment.exists());
    }

    #[test]
    fn the_folder_stands_beside_the_output_and_is_no_pattern() {
        assert_eq!(unfinished_folder("a/out.mp4"), Path::new("a/out.mp4.rave-unfinished"));
        assert_eq!(unfinished_folder("a/%05d.png"), Path::new("a/05d.png.rave-unfinished"));
    }
}
