//! What TensorRT says through its logger and error recorder, kept until the call that failed asks for it.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, ThreadId};

use rave_core::{Error, Log, LogLevel, Result, Status};

use crate::sys;

/// How many errors are kept for a call to ask for; the oldest go first.
const KEPT: usize = 16;

/// `nvinfer1::ErrorCode`, the ones that mean more than "it failed".
mod code {
    pub(super) const INTERNAL_ERROR: i32 = 2;
    pub(super) const FAILED_ALLOCATION: i32 = 5;
    pub(super) const FAILED_EXECUTION: i32 = 7;
    pub(super) const FAILED_COMPUTATION: i32 = 8;
}

struct Fault {
    thread: ThreadId,
    /// From the logger only where the text has one.
    code: Option<i32>,
    text: String,
}

/// The receiving end of the logger and error recorder of one runtime or build.
///
/// Never freed, like the shim's bridge: TensorRT keeps the first logger that it gets for messages that belong to no
/// object, and may send one at any time. After [`Faults::close`] they go nowhere.
pub(crate) struct Faults {
    log: RwLock<Log>,
    /// Whether `list` holds anything: what a frame's call looks at.
    any: AtomicBool,
    list: Mutex<Vec<Fault>>,
    /// TensorRT reported an internal error, after which it promises nothing for further calls.
    poisoned: AtomicBool,
}

impl Faults {
    pub(crate) fn new(log: Log) -> Self {
        Faults {
            log: RwLock::new(log),
            any: AtomicBool::new(false),
            list: Mutex::new(Vec::new()),
            poisoned: AtomicBool::new(false),
        }
    }

    /// Lets go of the host's log function, which may not be called once the runtime has ended.
    // RV-TRT-1205
    pub(crate) fn close(&self) {
        *self.log.write().unwrap_or_else(PoisonError::into_inner) = Log::default();
    }

    fn write(&self, level: LogLevel, message: fmt::Arguments<'_>) {
        // A clone, so that no lock is held while the host's function runs.
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner).clone();
        log.write(level, message);
    }

    /// The shim's view of `self`, which must not move or end while the shim holds it.
    pub(crate) fn sink(&self) -> sys::Sink {
        sys::Sink { user: std::ptr::from_ref(self).cast_mut().cast(), log: on_log, error: on_error }
    }

    /// Forgets what earlier calls of this thread left behind, and refuses to go on after an internal error.
    pub(crate) fn begin(&self) -> Result<()> {
        if self.any.load(Ordering::Acquire) {
            let own = thread::current().id();
            let mut list = self.lock();
            list.retain(|fault| fault.thread != own);
            self.any.store(!list.is_empty(), Ordering::Release);
        }
        self.check()
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // RV-TRT-1201
    fn check(&self) -> Result<()> {
        if self.is_poisoned() {
            return Err(Error::new(
                Status::InferenceFailed,
                "TensorRT reported an internal error earlier, after which it cannot be called again",
            )
            .help("load the model again with a new runtime; if that fails too, restart the process"));
        }
        Ok(())
    }

    /// The error of a call that failed: `status` unless TensorRT's codes say better, and what it said.
    pub(crate) fn error(&self, status: Status, what: &str) -> Error {
        let (class, text) = self.take();
        Error::new(class.unwrap_or(status), format!("{what}: {text}"))
    }

    /// The class that the codes of this thread's errors say, if they say one, and the texts. If this thread has none,
    /// those of all threads: TensorRT also works on threads of its own.
    pub(crate) fn take(&self) -> (Option<Status>, String) {
        let mut list = self.lock();
        let own = thread::current().id();
        let everyone = !list.iter().any(|fault| fault.thread == own);
        let taken: Vec<Fault> = list.extract_if(.., |fault| everyone || fault.thread == own).collect();
        self.any.store(!list.is_empty(), Ordering::Release);
        let class = taken.iter().find_map(|fault| match fault.code? {
            code::FAILED_ALLOCATION => Some(Status::OutOfMemory),
            code::FAILED_EXECUTION | code::FAILED_COMPUTATION => Some(Status::InferenceFailed),
            _ => None,
        });
        // An error may come both ways, and then the recorder's text may be cut.
        let mut texts: Vec<&str> = Vec::new();
        for Fault { text, .. } in &taken {
            if !text.is_empty() && !texts.iter().any(|known| known.contains(text.as_str())) {
                texts.push(text);
            }
        }
        let text = if texts.is_empty() { "no detail from TensorRT".into() } else { texts.join("; ") };
        (class, text)
    }

    fn keep(&self, code: Option<i32>, text: String) {
        if code == Some(code::INTERNAL_ERROR) {
            self.poisoned.store(true, Ordering::Release);
        }
        let mut list = self.lock();
        if list.len() == KEPT {
            list.remove(0);
        }
        list.push(Fault { thread: thread::current().id(), code, text });
        self.any.store(true, Ordering::Release);
    }
}

