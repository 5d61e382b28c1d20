//! Signals that ask the command to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rave_core::{Error, Result, Status};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that came, if one did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// From here on Ctrl-C and its like only leave word here.
    pub(crate) fn watch(&self) -> Result<()> {
        let watch =
            |signal: i32| flag::register_usize(signal, Arc::clone(&self.0), signal as usize).map(drop);
        [SIGINT, SIGTERM, SIGHUP].into_iter().try_for_each(watch).map_err(|error: io::Error| {
            Error::new(Status::Unknown, format!("signals cannot be watched for: {error}"))
        })
    }

    /// Whether the command is to end.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// The exit code of a process that a signal ended.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        let signal = u8::try_from(self.0.load(Ordering::Relaxed)).ok()?;
        (signal > 0).then_some(128 + signal)
    }
}
