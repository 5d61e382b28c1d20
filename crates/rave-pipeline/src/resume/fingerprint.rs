//! What a run makes, of what: to know whether an unfinished one is the same.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};
use sha2::{Digest, Sha256};

/// Files up to so many bytes are hashed as a whole.
const WHOLE: u64 = 256 << 20;
/// Of larger ones, so many blocks are, from the first to the last.
const BLOCKS: u64 = 256;
/// Bytes of a block.
const BLOCK: u64 = 1 << 20;

/// Bytes of an end of an image.
const END: u64 = 16 << 10;

/// The first line of a fingerprint, with the version of what is kept in the folder.
const HEAD: &str = "rave unfinished run 2";

/// Hashes of everything that decides what the output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) input: String,
    pub(crate) model: String,
    pub(crate) options: String,
}

/// Names of the parts, as people know them.
const PARTS: [&str; 3] = ["input", "model", "options"];

impl Fingerprint {
    fn parts(&self) -> [&str; 3] {
        [&self.input, &self.model, &self.options]
    }

    /// The one that a file of an unfinished run has; `None` for what is none, to the byte.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return None;
        }
        let mut part = |name| lines.next()?.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
        let [input, model, options] = PARTS.map(&mut part);
        let print = Fingerprint { input: input?, model: model?, options: options? };
        (print.to_string() == text).then_some(print)
    }

    /// Refuses to go on with a run of something else.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`], which names what differs.
    // RV-PIPE-3103
    pub(crate) fn check(&self, unfinished: &Fingerprint, folder: &Path) -> Result<()> {
        let parts = self.parts().into_iter().zip(unfinished.parts());
        let differ: Vec<_> =
            PARTS.into_iter().zip(parts).filter(|(_, (a, b))| a != b).map(|(name, _)| name).collect();
        if differ.is_empty() {
            return Ok(());
        }
        let found =
            format!("the unfinished run in {} has another {}", folder.display(), differ.join(", another "));
        Err(Error::new(Status::InvalidParameter, found)
            .expected("the input, model and options that it began with")
            .help("give it those, or begin anew (rave upscale --overwrite)"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        PARTS.into_iter().zip(self.parts()).try_for_each(|(name, hash)| writeln!(f, "{name} {hash}"))
    }
}

/// Hashes what it is given, each with its length.
#[derive(Default)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub(crate) fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// The file at `path`: its length and all of it, or, of one that is larger than 256 MiB, when it was changed last and 256
    /// blocks of 1 MiB at even distances, the first and the last among them.
    pub(crate) fn file(&mut self, path: &Path) -> Result<()> {
        let io = |error| Error::io(path, &error);
        let mut file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let length = metadata.len();
        self.0.update(length.to_le_bytes());
        let (blocks, size) = if length <= WHOLE { (1, length) } else { (BLOCKS, BLOCK) };
        if length > WHOLE {
            self.changed(&metadata);
        }
        let mut buffer = vec![0; BLOCK as usize];
        for block in 0..blocks {
            // Multiplied first, so that the last block ends where the file does.
            let start = u128::from(length - size) * u128::from(block) / u128::from((blocks - 1).max(1));
            file.seek(SeekFrom::Start(start as u64)).map_err(io)?;
            let mut left = size;
            while left > 0 {
                let wanted = left.min(BLOCK) as usize;
                let read = file.read(&mut buffer[..wanted]).map_err(io)?;
                if read == 0 {
                    break;
                }
                self.0.update(&buffer[..read]);
                left -= read as u64;
            }
        }
        Ok(())
    }

    /// Numbered images: of each its name, its length and its ends; of what there is between, when it was changed last.
    pub(crate) fn images(&mut self, images: &[(u64, PathBuf)]) -> Result<()> {
        for (number, path) in images {
            let io = |error| Error::io(path, &error);
            self.0.update(number.to_le_bytes());
            let mut file = File::open(path).map_err(io)?;
            let metadata = file.metadata().map_err(io)?;
            let length = metadata.len();
            self.0.update(length.to_le_bytes());
            if length > 2 * END {
                self.changed(&metadata);
            }
            let mut end = Vec::with_capacity(END as usize);
            for place in [0, length.saturating_sub(END)] {
                file.seek(SeekFrom::Start(place)).map_err(io)?;
                end.clear();
                Read::by_ref(&mut file).take(END).read_to_end(&mut end).map_err(io)?;
                self.0.update(&end);
            }
        }
        Ok(())
    }

    /// When a file was changed last, in place of what of it is not read.
    fn changed(&mut self, metadata: &Metadata) {
        self.0.update(metadata.mtime().to_le_bytes());
        self.0.update(metadata.mtime_nsec().to_le_bytes());
    }

    pub(crate) fn end(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// RV-PIPE-3103
    #[test]
    fn a_fingerprint_is_read_as_written_and_names_what_differs() {
        let print = |input: &str, model: &str, options: &str| Fingerprint {
            input: input.into(),
            model: model.into(),
            options: options.into(),
        };
        let known = print("1", "2", "3");
        assert_eq!(Fingerprint::read(&known.to_string()), Some(known.clone()));
        assert_eq!(Fingerprint::read("rave unfinished run 1\ninput 1\nmodel 2\noptions 3\n"), None);
        assert_eq!(Fingerprint::read("rave unfinished run 2\ninput 1\n"), None);
        assert_eq!(Fingerprint::read(&format!("{known}more\n")), None);
        assert_eq!(Fingerprint::read(known.to_string().trim_end()), None);
        let folder = Path::new("x.rave-unfinished");
        known.check(&known, folder).unwrap();
        let error = print("1", "4", "5").check(&known, folder).unwrap_err();
        assert!(error.to_string().contains("has another model, another options"), "{error}");
    }

    /// RV-PIPE-3103
    #[test]
    fn a_byte_of_a_file_changes_its_hash_and_so_do_the_ends_of_a_large_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let hash = || {
            let mut hasher = Hasher::default();
            hasher.file(&path).unwrap();
            hasher.end()
        };
        std::fs::write(&path, b"abc").unwrap();
        let small = hash();
        std::fs::write(&path, b"abd").unwrap();
        assert_ne!(hash(), small);

        // A file of holes takes no room.
        let length = WHOLE + 12345;
        let mut seen = vec![];
        let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        for (place, changed) in [(None, 0), (Some(0), 0), (Some(length - 1), 0), (None, 1)] {
            let mut file = File::create(&path).unwrap();
            file.set_len(length).unwrap();
            if let Some(place) = place {
                file.seek(SeekFrom::Start(place)).unwrap();
                file.write_all(b"x").unwrap();
            }
            // Some file systems keep whole seconds.
            file.set_modified(then + std::time::Duration::from_secs(changed)).unwrap();
            seen.push(hash());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }
}
