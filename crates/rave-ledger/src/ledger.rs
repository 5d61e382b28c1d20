//! Who writes a ledger.

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rave_core::{Error, Log, LogLevel, Result};

use crate::chain::Chain;
use crate::line::Line;
use crate::{Act, Closed, Counts, Event, Failed, MAX_LINE, Meta, Opened, SCHEMA, file};

/// Every how many frames one is recorded with the fingerprints of its input and output; `None` is none.
pub type Every = Option<NonZero<u32>>;

/// How a ledger is opened.
#[derive(Clone, Debug, Default)]
pub struct LedgerOptions {
    /// The file that lines go to; `None` keeps the last ones in memory only.
    pub path: Option<PathBuf>,
    /// Which frames are recorded.
    pub every: Every,
    /// Where it is told that the file cannot be written any more.
    pub log: Log,
}

/// Takes down what happens. Clones are the same ledger; any thread may write.
///
/// The default is one of its own in memory, which records no frame. The last clone that goes writes the last line.
#[derive(Clone)]
pub struct Ledger(Arc<Writer>);

struct Writer {
    chain: Arc<Mutex<Chain>>,
    counts: Mutex<Counts>,
    every: Every,
    log: Log,
}

impl Ledger {
    /// Opens a ledger. A file is begun anew by each process; within one, whoever names it again goes on with it.
    ///
    /// # Errors
    /// For a file that cannot be created or opened, those of [`Error::io`];
    /// [`Status::Untrusted`](rave_core::Status::Untrusted) for a symbolic link,
    /// [`Status::Io`](rave_core::Status::Io) for what is no regular file, and
    /// [`Status::Busy`](rave_core::Status::Busy) for a file that another process is writing.
    pub fn open(options: LedgerOptions) -> Result<Self> {
        let LedgerOptions { path, every, log } = options;
        let chain = match &path {
            Some(path) => file::open(path)?,
            None => Chain::in_memory(),
        };
        let given_up = chain.lock().unwrap_or_else(PoisonError::into_inner).lost;
        if let (true, Some(path)) = (given_up, &path) {
            // RV-LEDGER-1006
            let path = path.display();
            log.write(
                LogLevel::Warning,
                format_args!(
                    "ledger: {path} could not be written before: it is left as it is, and gets no more lines"
                ),
            );
        }
        let (ledger, failed) = Ledger::of(chain, every, log);
        // A ledger that cannot even begin is not what was asked for.
        failed.map_or(Ok(ledger), |error| {
            Err(error.context("ledger").help("make room, or name a file on another disk"))
        })
    }

    fn of(chain: Arc<Mutex<Chain>>, every: Every, log: Log) -> (Self, Option<Error>) {
        let ledger = Ledger(Arc::new(Writer { chain, counts: Mutex::default(), every, log }));
        let opened = Opened {
            schema: SCHEMA,
            rave: env!("CARGO_PKG_VERSION").into(),
            every: every.map_or(0, NonZero::get),
        };
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let failed = ledger.0.write(Event::Opened(opened), Meta { host: Some(host), ..Meta::default() });
        (ledger, failed)
    }

    /// Adds a line.
    pub fn record(&self, event: Event) {
        self.record_with(event, Meta::default());
    }

    /// Adds a line, with what differs from run to run; the time is filled in.
    pub fn record_with(&self, event: Event, meta: Meta) {
        self.0.add(event, meta);
    }

    /// Adds the line of something that hardened mode did, and what was said of it.
    // RV-LEDGER-1003
    pub fn act(&self, act: Act, message: impl fmt::Display) {
        let message = Some(shortened(message.to_string()));
        self.record_with(Event::Act(act), Meta { message, ..Meta::default() });
    }

    /// Adds the line of a failure of `what`, which whoever asked is told.
    pub fn failed(&self, what: &str, session: Option<u32>, frame: Option<u64>, error: &Error) {
        let status = error.status().token().into();
        let failed = Failed { what: what.into(), session, frame, status };
        let message = Some(shortened(error.to_string()));
        self.record_with(Event::Failed(failed), Meta { message, ..Meta::default() });
    }

    /// A number for a model that is loaded.
    #[must_use]
    pub fn next_model(&self) -> u32 {
        self.0.chain().next_model()
    }

    /// A number for a session that is made.
    #[must_use]
    pub fn next_session(&self) -> u32 {
        self.0.chain().next_session()
    }

    /// Whether frame `number` of a session is recorded.
    #[must_use]
    pub fn wants(&self, number: u64) -> bool {
        self.0.every.is_some_and(|every| number.is_multiple_of(u64::from(every.get())))
    }

    /// What was told so far. Never waits for a file.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Line `seq` of the chain, without its line feed, while it is among the last in memory.
    #[must_use]
    pub fn line(&self, seq: u64) -> Option<String> {
        self.0.chain().line(seq).map(str::to_owned)
    }

    /// The event of line `seq`, while that is among the last in memory.
    #[must_use]
    pub fn event(&self, seq: u64) -> Option<Event> {
        let line = Line::parse(self.line(seq)?.as_bytes()).ok()?;
        Some(line.record.event)
    }

    /// How many lines the chain has.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.0.chain().lines()
    }
}

impl Writer {
    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, event: Event, meta: Meta) {
        // Outside of the locks: a log may ask for counts.
        if let Some(error) = self.write(event, meta) {
            let error = error.help("the ledger's file is not written any more; the run goes on");
            self.log.write(LogLevel::Warning, format_args!("ledger: {error}"));
        }
    }

    /// Adds a line; the error, once, of a file that cannot be written any more.
    fn write(&self, event: Event, mut meta: Meta) -> Option<Error> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        meta.unix_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(&event);
        self.chain().add(event, meta)
    }
}

/// The beginning of a message that is longer than a line of a ledger bears. Where it is written in JSON, a byte may become six.
fn shortened(mut message: String) -> String {
    const MOST: usize = MAX_LINE / 8;
    if message.len() > MOST {
        message.truncate((0..=MOST).rev().find(|&at| message.is_char_boundary(at)).unwrap_or(0));
        message.push('…');
    }
    message
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger::of(Chain::in_memory(), None, Log::default()).0
    }
}

impl Drop for Writer {
    // RV-LEDGER-1002
    fn drop(&mut self) {
        let counts = *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.add(Event::Closed(Closed { counts }), Meta::default());
        let mut chain = self.chain();
        chain.users -= 1;
        if chain.users == 0 {
            chain.rest();
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger({} lines)", self.lines())
    }
}
