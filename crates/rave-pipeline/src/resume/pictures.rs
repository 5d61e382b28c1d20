//! The images of a run to numbered images.
//!
//! An image has its name in the folder once all of it is written. The file `times` has the time of each image, 8 bytes
//! little-endian, written before the image itself: an image with a name always has a time.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rave_core::{Error, Log, LogLevel, Result, Status};
use rave_ffmpeg::{Decoder, DecoderOptions, Input, InputOptions, Packet, Received, VideoFrame};

use super::Folder;
use super::folder::sync;
use crate::video::Numbered;

/// The times of images.
pub(super) const TIMES: &str = "times";
/// There once all images are complete and on the disk, while they move into their places.
const MOVING: &str = "moving";
/// Bytes of a time.
const TIME: usize = size_of::<i64>();

/// Where images go, and under which numbers.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    pub(crate) names: Numbered,
    /// The number of the first one.
    pub(crate) first: u64,
    /// The folder that they are for.
    pub(crate) place: PathBuf,
    /// How many are brought to the disk together.
    pub(crate) batch: u64,
}

/// The images that are complete, from the first on.
#[derive(Debug)]
pub(crate) struct Pictures {
    folder: Folder,
    images: Images,
    times: File,
    done: u64,
    /// The time of the last of them that was found.
    last: Option<i64>,
    /// How many of them are on the disk, and not only on their way there.
    safe: u64,
}

impl Pictures {
    /// What is whole of the images in `folder`, from the first on.
    ///
    /// # Errors
    /// [`Status::Io`] and its like.
    // RV-PIPE-3106
    pub(crate) fn find(folder: Folder, images: Images, log: &Log) -> Result<Self> {
        let path = folder.path().join(TIMES);
        let io = |error| Error::io(&path, &error);
        let mut open = OpenOptions::new();
        let mut times = open.read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let mut bytes = Vec::new();
        times.read_to_end(&mut bytes).map_err(io)?;
        let (known, _) = bytes.as_chunks::<TIME>();

        let moving = folder.path().join(MOVING).exists();
        let there = |index: &u64| {
            let name = images.names.name(images.first + index);
            folder.path().join(&name).is_file() || moving && images.place.join(&name).is_file()
        };
        let mut done = (0..known.len() as u64).take_while(there).count() as u64;
        let mut safe = done;
        if !moving {
            // A power cut may have left names of files without their content: of the last batch.
            safe = done.saturating_sub(1) / images.batch * images.batch;
            for index in safe..done {
                let image = folder.path().join(images.names.name(images.first + index));
                if let Err(error) = read_whole(&image) {
                    let message = error.message();
                    log.write(
                        LogLevel::Warning,
                        format_args!("{message}; it and what follows is made again"),
                    );
                    done = index;
                    break;
                }
            }
        }
        let length = done * TIME as u64;
        times.set_len(length).and_then(|()| times.seek(SeekFrom::Start(length))).map_err(io)?;
        let last = known[..done as usize].iter().map(|&time| i64::from_le_bytes(time)).max();
        Ok(Pictures { folder, images, times, done, last, safe })
    }

    /// How many are complete.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    /// When the last of them that an earlier run has left is shown, in the time base of its encoder.
    pub(crate) fn last(&self) -> Option<i64> {
        self.last
    }

    /// How they are named.
    pub(crate) fn names(&self) -> &Numbered {
        &self.images.names
    }

    /// Where they are until they are all complete.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What FFmpeg's muxer must know to go on after them, with names of images that are whole.
    pub(crate) fn muxer_options(&self) -> [(String, String); 2] {
        let next = self.images.first + self.done;
        [("atomic_writing".to_owned(), "1".to_owned()), ("start_number".to_owned(), next.to_string())]
    }

    /// The next image, shown at `pts`, is about to be written.
    pub(crate) fn begins(&mut self, pts: Option<i64>) -> Result<()> {
        let pts = pts.ok_or_else(|| Error::new(Status::Unknown, "an image without a time"))?;
        self.times.write_all(&pts.to_le_bytes()).map_err(|error| Error::io(self.folder.path(), &error))
    }

    /// It is written.
    pub(crate) fn written(&mut self) -> Result<()> {
        self.done += 1;
        if self.done.is_multiple_of(self.images.batch) { self.save() } else { Ok(()) }
    }

    /// All are written: from here on, they may move into their places.
    pub(crate) fn complete(&mut self) -> Result<()> {
        self.save()?;
        let mark = self.folder.path().join(MOVING);
        File::create(&mark).map_err(|error| Error::io(&mark, &error))?;
        sync(self.folder.path())
    }

    /// Whether the images may replace what is in their places.
    pub(crate) fn replace(&self) -> bool {
        self.folder.replaces()
    }

    /// Removes what is left: the images are in their places.
    pub(crate) fn remove(self) {
        self.folder.remove();
    }

    /// Brings to the disk what may not be there.
    fn save(&mut self) -> Result<()> {
        for index in self.safe..self.done {
            sync(&self.folder.path().join(self.images.names.name(self.images.first + index)))?;
        }
        self.safe = self.done;
        self.times.sync_all().map_err(|error| Error::io(self.folder.path(), &error))?;
        sync(self.folder.path())
    }
}

/// Decodes the image at `path`, which must be whole.
fn read_whole(path: &Path) -> Result<()> {
    let torn = || Error::new(Status::Io, format!("image {} is not whole", path.display()));
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return Err(torn());
    }
    let options = InputOptions { strict: true, ..InputOptions::new(path.to_string_lossy()) };
    let mut input = Input::open(&options)?;
    let mut decoder = Decoder::open(&input, &DecoderOptions::default())?;
    let (mut packet, mut frame) = (Packet::new()?, VideoFrame::new()?);
    while input.read(&mut packet)? {
        decoder.send(&packet)?;
    }
    decoder.finish()?;
    match decoder.receive(&mut frame)? {
        Received::Yes => Ok(()),
        _ => Err(torn()),
    }
}
