//! The lines of one chain: the last of them in memory, all of them in a file if there is one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use rave_core::Error;

use crate::file::LedgerFile;
use crate::line::Line;
use crate::{Digest, Event, Meta, Record};

/// How many lines stay in memory.
// RV-LEDGER-1004
pub(crate) const KEPT: usize = 1024;

/// The state that all who write to one chain share.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    seq: u64,
    prev: Digest,
    models: u32,
    sessions: u32,
    recent: VecDeque<String>,
    pub(crate) file: Option<LedgerFile>,
    /// The length of the whole lines that the file had when it was given up.
    pub(crate) written: u64,
    /// Whether it was given up because it could not be written.
    pub(crate) lost: bool,
    /// How many [`Ledger`](crate::Ledger)s write to it.
    pub(crate) users: usize,
}

impl Chain {
    /// A chain without a file, for one who writes.
    pub(crate) fn in_memory() -> Arc<Mutex<Chain>> {
        Arc::new(Mutex::new(Chain { users: 1, ..Chain::default() }))
    }

    /// Adds a line; the error, once, of a file that cannot be written any more.
    // RV-FILT-1115, RV-LEDGER-1001, RV-LEDGER-1006
    pub(crate) fn add(&mut self, event: Event, meta: Meta) -> Option<Error> {
        let line = Line::new(Record { seq: self.seq, prev: self.prev, event }, meta);
        let text = line.text();
        self.seq += 1;
        self.prev = line.sha256;
        let failed = self.file.as_mut().and_then(|file| file.write_line(&text).err());
        if failed.is_some() {
            // Its lines stay a whole beginning.
            self.lost = true;
            self.close_file();
        }
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(text);
        failed
    }

    fn close_file(&mut self) {
        if let Some(file) = self.file.take() {
            self.written = file.bytes();
        }
    }

    pub(crate) fn next_model(&mut self) -> u32 {
        self.models += 1;
        self.models - 1
    }

    pub(crate) fn next_session(&mut self) -> u32 {
        self.sessions += 1;
        self.sessions - 1
    }

    /// The line `seq`, while it is in memory.
    pub(crate) fn line(&self, seq: u64) -> Option<&str> {
        let first = self.seq - self.recent.len() as u64;
        let index = usize::try_from(seq.checked_sub(first)?).ok()?;
        self.recent.get(index).map(String::as_str)
    }

    pub(crate) fn lines(&self) -> u64 {
        self.seq
    }

    /// Gives up what only somebody who writes needs.
    pub(crate) fn rest(&mut self) {
        self.close_file();
        self.recent = VecDeque::new();
    }
}
