//! What a panic had to say, kept for the caller instead of printed: the host program owns its standard streams.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, Once, PoisonError};

thread_local! {
    /// How many calls into the library this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST_HERE: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// The last panic of any of our threads. A worker's panic is resumed on the thread that waits for it, which then finds
/// here where it began.
static LAST: Mutex<Option<Panic>> = Mutex::new(None);

/// The beginnings of the names of threads that we, or the embedded inference runtime, start.
const WORKERS: [&str; 2] = ["rave-", "rten-"];

#[derive(Clone)]
struct Panic {
    message: String,
    place: String,
}

/// As long as it lives, this thread's panics are kept instead of printed.
pub(crate) struct Inside(());

/// Marks that this thread is in a call.
pub(crate) fn enter() -> Inside {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match is_ours() {
            true => keep(info),
            false => others(info),
        }));
    });
    DEPTH.set(DEPTH.get() + 1);
    Inside(())
}

/// How many calls this thread is in: more than one when a log callback calls back.
pub(crate) fn depth() -> u32 {
    DEPTH.get()
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// A Rust program that links this library shares its panic hook; what it panics with is its own affair.
fn is_ours() -> bool {
    let worker = || {
        std::thread::current()
            .name()
            .is_some_and(|name| WORKERS.iter().any(|prefix| name.starts_with(prefix)))
    };
    DEPTH.get() > 0 || worker()
}

fn keep(info: &PanicHookInfo<'_>) {
    let panic = Panic {
        message: text(info.payload()).to_string(),
        place: info.location().map_or_else(String::new, ToString::to_string),
    };
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic.clone());
    // The thread may be ending, its variables gone; LAST has it all the same.
    let _ = LAST_HERE.try_with(|last| last.replace(Some(panic)));
}

/// The message of a caught panic, and where it began as far as that is known.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let message = text(payload);
    let here = LAST_HERE.try_with(|last| last.borrow().clone()).ok().flatten();
    let anywhere = || LAST.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let same = |panic: &Panic| panic.message == message;
    match here.filter(same).or_else(|| anywhere().filter(same)) {
        Some(Panic { place, .. }) => format!("{message} at {place}"),
        None => message.to_string(),
    }
}

fn text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use rave_core::Status;

    use crate::boundary::{guard, last_error};

    fn last() -> String {
        // SAFETY: the text of this thread's last error ends with NUL and is not replaced before it is copied.
        unsafe { CStr::from_ptr(last_error()) }.to_str().unwrap().into()
    }

    /// RV-FFI-1101
    #[test]
    fn a_panic_becomes_a_status_and_its_message_names_the_place() {
        assert_eq!(guard(|| panic!("row {}", 7)), Status::Panic.code());
        let message = last();
        assert!(message.contains("row 7 at ") && message.contains("panics.rs:"), "{message}");
    }

    #[test]
    fn a_panic_of_a_worker_thread_keeps_its_place() {
        let status = guard(|| {
            let worker = std::thread::Builder::new().name("rave-worker".into());
            let joined = worker.spawn(|| panic!("in a worker")).unwrap().join();
            std::panic::resume_unwind(joined.unwrap_err())
        });
        assert_eq!(status, Status::Panic.code());
        let message = last();
        assert!(message.contains("in a worker at ") && message.contains("panics.rs:"), "{message}");
    }

    #[test]
    fn a_panic_that_was_contained_before_does_not_lend_its_place() {
        let status = guard(|| {
            let _ = std::panic::catch_unwind(|| panic!("contained"));
            std::panic::resume_unwind(Box::new("silent"))
        });
        assert_eq!(status, Status::Panic.code());
        assert!(last().contains("RAVE panicked: silent;"), "{}", last());
    }

    #[test]
    fn a_call_from_a_destructor_of_an_ending_thread_gets_its_status() {
        use std::sync::mpsc;
        struct Late(mpsc::Sender<(i32, bool)>);
        impl Drop for Late {
            fn drop(&mut self) {
                let status = guard(|| Err(rave_core::Error::new(Status::Io, "late")));
                // SAFETY: never NULL, and ends with NUL.
                let message = unsafe { CStr::from_ptr(last_error()) };
                let _ = self.0.send((status, message.to_str().is_ok()));
            }
        }
        thread_local!(static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) });
        let (sender, receiver) = mpsc::channel();
        // Destructors run in the order of registration's reverse or its own, by platform: try both.
        for first in [true, false] {
            let sender = sender.clone();
            let thread = std::thread::spawn(move || {
                if first {
                    LATE.set(Some(Late(sender.clone())));
                }
                guard(|| Err(rave_core::Error::new(Status::Io, "early")));
                if !first {
                    LATE.set(Some(Late(sender)));
                }
            });
            thread.join().unwrap();
            assert_eq!(receiver.recv().unwrap(), (Status::Io.code(), true));
        }
    }
}
