//! Where messages go: to a callback of the host program, never to standard output.

use std::fmt;
use std::sync::Arc;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum LogLevel {
    /// Something failed.
    Error = 1,
    /// Something is not as the user may think.
    Warning = 2,
    /// What a user wants to know once.
    Info = 3,
    /// What helps to understand a run.
    Verbose = 4,
    /// What helps to find a fault in RAVE.
    Debug = 5,
}

type Sink = dyn Fn(LogLevel, &str) + Send + Sync;

/// A destination of messages, cheap to clone. The default discards them.
#[derive(Clone, Default)]
pub struct Log(Option<(LogLevel, Arc<Sink>)>);

impl Log {
    /// Sends messages to `sink`, which may be called from any thread, also from several at once.
    pub fn new(sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Log::up_to(LogLevel::Debug, sink)
    }

    /// As [`Log::new`], for messages up to `level`: more verbose ones are not even put together.
    pub fn up_to(level: LogLevel, sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Log(Some((level, Arc::new(sink))))
    }

    /// Sends one message.
    pub fn write(&self, level: LogLevel, message: impl fmt::Display) {
        if let Some((most_verbose, sink)) = &self.0
            && level <= *most_verbose
        {
            sink(level, &message.to_string());
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Log(sink)" } else { "Log(discard)" })
    }
}
