//! Signals that ask the command to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rave_core::{Error, Result, Status};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that came, if one did, and that one did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>, Arc<AtomicBool>);

impl Interrupt {
    /// From here on Ctrl-C and its like only leave word here the first time; the second time they end the process, which may
    /// be waiting for a pipe that nobody serves. What is ignored stays so: nohup and shells start what is to outlast them so.
    // RV-CLI-1706
    pub(crate) fn watch(&self) -> Result<()> {
        let watch = |signal: i32| {
            // Looked at before this signal is noted: they are called in the order in which they were registered.
            flag::register_conditional_default(signal, Arc::clone(&self.1))?;
            flag::register(signal, Arc::clone(&self.1))?;
            flag::register_usize(signal, Arc::clone(&self.0), signal as usize).map(drop)
        };
        let ignored = ignored();
        let mut heeded =
            [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        heeded.try_for_each(watch).map_err(|error: io::Error| {
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

/// The signals that this process was started to ignore: bit 0 is signal 1. None where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
