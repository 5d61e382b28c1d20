//! Statuses and messages.

use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use rave_core::Status;

use crate::boundary::{guard_value, last_error};
use crate::structs::RaveContext;

/// Texts live as long as the process, so that callers may keep the pointers.
static MESSAGES: LazyLock<HashMap<i32, CString>> = LazyLock::new(|| {
    // RV-FFI-1103
    let text = |status: Status| CString::new(status.describe()).unwrap_or_default();
    Status::ALL.into_iter().map(|status| (status.code(), text(status))).collect()
});

/// The meaning of a status, as static text; that of RAVE_ERROR_UNKNOWN for a code that this version does not know.
/// Never NULL, never blocks; may be called at any time.
#[unsafe(no_mangle)]
pub extern "C" fn rave_error_message(code: i32) -> *const c_char {
    guard_value(c"unknown error".as_ptr(), || {
        let known = Status::from_code(code).unwrap_or(Status::Unknown);
        Ok(MESSAGES[&known.code()].as_ptr())
    })
}

/// What the last failed call on this thread had to say: which object, what was found, what was expected, what to do.
/// Begins with the status in square brackets, such as "[FILE_NOT_FOUND] ". Empty when no call has failed.
///
/// `context` says whose error is asked for and may be NULL, also when no context could be created; messages are kept
/// per thread, so it is that of this thread's last failure in either case. The text stays valid until the next failing
/// call on this thread. Never NULL, never blocks; may be called at any time.
#[unsafe(no_mangle)]
pub extern "C" fn rave_last_error(context: *const RaveContext) -> *const c_char {
    let _ = context;
    last_error()
}

/// The version of the library in use, as RAVE_VERSION_NUMBER is that of the header. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn rave_version() -> u32 {
    const fn number(digits: &str) -> u32 {
        let (digits, mut index, mut value) = (digits.as_bytes(), 0, 0);
        while index < digits.len() {
            value = value * 10 + (digits[index] - b'0') as u32;
            index += 1;
        }
        value
    }
    const {
        number(env!("CARGO_PKG_VERSION_MAJOR")) * 10000
            + number(env!("CARGO_PKG_VERSION_MINOR")) * 100
            + number(env!("CARGO_PKG_VERSION_PATCH"))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::constants::*;

    /// RV-FFI-1103
    #[test]
    fn every_constant_is_the_code_of_the_status_it_names() {
        let constants = [
            RAVE_OK,
            RAVE_ERROR_INVALID_DEVICE,
            RAVE_ERROR_OUT_OF_MEMORY,
            RAVE_ERROR_MODEL_LOAD_FAILED,
            RAVE_ERROR_INFERENCE_FAILED,
            RAVE_ERROR_INVALID_PARAMETER,
            RAVE_ERROR_KERNEL_LAUNCH_FAILED,
            RAVE_ERROR_VRAM_RESIDENCY_FAILED,
            RAVE_ERROR_DEVICE_NOT_FOUND,
            RAVE_ERROR_ABI_MISMATCH,
            RAVE_ERROR_UNSUPPORTED_FORMAT,
            RAVE_ERROR_RUNTIME_LIBRARY_MISSING,
            RAVE_ERROR_ENGINE_MISMATCH,
            RAVE_ERROR_DEVICE_LOST,
            RAVE_ERROR_BUSY,
            RAVE_ERROR_UNTRUSTED,
            RAVE_ERROR_FILE_NOT_FOUND,
            RAVE_ERROR_PERMISSION_DENIED,
            RAVE_ERROR_IO,
            RAVE_ERROR_CANCELLED,
            RAVE_ERROR_PANIC,
            RAVE_ERROR_INVALID_HANDLE,
            RAVE_ERROR_FRAME_LOST,
            RAVE_ERROR_UNKNOWN,
        ];
        assert_eq!(constants, Status::ALL.map(Status::code));
    }

    /// RV-FFI-1103
    #[test]
    fn every_code_has_a_message_and_an_unknown_one_that_of_unknown() {
        let message = |code| {
            // SAFETY: rave_error_message returns static text that ends with NUL.
            unsafe { CStr::from_ptr(rave_error_message(code)) }.to_str().unwrap()
        };
        for status in Status::ALL {
            assert_eq!(message(status.code()), status.describe());
        }
        assert_eq!(message(12345), Status::Unknown.describe());
        assert_eq!(message(i32::MIN), Status::Unknown.describe());
    }
}
