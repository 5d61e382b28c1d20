//! What FFmpeg this program was linked with.

use std::ffi::CStr;

use crate::hardware::device_kinds;
use crate::sys;

/// One of FFmpeg's libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// Its name.
    pub name: &'static str,
    /// Its version: major, minor, micro.
    pub version: [u32; 3],
}

/// The libraries and their versions, as they are at run time.
#[must_use]
pub fn libraries() -> Vec<Library> {
    let unpacked =
        |name, version: u32| Library { name, version: [version >> 16, version >> 8 & 0xff, version & 0xff] };
    // SAFETY: these have no preconditions.
    unsafe {
        vec![
            unpacked("libavutil", sys::avutil_version()),
            unpacked("libavcodec", sys::avcodec_version()),
            unpacked("libavformat", sys::avformat_version()),
            unpacked("libswscale", sys::swscale_version()),
        ]
    }
}

/// FFmpeg's release, such as `9.0.2`.
#[must_use]
pub fn release() -> String {
    // SAFETY: a static text.
    unsafe { CStr::from_ptr(sys::av_version_info()) }.to_string_lossy().into_owned()
}

/// The licence under which it was built.
#[must_use]
pub fn license() -> String {
    // SAFETY: a static text.
    unsafe { CStr::from_ptr(sys::avcodec_license()) }.to_string_lossy().into_owned()
}

/// The names of the kinds of devices that it was built with, such as `cuda`.
#[must_use]
pub fn devices() -> Vec<String> {
    device_kinds()
}
