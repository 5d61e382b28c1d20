//! What is told beside a command's result.

use rave_core::{Log, LogLevel};

/// Messages of `level` and more serious ones, as lines of standard error.
// RV-CLI-1001
pub(crate) fn to_stderr(level: LogLevel) -> Log {
    Log::up_to(level, |_, message| eprintln!("rave: {message}"))
}
