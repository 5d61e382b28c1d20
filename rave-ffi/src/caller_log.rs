//! The caller's log callback, and for how long it is called.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use rave_core::{Error, Log, LogLevel, Result, Status};

use crate::constants::{RAVE_LOG_DEBUG, RAVE_LOG_INFO};
use crate::structs::RaveContextConfig;

/// A context's log. The context and everything made from it hold a clone: with the last one the callback ends.
#[derive(Clone, Default)]
pub(crate) struct CallerLog(Option<Arc<Callback>>);

/// The caller's callback, which the header requires to be callable from any thread.
struct Callback {
    function: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    opaque: *mut c_void,
    most_verbose: i32,
}

// SAFETY: the header requires of a log callback, and so of what its opaque pointer leads to, that any thread may call.
unsafe impl Send for Callback {}
// SAFETY: as above, from several threads at once.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self, level: LogLevel, message: &str) {
        if level as i32 > self.most_verbose {
            return;
        }
        let line: String = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let line = CString::new(line).unwrap_or_default();
        // SAFETY: the function and its opaque pointer came together in one RaveContextConfig, and the header requires
        // them to stay valid until the context and all that was made from it are destroyed; `CallerLog::log` calls
        // only while one of these lives. The line outlives the call.
        unsafe { (self.function)(self.opaque, level as i32, line.as_ptr()) }
    }
}

impl CallerLog {
    pub(crate) fn new(config: &RaveContextConfig) -> Result<Self> {
        let most_verbose = match config.log_level {
            0 => RAVE_LOG_INFO,
            level @ 1..=RAVE_LOG_DEBUG => level,
            other => {
                return Err(
                    Error::new(Status::InvalidParameter, format!("config: log_level is {other}"))
                        .expected("0 or a RAVE_LOG_ constant"),
                );
            }
        };
        Ok(CallerLog(config.log.map(|function| {
            Arc::new(Callback {
                function,
                opaque: config.log_opaque,
                most_verbose,
            })
        })))
    }

    /// The log to give to the engine. Loaded models are kept, with the log that they were loaded with, for longer than
    /// any handle: so it holds the callback weakly.
    pub(crate) fn log(&self) -> Log {
        let Some(callback) = &self.0 else {
            return Log::default();
        };
        let callback = Arc::downgrade(callback);
        Log::new(move |level, message| {
            if let Some(callback) = callback.upgrade() {
                callback.call(level, message);
            }
        })
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
            struct_size: 48,
            device: 0,
            cuda_context: std::ptr::null_mut(),
            cuda_stream: std::ptr::null_mut(),
            log: Some(add),
            log_opaque: std::ptr::from_ref(sum).cast_mut().cast(),
            log_level,
            reserved: 0,
        })
    }

    #[test]
    fn messages_above_the_level_are_dropped_and_the_default_is_info() {
        let sum = AtomicI32::new(0);
        let log = log_into(&sum, 0).unwrap();
        for level in [
            LogLevel::Error,
            LogLevel::Info,
            LogLevel::Verbose,
            LogLevel::Debug,
        ] {
            log.log().write(level, "x");
        }
        assert_eq!(sum.load(Ordering::Relaxed), 1 + 3);
        assert!(log_into(&sum, 6).is_err() && log_into(&sum, -1).is_err());
    }

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
}
