//! From libav*'s error numbers to [`rave_core::Error`].

use std::ffi::{CStr, c_char};

use rave_core::{Error, Result, Status};

use crate::{log, sys};

/// What libav* calls an error number.
pub(crate) fn text_of(code: i32) -> String {
    let mut text = [0 as c_char; 128];
    // SAFETY: the buffer is as long as said, and is terminated in any case.
    unsafe { sys::av_strerror(code, text.as_mut_ptr(), text.len()) };
    // SAFETY: it was zeroed, and av_strerror terminates what it writes.
    unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned()
}

fn status_of(code: i32) -> Status {
    match code {
        sys::AVERROR_INVALIDDATA | sys::AVERROR_PATCHWELCOME => Status::UnsupportedFormat,
        sys::AVERROR_DEMUXER_NOT_FOUND
        | sys::AVERROR_MUXER_NOT_FOUND
        | sys::AVERROR_DECODER_NOT_FOUND
        | sys::AVERROR_STREAM_NOT_FOUND => Status::UnsupportedFormat,
        sys::AVERROR_ENCODER_NOT_FOUND
        | sys::AVERROR_OPTION_NOT_FOUND
        | sys::AVERROR_PROTOCOL_NOT_FOUND
        | sys::AVERROR_BSF_NOT_FOUND => Status::InvalidParameter,
        sys::AVERROR_EXIT => Status::Cancelled,
        _ => match -code {
            libc::ENOENT => Status::FileNotFound,
            libc::EACCES | libc::EPERM => Status::PermissionDenied,
            libc::ENOMEM => Status::OutOfMemory,
            libc::EINVAL | libc::ERANGE | libc::EDOM => Status::InvalidParameter,
            libc::ENOSYS | libc::ENOTSUP => Status::UnsupportedFormat,
            libc::EIO | libc::EPIPE | libc::ENOSPC | libc::EEXIST | libc::EISDIR | libc::EBADF => Status::Io,
            _ => Status::Unknown,
        },
    }
}

/// The error for a number that libav* returned while it worked on `object`, with what it had logged about it.
pub(crate) fn error_of(code: i32, object: &str) -> Error {
    let text = text_of(code);
    let found = match log::take_error() {
        Some(said) => format!("{object}: {text} ({said})"),
        None => format!("{object}: {text}"),
    };
    Error::new(status_of(code), found)
}

/// `code` where it is not negative, otherwise the error; `object` is put together only then.
pub(crate) fn check(code: i32, object: impl FnOnce() -> String) -> Result<i32> {
    if code >= 0 { Ok(code) } else { Err(error_of(code, &object())) }
}

/// The error for a constructor of libav*'s that gave NULL.
pub(crate) fn out_of_memory(object: &str) -> Error {
    Error::new(Status::OutOfMemory, format!("{object}: no memory"))
}
