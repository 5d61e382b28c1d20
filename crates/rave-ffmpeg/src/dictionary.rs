//! Options and metadata: libav*'s lists of keys and values.

use std::ffi::{CStr, CString};
use std::ptr;

use rave_core::{Error, Result, Status};

use crate::error::check;
use crate::sys;

/// An owned list. What libav* consumes of it is gone afterwards.
#[derive(Debug)]
pub(crate) struct Dictionary(*mut sys::AVDictionary);

impl Dictionary {
    pub(crate) fn new() -> Self {
        Dictionary(ptr::null_mut())
    }

    pub(crate) fn of(pairs: &[(String, String)]) -> Result<Self> {
        let mut dictionary = Dictionary::new();
        for (key, value) in pairs {
            dictionary.set(key, value)?;
        }
        Ok(dictionary)
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let (name, text) = (c_string("option", key)?, c_string(key, value)?);
        // SAFETY: the list is NULL or libav*'s, and both strings are terminated; they are copied.
        let code = unsafe { sys::av_dict_set(&mut self.0, name.as_ptr(), text.as_ptr(), 0) };
        check(code, || format!("option {key}")).map(drop)
    }

    /// Where libav* takes a list from, and puts what it did not use.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut *mut sys::AVDictionary {
        &mut self.0
    }

    /// An error that names what is left: options that nothing knew.
    pub(crate) fn refuse_unused(&self, object: &str) -> Result<()> {
        // SAFETY: the list is NULL or libav*'s, and is not changed meanwhile.
        let left = unsafe { pairs(self.0) };
        match left.first() {
            None => Ok(()),
            Some((key, _)) => {
                Err(Error::new(Status::InvalidParameter, format!("{object} has no option {key}"))
                    .help("leave it out, or see its options with ffmpeg -h"))
            }
        }
    }
}

impl Drop for Dictionary {
    fn drop(&mut self) {
        // SAFETY: the list is NULL or ours.
        unsafe { sys::av_dict_free(&mut self.0) };
    }
}

/// What a list holds, in its order.
///
/// # Safety
/// `list` is NULL or a list that nobody changes meanwhile.
pub(crate) unsafe fn pairs(list: *const sys::AVDictionary) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut entry = ptr::null();
    loop {
        // SAFETY: the list is as this function requires, and the entry is NULL or of it.
        entry = unsafe { sys::av_dict_iterate(list, entry) };
        if entry.is_null() {
            return pairs;
        }
        // SAFETY: entries have a key and a value, both terminated, that live as long as the list.
        unsafe {
            let text = |text: *const std::ffi::c_char| CStr::from_ptr(text).to_string_lossy().into_owned();
            pairs.push((text((*entry).key), text((*entry).value)));
        }
    }
}

/// `text` for C.
pub(crate) fn c_string(what: &str, text: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(Status::InvalidParameter, format!("{what} has a zero byte in it")))
}

/// The text at a pointer that is NULL or terminated, and lives through the call.
///
/// # Safety
/// As just said.
pub(crate) unsafe fn text_at(text: *const std::ffi::c_char) -> Option<String> {
    // SAFETY: required of the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
