//! What is in the cache, and making room.

use std::time::SystemTime;

use rave_core::{Error, Result, Status};

use super::directory::{Directory, unusable};
use super::envelope::{self, Head};
use super::files::{self, Role};
use super::label::Kind;
use super::{EngineCache, another_entry, fault_of};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A built engine.
    Engine,
    /// The timings of a device.
    Timings,
    /// An engine that was found damaged, and is not used.
    Quarantined,
}

/// One file of the cache.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// The key in hexadecimal digits, which its file is named after.
    pub key: String,
    /// Names and values of what the key was made of; empty where they cannot be read.
    pub fields: Vec<(String, String)>,
    /// The size of its file.
    pub bytes: u64,
    /// When it was last given out, or else written.
    pub last_used: SystemTime,
    /// Why it is not used, if anything that was looked at is wrong.
    pub problem: Option<Error>,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many files.
    pub files: usize,
    /// Their sizes together.
    pub bytes: u64,
}

/// How closely an entry is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// At what stands before its payload.
    Label,
    /// At all of it.
    Whole,
}

impl EngineCache {
    /// Every entry, most recently used first, from what stands before its payload.
    ///
    /// # Errors
    /// [`Status::Io`] where the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>> {
        self.entries(Look::Label)
    }

    /// As [`EngineCache::list`], with every byte of every entry checked. Nothing is changed.
    ///
    /// # Errors
    /// [`Status::Io`] where the directory cannot be read.
    pub fn verify(&self) -> Result<Vec<Entry>> {
        self.entries(Look::Whole)
    }

    /// Removes quarantined engines, and then the least recently used entries, until the files have at most `max_bytes`
    /// in all.
    ///
    /// # Errors
    /// [`Status::Io`] where a file cannot be removed.
    pub fn prune(&self, max_bytes: u64) -> Result<Pruned> {
        self.directory.as_ref().map_or(Ok(Pruned::default()), |directory| prune(directory, max_bytes, None))
    }

    /// Removes every entry. Engines that are being built are kept when they are done; whatever else is in the
    /// directory stays.
    ///
    /// # Errors
    /// [`Status::Io`] where a file cannot be removed.
    pub fn clear(&self) -> Result<Pruned> {
        self.prune(0)
    }

    // RV-ENG-1409
    fn entries(&self, look: Look) -> Result<Vec<Entry>> {
        let Some(directory) = &self.directory else { return Ok(Vec::new()) };
        let mut files = inventory(directory)?;
        files.reverse();
        Ok(files.into_iter().filter_map(|file| file.into_entry(directory, look)).collect())
    }
}

/// A file of the cache that takes room.
struct StoredFile {
    name: String,
    stem: String,
    kind: EntryKind,
    bytes: u64,
    last_used: SystemTime,
}

/// The entries of `directory` in the order in which they make room.
fn inventory(directory: &Directory) -> Result<Vec<StoredFile>> {
    let failed = |error: std::io::Error| unusable(directory.path(), &error);
    let mut found = Vec::new();
    for name in directory.names().map_err(failed)? {
        let Some((stem, role)) = files::parse(&name) else { continue };
        let kind = match role {
            Role::Entry(Kind::Engine) => EntryKind::Engine,
            Role::Entry(Kind::Timings) => EntryKind::Timings,
            Role::Quarantined => EntryKind::Quarantined,
            Role::Temporary | Role::Lock => continue,
        };
        // None where another process has removed it since.
        if let Some(state) = directory.state(&name).map_err(failed)? {
            let (stem, bytes, last_used) = (stem.to_owned(), state.bytes, state.last_used);
            found.push(StoredFile { stem, name, kind, bytes, last_used });
        }
    }
    // Names decide between equal times, so that the order is always the same.
    found.sort_by(|a, b| {
        let order = |file: &StoredFile| (file.kind != EntryKind::Quarantined, file.last_used);
        order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(found)
}

impl StoredFile {
    fn into_entry(self, directory: &Directory, look: Look) -> Option<Entry> {
        let (fields, problem) = match self.read(directory, look) {
            Ok(None) => return None,
            Ok(Some(Seen { head, problem })) => (head.label.fields(), problem),
            Err(error) => (Vec::new(), Some(error)),
        };
        let StoredFile { stem: key, kind, bytes, last_used, .. } = self;
        Some(Entry { kind, key, fields, bytes, last_used, problem })
    }

    /// What is seen of the file, or `None` if it is gone.
    fn read(&self, directory: &Directory, look: Look) -> Result<Option<Seen>> {
        let Some((mut file, bytes)) = directory.read(&self.name)? else { return Ok(None) };
        let error = |fault| fault_of(directory, &self.name, fault);
        let head = envelope::read_head(&mut file, bytes).map_err(error)?;
        let kind = match head.label.kind() {
            Kind::Engine => EntryKind::Engine,
            Kind::Timings => EntryKind::Timings,
        };
        let misnamed =
            head.label.stem() != self.stem || (kind != self.kind && self.kind != EntryKind::Quarantined);
        let problem = if misnamed {
            Some(error(another_entry(&head.label)))
        } else if look == Look::Whole {
            head.check_payload(&mut file).err().map(error)
        } else {
            None
        };
        Ok(Some(Seen { head, problem }))
    }
}

/// An entry whose label could be read.
struct Seen {
    head: Head,
    problem: Option<Error>,
}

/// Removes files until those that are left have at most `max_bytes`; `spared` stays.
// RV-ENG-1410
pub(super) fn prune(directory: &Directory, max_bytes: u64, spared: Option<&str>) -> Result<Pruned> {
    let files = inventory(directory)?;
    let mut total: u64 = files.iter().map(|file| file.bytes).sum();
    let mut pruned = Pruned::default();
    for file in files {
        if max_bytes > 0 && total <= max_bytes {
            break;
        }
        if spared == Some(&file.name) {
            continue;
        }
        // Whoever reads it has it open, and reads on.
        let removed = directory.remove(&file.name).map_err(|error| {
            Error::new(Status::Io, format!("file {}: {error}", directory.path_of(&file.name).display()))
                .expected("to remove it from the engine cache")
                .help("make its directory writable")
        })?;
        total -= file.bytes;
        pruned.files += usize::from(removed);
        pruned.bytes += if removed { file.bytes } else { 0 };
    }
    Ok(pruned)
}
