//! The one place where calls enter and leave: no panic crosses, every failure becomes a status and a message.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rave_core::{Error, Result, Status};

#[cfg(feature = "panic-probe")]
use crate::panic_probe;
use crate::panics;
use crate::strings::one_line;

thread_local! {
    // RV-FFI-1102
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Runs `body`; its status is returned and its error kept for `rave_last_error`.
pub(crate) fn guard(body: impl FnOnce() -> Result<()>) -> i32 {
    match caught(body) {
        Ok(()) => Status::Ok.code(),
        Err(error) => remember(&error).code(),
    }
}

/// Runs `body`; on failure returns `otherwise` and keeps the error for `rave_last_error`.
pub(crate) fn guard_value<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    caught(body).unwrap_or_else(|error| {
        remember(&error);
        otherwise
    })
}

/// Runs `body` for a creating function: returns the handle or NULL, and writes the status to `error`.
///
/// # Safety
/// `error` is NULL or writable.
pub(crate) unsafe fn guard_create<T>(error: *mut i32, body: impl FnOnce() -> Result<*mut T>) -> *mut T {
    let (handle, status) = match caught(|| {
        if error.is_null() {
            return Err(crate::pointers::null("error"));
        }
        body()
    }) {
        Ok(handle) => (handle, Status::Ok),
        Err(failure) => (std::ptr::null_mut(), remember(&failure)),
    };
    if !error.is_null() {
        // SAFETY: not NULL, and the caller vouches that it is writable then.
        unsafe { error.write(status.code()) };
    }
    handle
}

fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // RV-FFI-1015, RV-FFI-1101
    let _inside = panics::enter();
    // What a panic may leave half-changed is behind a mutex that the panic poisons: `handles` refuses it afterwards.
    let body = || {
        #[cfg(feature = "panic-probe")]
        panic_probe::reached(panic_probe::Place::Begun);
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(panicked(payload)))
}

fn panicked(payload: Box<dyn Any + Send>) -> Error {
    let message = panics::describe(payload.as_ref());
    // A payload whose own drop panics would unwind out of here; the few bytes of it are the lesser loss.
    std::mem::forget(payload);
    Error::new(Status::Panic, format!("RAVE panicked: {message}"))
        .help("this is a bug in RAVE; please report it with this message")
}

fn remember(error: &Error) -> Status {
    let message = one_line(&error.to_string());
    // A destructor that runs while the thread ends may call when the thread's variables are gone; its status is all
    // that it gets then.
    let _ = LAST_ERROR.try_with(|last| last.replace(message));
    error.status()
}

/// The last failure's message on this thread; empty when there was none.
pub(crate) fn last_error() -> *const c_char {
    LAST_ERROR.try_with(|message| CStr::as_ptr(&message.borrow())).unwrap_or(c"".as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-FILT-1102
    #[test]
    fn the_last_error_is_one_line_whatever_the_file_is_called() {
        let status = guard(|| Err(Error::new(Status::FileNotFound, "model a\nb.onnx")));
        assert_eq!(status, Status::FileNotFound.code());
        // SAFETY: a string of this thread, on which no call has failed since.
        let said = unsafe { CStr::from_ptr(last_error()) };
        assert_eq!(said, c"[FILE_NOT_FOUND] model a b.onnx");
    }
}
