//! The folder of an unfinished run.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rave_core::{Error, Log, LogLevel, Result, Status};
use rave_ffmpeg::Packet;
use rave_ffmpeg::segments::SegmentReader;
use rustix::fs::{FlockOperation, flock};

use super::Fingerprint;

/// What is added to an output's name.
const SUFFIX: &str = ".rave-unfinished";
const FINGERPRINT: &str = "run";
const LOCK: &str = "lock";
const JOINED: &str = "joined";

/// The folder in which a run to the file `output` keeps what is finished while it lasts, and after it was stopped.
#[must_use]
pub fn unfinished_folder(output: &str) -> PathBuf {
    format!("{output}{SUFFIX}").into()
}

/// The folder of an unfinished run, which nobody else uses meanwhile.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    /// Pictures in each segment that is complete.
    segments: Vec<u64>,
    /// The time of the last of them that was found.
    last: Option<i64>,
    /// Held until this is dropped, or the process ends in whatever way.
    _lock: File,
}

impl State {
    /// The folder of the run to `output`: that of an unfinished one, to go on with it, or a new one.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when there is an unfinished run that is neither to be gone on with nor to be replaced, or
    /// that is of something else; [`Status::Busy`] when another process works there; [`Status::Io`] and its like.
    // RV-PIPE-3101, RV-PIPE-3103
    pub(crate) fn open(
        output: &str,
        print: &Fingerprint,
        resume: bool,
        anew: bool,
        log: &Log,
    ) -> Result<Self> {
        let folder = unfinished_folder(output);
        let io = |error: std::io::Error| Error::io(&folder, &error);
        if has_segments(&folder) && !resume && !anew {
            let found = format!("there is an unfinished run to {output}, in {}", folder.display());
            return Err(Error::new(Status::InvalidParameter, found)
                .help("go on with it (rave upscale --resume), or begin anew (--overwrite)"));
        }
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io(error)),
            _ => {}
        }
        let lock = File::create(folder.join(LOCK)).map_err(io)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Error::new(Status::Busy, format!("another run writes to {output}")).help("wait until it ends")
        })?;
        let mut state = State { folder, segments: Vec::new(), last: None, _lock: lock };
        let unfinished = fs::read_to_string(state.folder.join(FINGERPRINT)).ok();
        match unfinished.as_deref().and_then(Fingerprint::read) {
            Some(unfinished) if resume => {
                print.check(&unfinished, &state.folder)?;
                state.find_segments(log)?;
            }
            // Stopped before it had begun, or to be begun anew.
            _ => {
                state.clear()?;
                state.write_fingerprint(print)?;
            }
        }
        Ok(state)
    }

    /// How many pictures are in complete segments.
    pub(crate) fn pictures(&self) -> u64 {
        self.segments.iter().sum()
    }

    /// When the last picture is shown that an earlier run has left, in the time base of its encoder.
    pub(crate) fn last(&self) -> Option<i64> {
        self.last
    }

    /// The segments that are complete, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        (0..self.segments.len()).map(|index| self.segment(index)).collect()
    }

    /// The name of the next segment.
    pub(crate) fn next_segment(&self) -> PathBuf {
        self.segment(self.segments.len())
    }

    /// The next segment is complete, with so many pictures.
    pub(crate) fn segment_done(&mut self, pictures: u64) {
        self.segments.push(pictures);
    }

    /// Where the output is joined.
    pub(crate) fn joined(&self) -> PathBuf {
        self.folder.join(JOINED)
    }

    /// Removes the folder: the output is in its place.
    // RV-PIPE-3104
    pub(crate) fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.folder).map_err(|error| Error::io(&self.folder, &error))
    }

    fn segment(&self, index: usize) -> PathBuf {
        self.folder.join(format!("{index:06}.segment"))
    }

    /// Finds what is whole of the segments, from the first on.
    // RV-PIPE-3102
    fn find_segments(&mut self, log: &Log) -> Result<()> {
        loop {
            let path = self.next_segment();
            match read_through(&path) {
                Ok((pictures, last)) => {
                    self.segments.push(pictures);
                    self.last = self.last.max(last);
                }
                Err(error) if error.status() == Status::FileNotFound => return Ok(()),
                Err(error) => {
                    log.write(LogLevel::Warning, format_args!("{error}; it and what follows is made again"));
                    return fs::remove_file(&path).map_err(|error| Error::io(&path, &error));
                }
            }
        }
    }

    /// Removes everything but the lock.
    fn clear(&self) -> Result<()> {
        let io = |error| Error::io(&self.folder, &error);
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.file_name().is_some_and(|name| name != LOCK) {
                fs::remove_file(&path).map_err(|error| Error::io(&path, &error))?;
            }
        }
        Ok(())
    }

    fn write_fingerprint(&self, print: &Fingerprint) -> Result<()> {
        let (part, whole) = (self.folder.join("run.part"), self.folder.join(FINGERPRINT));
        let io = |error| Error::io(&part, &error);
        let mut file = File::create(&part).map_err(io)?;
        file.write_all(print.to_string().as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&part, &whole).map_err(io)?;
        sync(&self.folder)
    }
}

impl Drop for State {
    /// A run that has nothing to go on with leaves nothing.
    fn drop(&mut self) {
        if self.folder.exists() && !has_segments(&self.folder) {
            // What cannot be removed is no worse than what a killed run leaves.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// How many pictures a segment has, and when its last one is shown, if all of it is as it was written.
fn read_through(path: &Path) -> Result<(u64, Option<i64>)> {
    let mut reader = SegmentReader::open(path)?;
    let (mut packet, mut pictures, mut last) = (Packet::new()?, 0, None);
    while reader.read(&mut packet)? {
        pictures += 1;
        last = last.max(packet.pts());
    }
    Ok((pictures, last))
}

/// Whether there is something to go on with.
fn has_segments(folder: &Path) -> bool {
    let segment = |entry: fs::DirEntry| entry.path().extension().is_some_and(|ending| ending == "segment");
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(segment))
}

/// Names in a folder are on the disk when it is.
fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| Error::io(folder, &error))
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
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.mp4").to_str().unwrap().to_owned();
        let open = |input, resume, anew| State::open(&out, &print(input), resume, anew, &Log::default());
        let state = open("a", false, false).unwrap();
        fs::write(state.folder.join("000000.segment"), "torn").unwrap();
        let busy = open("a", true, false).unwrap_err();
        assert_eq!(busy.status(), Status::Busy);
        drop(state);

        let error = open("a", false, false).unwrap_err();
        assert!(error.to_string().contains("--resume"), "{error}");
        let error = open("b", true, false).unwrap_err();
        assert!(error.to_string().contains("another input"), "{error}");
        let state = open("b", false, true).unwrap();
        fs::write(state.folder.join("000000.segment"), "torn").unwrap();
        drop(state);
        let state = open("b", true, false).unwrap();
        assert_eq!((state.pictures(), state.segments().len()), (0, 0), "what is no segment does not count");
        drop(state);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "there is nothing to go on with");
        open("b", false, false).unwrap().remove().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// RV-PIPE-3101
    #[test]
    fn a_run_that_was_stopped_before_it_had_begun_begins() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.mp4").to_str().unwrap().to_owned();
        fs::create_dir(format!("{out}{SUFFIX}")).unwrap();
        fs::write(format!("{out}{SUFFIX}/run.part"), "rave unf").unwrap();
        let state = State::open(&out, &print("a"), true, false, &Log::default()).unwrap();
        assert_eq!(state.pictures(), 0);
    }
}
