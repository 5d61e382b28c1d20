//! What is told beside a command's result.

use std::fmt::Display;
use std::io::Write;

use rave_core::{Log, LogLevel};

/// Messages of `level` and more serious ones, as lines of standard error.
pub(crate) fn to_stderr(level: LogLevel) -> Log {
    Log::up_to(level, |_, message| tell(format_args!("rave: {message}")))
}

/// A line on standard error. Where nobody takes it, as on a terminal that is gone, the work goes on without.
// RV-CLI-1001
pub(crate) fn tell(line: impl Display) {
    _ = writeln!(std::io::stderr(), "{line}");
}
