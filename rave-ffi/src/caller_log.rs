//! The caller's log callback, and for how long it is called.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rave_core::{Error, Log, LogLevel, Result, Status};

use crate::constants::{RAVE_LOG_DEBUG, RAVE_LOG_ERROR, RAVE_LOG_INFO, RAVE_LOG_VERBOSE, RAVE_LOG_WARNING};
use crate::strings::one_line;
use crate::structs::RaveContextConfig;

thread_local! {
    /// How many of the caller's callbacks this thread is in.
    static IN_CALLBACK: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is in a callback of the caller's: then it is in a call into the library too, perhaps of another
/// thread that waits for it.
pub(crate) fn in_callback() -> bool {
    IN_CALLBACK.get() > 0
}

/// Calls a callback of the caller's.
pub(crate) fn inside_callback<T>(call: impl FnOnce() -> T) -> T {
    IN_CALLBACK.set(IN_CALLBACK.get() + 1);
    let answer = call();
    IN_CALLBACK.set(IN_CALLBACK.get() - 1);
    answer
}

/// A context's log. The context and everything made from it hold a clone: with the last one the callback ends.
#[derive(Clone, Default)]
pub(crate) struct CallerLog(Option<Arc<Owner>>);

/// Closes the gate when nothing of the context is left.
struct Owner(Arc<Gate>);

/// The way to the callback, which loaded models keep for longer than any handle.
struct Gate {
    state: Mutex<State>,
    idle: Condvar,
    most_verbose: LogLevel,
}

struct State {
    callback: Option<Callback>,
    running: usize,
}

impl Gate {
    fn call(&self, level: LogLevel, message: &str) {
        let Some(callback) = self.enter() else { return };
        inside_callback(|| callback.call(level, message));
        self.lock().running -= 1;
        self.idle.notify_all();
    }

    fn enter(&self) -> Option<Callback> {
        let mut state = self.lock();
        let callback = state.callback?;
        state.running += 1;
        Some(callback)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // RV-FFI-1104
        let mut state = self.0.lock();
        state.callback = None;
        // After this the caller may free what the callback needs, so calls that are under way on other threads end
        // first. A callback that drops its own context cannot wait for itself.
        while state.running > 0 && !in_callback() {
            state = self.0.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The caller's callback, which the header requires to be callable from any thread.
#[derive(Clone, Copy)]
struct Callback {
    function: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    opaque: *mut c_void,
}

// SAFETY: the header requires of a log callback, and so of what its opaque pointer leads to, that any thread may call.
unsafe impl Send for Callback {}
// SAFETY: as above, from several threads at once.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self, level: LogLevel, message: &str) {
        let line = one_line(message);
        // SAFETY: the function and its opaque pointer came together in one RaveContextConfig, and the header requires
        // them to stay valid until the context and all that was made from it are destroyed; the last of these waits in
        // `Owner::drop` for the calls that `Gate::enter` let through before it. The line outlives the call.
        unsafe { (self.function)(self.opaque, level as i32, line.as_ptr()) }
    }
}

impl CallerLog {
    pub(crate) fn new(config: &RaveContextConfig) -> Result<Self> {
        let most_verbose = match config.log_level {
            RAVE_LOG_ERROR => LogLevel::Error,
            RAVE_LOG_WARNING => LogLevel::Warning,
            0 | RAVE_LOG_INFO => LogLevel::Info,
            RAVE_LOG_VERBOSE => LogLevel::Verbose,
            RAVE_LOG_DEBUG => LogLevel::Debug,
            other => {
                return Err(Error::new(Status::InvalidParameter, format!("config: log_level is {other}"))
                    .expected("0 or a RAVE_LOG_ constant"));
            }
        };
        Ok(CallerLog(config.log.map(|function| {
            let callback = Some(Callback { function, opaque: config.log_opaque });
            let state = Mutex::new(State { callback, running: 0 });
            Arc::new(Owner(Arc::new(Gate { state, idle: Condvar::new(), most_verbose })))
        })))
    }

    /// The log to give to the engine. Loaded models are kept, with the log that they were loaded with, for longer than
    /// any handle: what they keep is the gate, which closes with the last handle.
    pub(crate) fn log(&self) -> Log {
        let Some(owner) = &self.0 else {
            return Log::default();
        };
        let gate = Arc::clone(&owner.0);
        Log::up_to(gate.most_verbose, move |level, message| gate.call(level, message))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI32, Ordering};

    use super::*;

    unsafe extern "C" fn add(opaque: *mut c_void, level: i32, _: *const c_char) {
        // SAFETY: every test passes an AtomicI32 that outlives its log.
        let sum = unsafe { &*opaque.cast::<AtomicI32>() };
        sum.fetch_add(level, Ordering::Relaxed);
    }

    fn log_into(sum: &AtomicI32, log_level: i32) -> Result<CallerLog> {
        CallerLog::new(&RaveContextConfig {
            log: Some(add),
            log_opaque: std::ptr::from_ref(sum).cast_mut().cast(),
            log_level,
            ..config()
        })
    }

    fn config() -> RaveContextConfig {
        RaveContextConfig {
            struct_size: 72,
            device: 0,
            cuda_context: std::ptr::null_mut(),
            cuda_stream: std::ptr::null_mut(),
            log: None,
            log_opaque: std::ptr::null_mut(),
            log_level: 0,
            ledger_every: 0,
            cuda_release: None,
            cuda_owner: std::ptr::null_mut(),
            ledger: std::ptr::null(),
        }
    }

    #[test]
    fn messages_above_the_level_are_dropped_and_the_default_is_info() {
        let sum = AtomicI32::new(0);
        let log = log_into(&sum, 0).unwrap();
        for level in [LogLevel::Error, LogLevel::Info, LogLevel::Verbose, LogLevel::Debug] {
            log.log().write(level, "x");
        }
        assert_eq!(sum.load(Ordering::Relaxed), 1 + 3);
        assert!(log_into(&sum, 6).is_err() && log_into(&sum, -1).is_err());
    }

    /// RV-FFI-1104
    #[test]
    fn a_log_that_outlives_its_context_and_all_made_from_it_is_silent() {
        let sum = AtomicI32::new(0);
        let of_context = log_into(&sum, 5).unwrap();
        let kept_by_a_cached_model = of_context.log();
        let of_session = of_context.clone();
        drop(of_context);
        kept_by_a_cached_model.write(LogLevel::Error, "heard: the session lives");
        drop(of_session);
        kept_by_a_cached_model.write(LogLevel::Error, "unheard");
        assert_eq!(sum.load(Ordering::Relaxed), 1);
    }

    struct Slow {
        entered: std::sync::Barrier,
        ended: AtomicI32,
    }

    unsafe extern "C" fn slow(opaque: *mut c_void, _: i32, _: *const c_char) {
        // SAFETY: the test passes a Slow that outlives its log.
        let slow = unsafe { &*opaque.cast::<Slow>() };
        slow.entered.wait();
        std::thread::sleep(std::time::Duration::from_millis(50));
        slow.ended.store(1, Ordering::SeqCst);
    }

    /// RV-FFI-1104
    #[test]
    fn the_last_handle_waits_for_a_message_that_is_being_written() {
        let state = Slow { entered: std::sync::Barrier::new(2), ended: AtomicI32::new(0) };
        let log = CallerLog::new(&RaveContextConfig {
            log: Some(slow),
            log_opaque: std::ptr::from_ref(&state).cast_mut().cast(),
            ..config()
        })
        .unwrap();
        let kept_by_a_cached_model = log.log();
        std::thread::scope(|scope| {
            scope.spawn(move || kept_by_a_cached_model.write(LogLevel::Error, "x"));
            state.entered.wait();
            drop(log);
            assert_eq!(state.ended.load(Ordering::SeqCst), 1);
        });
    }
}
