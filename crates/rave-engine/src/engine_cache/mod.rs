//! Built engines, kept on disk from one process to the next.
//!
//! An engine takes minutes to build and belongs to one model, one set of options, one TensorRT, one driver and one kind
//! of GPU. [`EngineKey`] names all of these, and [`EngineCache::get_or_build`] gives the engine of a key: from its file
//! or, the first time, from whoever can build it. To the cache an engine is bytes. It promises that what it gives out
//! is, bit for bit, what was built for the very key that is asked for:
//!
//! - its directory and files are the user's own, and nobody else can write them (`directory.rs`);
//! - a file is checked whole before a byte of its payload is given out (`envelope.rs`);
//! - a file appears under its name whole or not at all (`directory.rs`), and one builder per key is at work (`lock.rs`).
//!
//! It is neither a store that must be backed up nor a judge of engines: whether one runs is TensorRT's to say.
//!
//! ```no_run
//! # use rave_engine::engine_cache::{CacheOptions, EngineCache, EngineKey};
//! # fn build() -> rave_core::Result<Vec<u8>> { Ok(vec![]) }
//! # fn main() -> rave_core::Result<()> {
//! # let key: EngineKey = unimplemented!();
//! let cache = EngineCache::open(CacheOptions::default())?;
//! let (engine, origin) = cache.get_or_build(&key, &|| false, || build())?;
//! # Ok(()) }
//! ```

mod directory;
mod envelope;
mod files;
mod key;
mod label;
mod location;
mod lock;
mod maintenance;
mod timings;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rave_core::{Error, Log, LogLevel, Result, Status};
use rave_ledger::{Act, Ledger};

use self::directory::{Directory, mark_used, unusable};
use self::envelope::Fault;
use self::label::Label;
use self::lock::EntryLock;
use crate::Mode;

pub use self::key::{EngineKey, Platform, ShapeRange};
pub use self::maintenance::{Entry, EntryKind, Pruned};

/// How many bytes [`CacheOptions::max_bytes`] is by default: 10 GiB.
pub const DEFAULT_MAX_BYTES: u64 = 10 << 30;

/// How a cache is opened.
#[derive(Clone, Debug)]
pub struct CacheOptions {
    /// Its directory; `None` is `$XDG_CACHE_HOME/rave`, or `~/.cache/rave`.
    pub dir: Option<PathBuf>,
    /// Whether a damaged entry, or a directory that cannot be written, is an error ([`Mode::Strict`]), or is told in a
    /// warning and built around ([`Mode::Hardened`]). What others could have written is an error in both.
    pub mode: Mode,
    /// How large the files may be in all; whenever one is added, the least recently used make room.
    pub max_bytes: u64,
    /// Where messages go.
    pub log: Log,
    /// Where what hardened mode does is taken down.
    pub ledger: Ledger,
}

impl Default for CacheOptions {
    fn default() -> Self {
        CacheOptions {
            dir: None,
            mode: Mode::default(),
            max_bytes: DEFAULT_MAX_BYTES,
            log: Log::default(),
            ledger: Ledger::default(),
        }
    }
}

/// Where an engine came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the cache, where this or another process had put it.
    Cache,
    /// It was built now, and is in the cache for the next time.
    Built,
    /// It was built now, and is not in the cache: there is no room for it, or the directory cannot be written.
    BuiltNotKept,
}

/// A directory of built engines. It may be used from several threads and processes at once.
#[derive(Debug)]
pub struct EngineCache {
    /// `None` where nothing is kept.
    directory: Option<Directory>,
    mode: Mode,
    max_bytes: u64,
    log: Log,
    ledger: Ledger,
    /// Whether the user was told that the directory cannot be used.
    warned: AtomicBool,
}

/// What [`EngineCache::claim`] found.
enum Claim<'a> {
    /// The engine.
    Found(Vec<u8>),
    /// None, and the right to put one there.
    Vacant(&'a Directory, EntryLock<'a>),
    /// No place for one.
    Nowhere,
}

