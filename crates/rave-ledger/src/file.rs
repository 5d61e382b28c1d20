//! The file of a ledger.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rave_core::{Error, Result, Status};
use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::chain::Chain;

/// What a file is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

/// The chain of each file that this process has written.
type Files = Vec<(Identity, Arc<Mutex<Chain>>)>;

/// FFmpeg tears its filter graph down and builds it anew on every change of the stream: who asks for a file again goes
/// on with it, and only a new process begins anew.
static FILES: Mutex<Files> = Mutex::new(Vec::new());

/// An open file with whole lines in it.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    file: File,
    path: PathBuf,
    /// How long it is.
    bytes: u64,
}

impl LedgerFile {
    /// How long it is.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes a line with one call into the system, and keeps none back: what a kill leaves are whole lines.
    // RV-FILT-1116, RV-LEDGER-1005
    pub(crate) fn write_line(&mut self, text: &str) -> Result<()> {
        let line = format!("{text}\n");
        self.file.write_all(line.as_bytes()).map_err(|error| {
            // Nothing more can be done about it: a torn last line is reported when the file is read.
            let _ = self.file.set_len(self.bytes);
            Error::io(&self.path, &error)
        })?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

impl Drop for LedgerFile {
    /// Closing it is not enough: a child that another thread has just forked has it, too, until it runs its program, and who
    /// names the file again meanwhile would find it busy.
    fn drop(&mut self) {
        // What cannot be unlocked is so when the last who has it closes it.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

/// The chain that goes to the file at `path`: that of the file, if this process has written it already, or a new one in
/// place of what is there.
///
/// # Errors
/// Those of opening a file; [`Status::Untrusted`] for a symbolic link, [`Status::Io`] for what is no regular file, and
/// [`Status::Busy`] for a file that another process writes.
pub(crate) fn open(path: &Path) -> Result<Arc<Mutex<Chain>>> {
    let io = |error: io::Error| Error::io(path, &error).context("ledger");
    // RV-LEDGER-1007
    // Without O_NONBLOCK, opening a FIFO waits for a reader.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::LOOP) => {
            return Err(Error::new(
                Status::Untrusted,
                format!("ledger: file {} is a symbolic link", path.display()),
            )
            .expected("a file of its own: no link is followed")
            .help("name the file itself, or another one"));
        }
        // A FIFO that nobody reads.
        Err(rustix::io::Errno::NXIO) => return Err(not_regular(path)),
        Err(error) => return Err(io(error.into())),
    };
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(not_regular(path));
    }
    let identity = Identity { device: metadata.dev(), inode: metadata.ino() };
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = files.iter().find(|(other, _)| *other == identity).map(|(_, chain)| Arc::clone(chain));
    let chain = known.unwrap_or_default();
    let mut state = chain.lock().unwrap_or_else(PoisonError::into_inner);
    if state.users == 0 {
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Error::new(
                Status::Busy,
                format!("ledger: file {} is being written by another process", path.display()),
            )
            .help("name another file for each process")
        })?;
        // What somebody else has put there since is not gone on with. Asked of a file that nobody else writes any more.
        let bytes = file.metadata().map_err(io)?.len();
        if state.lines() == 0 || state.written == 0 || bytes != state.written {
            *state = Chain::default();
            file.set_len(0).map_err(io)?;
        }
        // Lines that could not be written are missing there: what came before stays, and nothing is put behind it.
        if !state.lost {
            let bytes = file.seek(SeekFrom::End(0)).map_err(io)?;
            state.file = Some(LedgerFile { file, path: path.to_owned(), bytes });
        }
    }
    state.users += 1;
    drop(state);
    files.retain(|(other, _)| *other != identity);
    files.push((identity, Arc::clone(&chain)));
    Ok(chain)
}

fn not_regular(path: &Path) -> Error {
    Error::new(Status::Io, format!("ledger: {} is not a regular file", path.display()))
        .expected("a file to write, or none yet")
}
