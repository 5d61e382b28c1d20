//! Reading a ledger, and telling whether it is as it was written.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use rave_core::{Error, Result, Status};

use crate::line::{Fault, Line};
use crate::{Digest, Event, Meta, Record, SCHEMA};

/// More bytes than a line ever has.
pub const MAX_LINE: usize = 64 << 10;

/// A line that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is in the chain.
    pub record: Record,
    /// What goes with it.
    pub meta: Meta,
}

/// How a ledger ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With the lines of all who opened it.
    Closed,
    /// Before: its process was killed, runs yet, or lines are missing at the end.
    Open,
    /// With this many bytes that are no whole line; the lines before are as they were written.
    Torn(usize),
}

/// What was found to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whole lines.
    pub lines: u64,
    /// How it ends.
    pub ending: Ending,
    /// The hash of the last record. Whoever keeps it elsewhere can tell any other ledger from this one.
    pub last: Digest,
}

/// Verifies the file at `path`, as [`verify`].
///
/// # Errors
/// Those of [`verify`], and of opening the file; [`Status::Io`] for what is no regular file.
pub fn verify_file(path: &Path, each: impl FnMut(Entry) -> Result<()>) -> Result<Verified> {
    let io = |error| Error::io(path, &error);
    // Asked before it is opened, which would wait for the writer of a FIFO.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(Error::new(Status::Io, format!("{} is not a regular file", path.display()))
            .expected("the file of a ledger"));
    }
    let file = File::open(path).map_err(io)?;
    verify(&path.display().to_string(), BufReader::new(file), each)
}

/// Reads a ledger, called `name` in messages, and calls `each` with every line that is right so far.
///
/// # Errors
/// [`Status::Untrusted`] for the first line that is not as it was written, by its number from 1, with what was found and
/// what was expected: a byte that was changed, a field that is unknown or there twice, a line that is missing, moved or
/// put in. [`Status::Io`] where it cannot be read. The errors of `each`.
// RV-LEDGER-1201, RV-LEDGER-1202, RV-LEDGER-1203
pub fn verify(
    name: &str,
    mut reader: impl BufRead,
    mut each: impl FnMut(Entry) -> Result<()>,
) -> Result<Verified> {
    let mut found = Verified { lines: 0, ending: Ending::Open, last: Digest::default() };
    let mut text = Vec::new();
    // Who wrote to it and has not closed it yet.
    let mut writers = 0u64;
    loop {
        let number = found.lines + 1;
        text.clear();
        let taken = (&mut reader).take(MAX_LINE as u64).read_until(b'\n', &mut text);
        taken.map_err(|error| Error::io(Path::new(name), &error))?;
        let broken = |Fault { found, expected }: Fault| {
            Error::new(Status::Untrusted, format!("ledger {name}, line {number}: {found}")).expected(expected)
        };
        match text.last() {
            None if found.lines == 0 => {
                return Err(broken(fault("nothing is there", "the line of its beginning")));
            }
            None => return Ok(found),
            Some(b'\n') => _ = text.pop(),
            Some(_) if text.len() == MAX_LINE => {
                return Err(broken(fault(
                    format!("it has more than {MAX_LINE} bytes"),
                    "a line of a ledger",
                )));
            }
            Some(_) => {
                found.ending = Ending::Torn(text.len());
                return Ok(found);
            }
        }
        let Line { record, sha256, meta, .. } = match Line::parse(&text) {
            Ok(line) => line,
            Err(fault) => return Err(broken(other_schema(&text).filter(|_| number == 1).unwrap_or(fault))),
        };
        in_chain(&record, &found).map_err(broken)?;
        found.lines += 1;
        found.last = sha256;
        match record.event {
            Event::Opened(_) => writers += 1,
            Event::Closed(_) => writers = writers.saturating_sub(1),
            _ => {}
        }
        let closed = writers == 0 && matches!(record.event, Event::Closed(_));
        found.ending = if closed { Ending::Closed } else { Ending::Open };
        each(Entry { record, meta })?;
    }
}

/// Whether `record` comes after what was read `before`.
fn in_chain(record: &Record, before: &Verified) -> Result<(), Fault> {
    let seq = before.lines;
    if record.seq != seq {
        return Err(fault(
            format!("it is the record {}", record.seq),
            format!("the record {seq}: lines are missing, were put in, or moved"),
        ));
    }
    if record.prev != before.last {
        return Err(fault(
            format!("it follows the record with the SHA-256 {}", record.prev),
            format!("{}, that of the line before: this one is of another ledger", before.last),
        ));
    }
    match &record.event {
        Event::Opened(opened) if opened.schema == SCHEMA => Ok(()),
        Event::Opened(opened) => Err(fault(format!("its schema is {}", opened.schema), SCHEMA.to_string())),
        _ if seq == 0 => Err(fault("a ledger does not begin with it", "the event `opened`")),
        _ => Ok(()),
    }
}

/// That `text` begins a ledger of another schema, whose fields are unknown.
fn other_schema(text: &[u8]) -> Option<Fault> {
    let line: serde_json::Value = serde_json::from_slice(text).ok()?;
    let schema = line.pointer("/record/event/opened/schema")?.as_u64()?;
    (schema != u64::from(SCHEMA)).then(|| fault(format!("its schema is {schema}"), SCHEMA.to_string()))
}

fn fault(found: impl Into<String>, expected: impl Into<String>) -> Fault {
    Fault { found: found.into(), expected: expected.into() }
}