/// TensorRT's text: UTF-8 in all we saw, shown as far as it is.
///
/// # Safety
/// `text` is null or a NUL-terminated string that lives through the call.
// RV-FILT-1102
unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by this function's own precondition.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The number in a message such as "[x.cpp::f::1] Error Code 5: Out of memory (...)". Runtimes that have no error
/// recorder, because they are being made or are too old for ours, tell it in the text only.
fn code_in(text: &str) -> Option<i32> {
    let (_, rest) = text.split_once("Error Code ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// A message from TensorRT. Errors reach the user in the [`Error`] of the call that failed, so here they are only noted.
unsafe extern "C" fn on_log(user: *mut c_void, severity: i32, message: *const c_char) {
    // A panic in the host's log function must not unwind through TensorRT, and there is nobody to tell it.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: user is the Faults of Faults::sink, which outlives the shim's bridge; only shared access happens.
        let faults = unsafe { &*user.cast::<Faults>() };
        // SAFETY: ILogger::log gets a NUL-terminated string that lives through the call.
        let text = unsafe { text_of(message) };
        let level = match severity {
            0 | 1 => LogLevel::Verbose,
            // A second runtime is nothing to warn a user of.
            2 if text.contains("logger passed into") => LogLevel::Debug,
            2 => LogLevel::Warning,
            3 => LogLevel::Verbose,
            _ => LogLevel::Debug,
        };
        faults.write(level, format_args!("TensorRT: {text}"));
        if severity <= 1 {
            faults.keep(code_in(&text), text);
        }
    }));
}

/// An error with a code from TensorRT.
unsafe extern "C" fn on_error(user: *mut c_void, code: i32, description: *const c_char) {
    // As in on_log.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as in on_log.
        let faults = unsafe { &*user.cast::<Faults>() };
        // SAFETY: IErrorRecorder::reportError gets a NUL-terminated string that lives through the call.
        let text = unsafe { text_of(description) };
        faults.write(LogLevel::Verbose, format_args!("TensorRT: error {code}: {text}"));
        faults.keep(Some(code), text);
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn report(faults: &Faults, code: i32, text: &CStr) {
        let sink = faults.sink();
        // SAFETY: sink.user is `faults`, alive here; text is NUL-terminated.
        unsafe { (sink.error)(sink.user, code, text.as_ptr()) };
    }

    #[test]
    fn an_error_carries_what_was_said_and_the_class_of_the_code() {
        let faults = Faults::new(Log::default());
        report(&faults, code::FAILED_ALLOCATION, c"no  memory\n");
        let error = faults.error(Status::ModelLoadFailed, "engine x");
        assert_eq!(error.status(), Status::OutOfMemory);
        assert_eq!(error.to_string(), "[OUT_OF_MEMORY] engine x: no memory");
        let error = faults.error(Status::ModelLoadFailed, "engine x");
        assert!(error.to_string().contains("no detail from TensorRT"), "{error}");
    }

    /// RV-TRT-1205
    #[test]
    fn after_the_runtimes_end_the_hosts_log_function_is_not_called() {
        let messages = std::sync::Arc::new(AtomicUsize::new(0));
        let seen = std::sync::Arc::clone(&messages);
        let faults = Faults::new(Log::new(move |_, _| _ = seen.fetch_add(1, Ordering::Relaxed)));
        report(&faults, 1, c"early");
        faults.close();
        report(&faults, 1, c"late");
        assert_eq!(messages.load(Ordering::Relaxed), 1);
        assert_eq!(std::sync::Arc::strong_count(&messages), 1);
    }

    #[test]
    fn a_code_in_the_loggers_text_counts_as_one() {
        let said = |text: &CStr| {
            let faults = Faults::new(Log::default());
            let sink = faults.sink();
            // SAFETY: as in report.
            unsafe { (sink.log)(sink.user, 1, text.as_ptr()) };
            (faults.error(Status::ModelLoadFailed, "x").status(), faults.is_poisoned())
        };
        assert_eq!(said(c"[a.cpp::f::1] Error Code 5: Memory"), (Status::OutOfMemory, false));
        assert_eq!(said(c"2: [a.cpp::f::1] Error Code 2: Internal Error"), (Status::ModelLoadFailed, true));
        assert_eq!(said(c"Error Code 4: Internal Error (no engine)"), (Status::ModelLoadFailed, false));
        assert_eq!(said(c"Error Code x, 5 times"), (Status::ModelLoadFailed, false));
    }

    #[test]
    fn an_internal_error_ends_the_use_of_the_runtime() {
        let faults = Faults::new(Log::default());
        faults.begin().unwrap();
        report(&faults, code::INTERNAL_ERROR, c"assertion");
        assert!(faults.begin().is_err());
        assert!(faults.begin().is_err());
    }

    /// RV-TRT-1205
    #[test]
    fn a_panic_in_the_hosts_log_function_stays_inside_the_callback() {
        let faults = Faults::new(Log::new(|_, _| panic!("host")));
        let sink = faults.sink();
        // SAFETY: as in report.
        unsafe { (sink.log)(sink.user, 1, c"text".as_ptr()) };
    }

    #[test]
    fn a_call_that_begins_forgets_its_own_threads_errors_only() {
        let faults = Faults::new(Log::default());
        report(&faults, 3, c"");
        assert!(faults.error(Status::Unknown, "x").to_string().contains("no detail"));
        thread::scope(|scope| {
            scope.spawn(|| report(&faults, 3, c"theirs")).join().unwrap();
        });
        for _ in 0..3 {
            report(&faults, 3, c"stale");
            faults.begin().unwrap();
        }
        assert!(faults.error(Status::Unknown, "x").to_string().ends_with("theirs"));
        for _ in 0..2 * KEPT {
            report(&faults, 3, c"old");
        }
        report(&faults, 3, c"new");
        assert!(faults.error(Status::Unknown, "x").to_string().ends_with("new"));
    }

    #[test]
    fn each_thread_gets_its_own_errors_first() {
        let faults = Faults::new(Log::default());
        thread::scope(|scope| {
            scope.spawn(|| report(&faults, 3, c"theirs")).join().unwrap();
        });
        report(&faults, 3, c"ours");
        assert!(faults.error(Status::Unknown, "x").to_string().ends_with("ours"));
        assert!(faults.error(Status::Unknown, "x").to_string().ends_with("theirs"));
    }
}
