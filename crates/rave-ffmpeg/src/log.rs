//! What FFmpeg's libraries have to say, which they would print to standard error.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Once, PoisonError, RwLock};

use rave_core::{Log, LogLevel};

use crate::sys;

static LOG: RwLock<Option<Log>> = RwLock::new(None);
static INSTALLED: Once = Once::new();

thread_local! {
    /// The first error that a library reported on this thread since it was last asked for: what follows is details.
    static FIRST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Sends what FFmpeg's libraries report to `log`, from now on and for the whole process. Until then it is discarded;
/// the first error before a failure becomes part of its error in any case.
// RV-FF-1301
pub fn log_to(log: Log) {
    install();
    *LOG.write().unwrap_or_else(PoisonError::into_inner) = Some(log);
}

/// Takes the libraries' messages away from standard error. Called by everything that opens something.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        // SAFETY: the callback has the signature that is asked for, keeps nothing of what it is given and may be
        // called on any thread. Setting it is what libav* means to be done once, before use.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            sys::av_log_set_callback(Some(callback));
        }
        // Elsewhere a va_list has another type: the libraries are silent there.
        // SAFETY: sets a number.
        #[cfg(not(target_arch = "x86_64"))]
        unsafe {
            sys::av_log_set_level(sys::AV_LOG_QUIET);
        }
    });
}

/// The first error that was reported on this thread since the last call. Called before whatever can fail, too, so that
/// no error of something else is found afterwards.
pub(crate) fn take_error() -> Option<String> {
    let first = FIRST_ERROR.try_with(|first| std::mem::take(&mut *first.borrow_mut())).unwrap_or_default();
    (!first.is_empty()).then_some(first)
}

fn level_of(level: c_int) -> Option<LogLevel> {
    // Lower is graver; what is in between belongs to the next.
    let levels = [
        (sys::AV_LOG_ERROR, LogLevel::Error),
        (sys::AV_LOG_WARNING, LogLevel::Warning),
        (sys::AV_LOG_INFO, LogLevel::Info),
        (sys::AV_LOG_VERBOSE, LogLevel::Verbose),
        (sys::AV_LOG_DEBUG, LogLevel::Debug),
    ];
    levels.into_iter().find(|(most, _)| level <= *most).map(|(_, level)| level)
}

#[cfg(target_arch = "x86_64")]
unsafe extern "C" fn callback(
    object: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: *mut sys::__va_list_tag,
) {
    let Some(level) = level_of(level & 0xff) else { return };
    let log = LOG.read().unwrap_or_else(PoisonError::into_inner);
    if log.is_none() && level != LogLevel::Error {
        return;
    }
    let mut line = [0 as c_char; 1024];
    let mut print_prefix = 1;
    // SAFETY: object, format and arguments are those of av_log's caller, still in use; the buffer is as long as said
    // and is terminated.
    unsafe {
        sys::av_log_format_line2(
            object,
            0,
            format,
            arguments,
            line.as_mut_ptr(),
            line.len() as c_int,
            &mut print_prefix,
        );
    }
    // SAFETY: zeroed at first, and terminated by av_log_format_line2.
    let line = unsafe { CStr::from_ptr(line.as_ptr()) }.to_string_lossy();
    let line = without_address(line.trim());
    if line.is_empty() {
        return;
    }
    if level == LogLevel::Error {
        // A thread that is going away has no place for it any more; nobody asks there either.
        let _ = FIRST_ERROR.try_with(|first| {
            if first.borrow().is_empty() {
                first.borrow_mut().clone_from(&line);
            }
        });
    }
    if let Some(log) = &*log {
        log.write(level, &line);
    }
}

/// `[h264 @ 0x55d0] text` as `[h264] text`: the address means nothing to a reader.
fn without_address(line: &str) -> String {
    match (line.find(" @ 0x"), line.find(']')) {
        (Some(at), Some(end)) if at < end => format!("{}{}", &line[..at], &line[end..]),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_address;

    #[test]
    fn addresses_are_left_out_of_messages() {
        assert_eq!(without_address("[mov @ 0x55d0c0ffee] moov atom not found"), "[mov] moov atom not found");
        assert_eq!(without_address("nothing [to] do"), "nothing [to] do");
        assert_eq!(without_address("text] @ 0x1"), "text] @ 0x1");
    }
}
