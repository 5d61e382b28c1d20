//! Strings from the caller, and to it.

use std::ffi::{CString, c_char};

use rave_core::{Error, Result, Status};

use crate::constants::RAVE_MAX_STRING;

/// Reads a string, looking at no more than [`RAVE_MAX_STRING`] + 1 bytes.
///
/// # Safety
/// `text` is NULL, or points to bytes that stay readable and unchanged for `'a`, up to a NUL or to the first
/// `RAVE_MAX_STRING + 1` of them.
pub(crate) unsafe fn read_string<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    let invalid = |found: &str| Error::new(Status::InvalidParameter, format!("{name} is {found}"));
    if text.is_null() {
        return Err(invalid("NULL").expected("a string"));
    }
    // RV-FFI-1003
    let bytes = text.cast::<u8>();
    let length = (0..=RAVE_MAX_STRING)
        // SAFETY: the caller vouches for every byte up to the NUL or the limit, and `find` stops at the NUL.
        .find(|&index| unsafe { bytes.add(index).read() } == 0)
        .ok_or_else(|| invalid("too long").expected(format!("at most {RAVE_MAX_STRING} bytes")))?;
    // SAFETY: the loop above has read these bytes, and the caller keeps them unchanged for `'a`.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
    match std::str::from_utf8(bytes) {
        Ok("") => Err(invalid("empty").expected("a string")),
        Ok(text) => Ok(text),
        Err(error) => {
            Err(invalid(&format!("not UTF-8 from byte {} on", error.valid_up_to())).expected("UTF-8"))
        }
    }
}

/// `message` as one line for the caller, whatever names of files and tensors in it hold: control characters become spaces.
// RV-FILT-1102
pub(crate) fn one_line(message: &str) -> CString {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // NUL is a control character.
    CString::new(line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-FILT-1102
    #[test]
    fn what_the_caller_is_told_is_one_line_whatever_names_are_in_it() {
        assert_eq!(one_line("model a\nb\r\u{1b}[2J\0\u{85}\u{e9}"), c"model a b  [2J  \u{e9}".to_owned());
    }
}
