//! One line: its parts, its text, and what is wrong with a text that is none.

use serde::{Deserialize, Serialize};

use crate::{Digest, Event};

/// The part of a line that is in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The line's number, from 0.
    pub seq: u64,
    /// The hash of the record before; zeros in the first.
    pub prev: Digest,
    /// What happened.
    pub event: Event,
}

/// What goes with a record and differs from run to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// When it was written: milliseconds since 1970.
    pub unix_ms: u64,
    /// The machine, of [`Event::Opened`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The file that a model was loaded from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The file of the inference library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library_path: Option<String>,
    /// CPU threads that were asked for, 0 for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// What was said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Record {
    /// The SHA-256 of the record's text, which the next line names.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of(text_of(self))
    }
}

/// A whole line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
// RV-LEDGER-1204
pub(crate) struct Line {
    pub(crate) record: Record,
    pub(crate) sha256: Digest,
    pub(crate) meta: Meta,
    pub(crate) seal: Digest,
}

/// What is wrong with a line, beside its place in the chain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Line {
    pub(crate) fn new(record: Record, meta: Meta) -> Self {
        let sha256 = record.hash();
        let seal = seal(sha256, &meta);
        Line { record, sha256, meta, seal }
    }

    /// The line's text, without the line feed.
    pub(crate) fn text(&self) -> String {
        text_of(self)
    }

    /// The line that `text`, without its line feed, is.
    // RV-LEDGER-1201
    pub(crate) fn parse(text: &[u8]) -> Result<Line, Fault> {
        let fault = |found: String, expected: &str| Fault { found, expected: expected.into() };
        let line: Line = serde_json::from_slice(text).map_err(|error| {
            fault(error.to_string(), "a line of a ledger, with the fields that this version knows")
        })?;
        let canonical = line.text();
        if canonical.as_bytes() != text {
            let column = text.iter().zip(canonical.as_bytes()).take_while(|(a, b)| a == b).count();
            return Err(fault(
                format!("column {} is not as it is written", column + 1),
                &tail(&canonical, column),
            ));
        }
        let sha256 = line.record.hash();
        if sha256 != line.sha256 {
            return Err(fault(
                format!("its record has the SHA-256 {sha256}, and it names {}", line.sha256),
                "these to be equal: a byte of one of them was changed",
            ));
        }
        let seal = seal(sha256, &line.meta);
        if seal != line.seal {
            return Err(fault(
                format!("its meta has the seal {seal}, and it names {}", line.seal),
                "these to be equal: a byte of one of them was changed",
            ));
        }
        Ok(line)
    }
}

fn seal(sha256: Digest, meta: &Meta) -> Digest {
    Digest::of(format!("{sha256}{}", text_of(meta)))
}

/// JSON without blanks, in the order of the fields.
fn text_of(value: &impl Serialize) -> String {
    // Serialising fails for maps with keys that are no strings, and for writers that fail: there are none of either.
    serde_json::to_string(value).unwrap_or_default()
}

/// Some of `text` from `column` on.
fn tail(text: &str, column: usize) -> String {
    let rest: String =
        String::from_utf8_lossy(&text.as_bytes()[column.min(text.len())..]).chars().take(24).collect();
    format!("`{rest}`")
}