impl EngineCache {
    /// Opens the cache, makes its directory where there is none, and removes what killed writers have left.
    ///
    /// # Errors
    /// [`Status::Untrusted`] where the directory is a symbolic link, belongs to another user or can be written by one.
    /// [`Status::InvalidParameter`] without a directory in `options` and in the environment. In [`Mode::Strict`]
    /// [`Status::Io`] where the directory cannot be made or read; in [`Mode::Hardened`] the cache then keeps nothing.
    pub fn open(options: CacheOptions) -> Result<EngineCache> {
        let CacheOptions { dir, mode, max_bytes, log, ledger } = options;
        let path = dir.map_or_else(|| location::default_directory(|name| std::env::var_os(name)), Ok)?;
        let mut cache =
            EngineCache { directory: None, mode, max_bytes, log, ledger, warned: AtomicBool::new(false) };
        match Directory::open(&path) {
            Ok(directory) => {
                remove_leftovers(&directory);
                cache.directory = Some(directory);
            }
            Err(error) => cache.go_on_without(error)?,
        }
        Ok(cache)
    }

    /// A cache that keeps nothing: every engine is built.
    #[must_use]
    pub fn disabled() -> EngineCache {
        EngineCache {
            directory: None,
            mode: Mode::default(),
            max_bytes: 0,
            log: Log::default(),
            ledger: Ledger::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// Its directory, or `None` where it keeps nothing.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.directory.as_ref().map(Directory::path)
    }

    /// The engine of `key`: from the cache if it is there, or else from `build`, whose result is kept.
    ///
    /// Of several threads and processes that ask for one key, one builds while the others wait; a message says so
    /// after a second. Should the builder die, another takes over. While it waits, this calls `cancelled` many times
    /// a second, and gives up when that says yes; `build` has to see to its own cancellation. Other keys are not held
    /// up. `build` is called at most once.
    ///
    /// # Errors
    /// Those of `build`, after which nothing is kept, and [`Status::Cancelled`]. [`Status::Untrusted`] for an entry
    /// that another user could have written. In [`Mode::Strict`] also [`Status::ModelLoadFailed`] for an entry that is
    /// not as it was written, and [`Status::Io`] where the entry cannot be kept: before `build` is called where that
    /// can be told by then.
    pub fn get_or_build(
        &self,
        key: &EngineKey,
        cancelled: &dyn Fn() -> bool,
        build: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<(Vec<u8>, Origin)> {
        let label = key.label();
        match self.claim(&label, cancelled)? {
            Claim::Found(engine) => Ok((engine, Origin::Cache)),
            Claim::Nowhere => Ok((build()?, Origin::BuiltNotKept)),
            Claim::Vacant(directory, lock) => {
                let engine = build()?;
                let kept = self.keep(directory, &lock, &label, &engine)?;
                Ok((engine, if kept { Origin::Built } else { Origin::BuiltNotKept }))
            }
        }
    }

    /// The engine of `label`, or the right to put it there, for which this may wait.
    fn claim(&self, label: &Label, cancelled: &dyn Fn() -> bool) -> Result<Claim<'_>> {
        let Some(directory) = &self.directory else { return Ok(Claim::Nowhere) };
        let problem = match read(directory, label) {
            Ok(Some(engine)) => return Ok(Claim::Found(engine)),
            Ok(None) => None,
            Err(error) if !self.recovers_from(&error) => return Err(error),
            // Looked at once more below, with the right to do something about it.
            Err(error) => Some(error),
        };
        let lock = match EntryLock::take(directory, &label.stem(), cancelled, &self.log) {
            Ok(lock) => lock,
            Err(error) => {
                self.go_on_without(error)?;
                if let Some(problem) = problem {
                    self.log.write(LogLevel::Warning, format_args!("engine cache: {problem}"));
                }
                return Ok(Claim::Nowhere);
            }
        };
        // Whoever had the lock until now may have built it.
        match read(directory, label) {
            Ok(Some(engine)) => return Ok(Claim::Found(engine)),
            Ok(None) => {}
            Err(error) => self.put_aside(directory, label, error)?,
        }
        Ok(Claim::Vacant(directory, lock))
    }

    /// Renames an entry that failed with `error`, so that another can take its place and this one can be looked into.
    // RV-ENG-1403
    fn put_aside(&self, directory: &Directory, label: &Label, error: Error) -> Result<()> {
        if !self.recovers_from(&error) {
            return Err(error);
        }
        let (stem, kind) = (label.stem(), label.kind());
        let aside = files::quarantined(&stem);
        let message = format!("{error}; it is kept as {aside}, and the engine is built again");
        self.log.write(LogLevel::Warning, format_args!("engine cache: {message}"));
        let status = error.status().token().into();
        self.ledger.act(Act::CacheEntryPutAside { key: stem.clone(), status }, message);
        match directory.rename(&files::entry(&stem, kind), &aside) {
            Ok(()) => Ok(()),
            Err(error) => self.go_on_without(unusable(directory.path(), &error)),
        }
    }

    /// Writes the entry of `label`, and tells whether it is there.
    fn keep(
        &self,
        directory: &Directory,
        _lock: &EntryLock<'_>,
        label: &Label,
        payload: &[u8],
    ) -> Result<bool> {
        let head = envelope::head(label, payload);
        let bytes = head.len() as u64 + payload.len() as u64;
        if bytes > self.max_bytes || !envelope::takes(label) {
            let path = directory.path().display();
            let most = self.max_bytes;
            self.log.write(
                LogLevel::Warning,
                format_args!(
                    "engine cache {path}: an engine of {bytes} bytes is not kept, where {most} may be in all; it is \
                     built again the next time"
                ),
            );
            return Ok(false);
        }
        let stem = label.stem();
        let name = files::entry(&stem, label.kind());
        match directory.replace(&files::temporary(&stem), &name, &[&head, payload]) {
            Ok(()) => {}
            Err(error) => {
                return self.go_on_without(unusable(&directory.path_of(&name), &error)).map(|()| false);
            }
        }
        match maintenance::prune(directory, self.max_bytes, Some(&name)) {
            Ok(_) => {}
            Err(error) => self.go_on_without(error)?,
        }
        Ok(true)
    }

    /// Whether the cache goes on after `error`: never where somebody else may have had a hand in it.
    fn recovers_from(&self, error: &Error) -> bool {
        self.mode == Mode::Hardened && (error.status() == Status::ModelLoadFailed || is_of_storage(error))
    }

    /// Takes the failure of the directory as the mode has it: as an error, or as a warning, the first time.
    // RV-ENG-1408
    fn go_on_without(&self, error: Error) -> Result<()> {
        if self.mode == Mode::Strict || !is_of_storage(&error) {
            return Err(error);
        }
        let level =
            if self.warned.swap(true, Ordering::Relaxed) { LogLevel::Verbose } else { LogLevel::Warning };
        self.log.write(level, format_args!("{error}; engines are used without being kept"));
        self.ledger.act(Act::WithoutCache { status: error.status().token().into() }, error);
        Ok(())
    }
}

/// Whether `error` says that a file system does not do what it is asked to, and nothing worse.
fn is_of_storage(error: &Error) -> bool {
    matches!(error.status(), Status::Io | Status::PermissionDenied | Status::FileNotFound)
}

/// The payload of the entry of `label`, checked whole, or `None` if there is no such entry.
// RV-ENG-1402
fn read(directory: &Directory, label: &Label) -> Result<Option<Vec<u8>>> {
    let name = files::entry(&label.stem(), label.kind());
    let Some((mut file, bytes)) = directory.read(&name)? else { return Ok(None) };
    let payload = envelope::read_head(&mut file, bytes).and_then(|head| {
        if head.label != *label {
            return Err(another_entry(&head.label));
        }
        head.read_payload(&mut file)
    });
    let payload = payload.map_err(|fault| fault_of(directory, &name, fault))?;
    // Where this cannot be noted, as on a file system that is read-only, nothing is pruned either.
    let _ = mark_used(&file);
    Ok(Some(payload))
}

fn another_entry(label: &Label) -> Fault {
    Fault::Damaged {
        found: format!("it holds the entry {}.{}", label.stem(), label.kind().extension()),
        expected: "the one that it is named after".into(),
    }
}

/// The error of the file `name`.
fn fault_of(directory: &Directory, name: &str, fault: Fault) -> Error {
    let path = directory.path_of(name);
    match fault {
        Fault::Damaged { found, expected } => {
            Error::new(Status::ModelLoadFailed, format!("file {} is damaged: {found}", path.display()))
                .expected(expected)
                .help("remove it: it is then built again")
        }
        Fault::Io(error) => Error::io(&path, &error),
        Fault::OutOfMemory => {
            Error::new(Status::OutOfMemory, format!("file {}: no memory for its payload", path.display()))
        }
    }
}

/// Removes what writers that were killed have left behind: their locks are free, and nobody needs their files.
// RV-ENG-1406
fn remove_leftovers(directory: &Directory) {
    // What cannot be removed harms nobody, and is tried again by the next to come.
    for name in directory.names().unwrap_or_default() {
        if let Some((stem, files::Role::Temporary | files::Role::Lock)) = files::parse(&name)
            && let Ok(Some(_lock)) = EntryLock::try_take(directory, stem)
        {
            let _ = directory.remove(&files::temporary(stem));
        }
    }
}
