//! The segments of a run to a file.

use std::fs;
use std::path::{Path, PathBuf};

use rave_core::{Error, Log, LogLevel, Result, Status};
use rave_ffmpeg::Packet;
use rave_ffmpeg::segments::SegmentReader;

use super::Folder;

const JOINED: &str = "joined";

/// The segments that are complete, from the first on.
#[derive(Debug)]
pub(crate) struct Segments {
    folder: Folder,
    /// Pictures in each of them.
    pictures: Vec<u64>,
    /// The time of the last of them that was found.
    last: Option<i64>,
}

impl Segments {
    /// What is whole of the segments in `folder`, from the first on.
    ///
    /// # Errors
    /// [`Status::Io`] and its like.
    // RV-CLI-1702, RV-PIPE-3102
    pub(crate) fn find(folder: Folder, log: &Log) -> Result<Self> {
        let mut found = Segments { folder, pictures: Vec::new(), last: None };
        loop {
            let path = found.next();
            match read_through(&path) {
                Ok((pictures, last)) => {
                    found.pictures.push(pictures);
                    found.last = found.last.max(last);
                }
                Err(error) if error.status() == Status::FileNotFound => return Ok(found),
                Err(error) => {
                    let message = error.message();
                    log.write(
                        LogLevel::Warning,
                        format_args!("{message}; it and what follows is made again"),
                    );
                    fs::remove_file(&path).map_err(|error| Error::io(&path, &error))?;
                    return Ok(found);
                }
            }
        }
    }

    /// How many pictures are in complete segments.
    pub(crate) fn pictures(&self) -> u64 {
        self.pictures.iter().sum()
    }

    /// When the last picture is shown that an earlier run has left, in the time base of its encoder.
    pub(crate) fn last(&self) -> Option<i64> {
        self.last
    }

    /// The segments that are complete, in order.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        (0..self.pictures.len()).map(|index| self.path(index)).collect()
    }

    /// The name of the next segment.
    pub(crate) fn next(&self) -> PathBuf {
        self.path(self.pictures.len())
    }

    /// The next segment is complete, with so many pictures.
    pub(crate) fn done(&mut self, pictures: u64) {
        self.pictures.push(pictures);
    }

    /// Where the output is joined.
    pub(crate) fn joined(&self) -> PathBuf {
        self.folder.path().join(JOINED)
    }

    /// Whether the output may replace what is in its place.
    pub(crate) fn replace(&self) -> bool {
        self.folder.replaces()
    }

    /// Removes them: the output is in its place.
    pub(crate) fn remove(self) {
        self.folder.remove();
    }

    fn path(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("{index:06}.segment"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resume::Fingerprint;

    /// RV-PIPE-3102
    #[test]
    fn what_is_no_segment_does_not_count_and_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out.mp4").to_str().unwrap().to_owned();
        let print = Fingerprint { input: String::new(), model: String::new(), options: String::new() };
        let (folder, _) = Folder::open(&out, &print, false, false).unwrap();
        fs::write(folder.path().join("000000.segment"), "torn").unwrap();
        let found = Segments::find(folder, &Log::default()).unwrap();
        assert_eq!((found.pictures(), found.paths().len()), (0, 0));
        drop(found);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
