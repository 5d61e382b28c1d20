//! The evidence ledger: what a run decided that can change its results, and what came out of it.
//!
//! A [`Ledger`] takes [`Event`]s and makes of each a line of JSON. The last lines stay in memory, and all of them go to a
//! file where one is asked for. [`verify`] reads such a file and names the first line that is not as it was written.
//!
//! ```text
//! {"record":{"seq":2,"prev":"5e0c…","event":{"frame":{…}}},"sha256":"91ab…","meta":{"unix_ms":…},"seal":"07f3…"}
//! ```
//!
//! - `record` is what two equal runs have in common, byte for byte. `sha256` is the SHA-256 of its text, and `prev` that of
//!   the record before: a line that is changed, taken out, put in or moved breaks the chain there.
//! - `meta` is what differs from run to run and changes nothing: time, host, paths, numbers of threads. `seal` is the
//!   SHA-256 of `sha256` and the text of `meta`, so that no byte of a line is unguarded; it is not part of the chain.
//!
//! A chain proves that a ledger is whole, not who wrote it: whoever can write the file can write another chain. Keep the
//! last line's `sha256` elsewhere to be sure of that as well.
//!
//! Each line is written by one call into the system when it is made, so a process that is killed leaves whole lines, but
//! for one that it was writing. A failure to write never fails a frame: it is told, and the file stays as it is then.

#![forbid(unsafe_code)]

mod chain;
mod counts;
mod digest;
mod event;
mod file;
mod fingerprint;
mod ledger;
mod line;
mod verify;

pub use counts::Counts;
pub use digest::Digest;
pub use event::{
    Act, Closed, Colors, Crop, DeviceFacts, DeviceLost, EngineFacts, Event, Failed, Fallback, FrameDone,
    Freed, ModelLoaded, Opened, Repeat, SessionClosed, SessionOpened,
};
pub use fingerprint::{fingerprint, fingerprint_mut};
pub use ledger::{Every, Ledger, LedgerOptions};
pub use line::{Meta, Record};
pub use verify::{Ending, Entry, MAX_LINE, Verified, verify, verify_file};

/// The version of the lines. Whatever changes their meaning raises it.
pub const SCHEMA: u32 = 1;
