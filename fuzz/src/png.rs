//! Pictures that `rave check` takes.

// The command is a program, and no library: its file is taken in here.
#[path = "../../crates/rave-cli/src/picture.rs"]
mod picture;

use rave_core::Status;
use tempfile::NamedTempFile;

use crate::refused;

thread_local! {
    static FILE: NamedTempFile = NamedTempFile::new().expect("a file");
}

pub(crate) fn run(bytes: &[u8]) {
    FILE.with(|file| {
        std::fs::write(file.path(), bytes).expect("the disk has room");
        if let Err(error) = picture::read_png(file.path()) {
            let classes = [Status::UnsupportedFormat, Status::InvalidParameter, Status::OutOfMemory];
            refused(&error, &classes, &file.path().display().to_string());
        }
    });
}
