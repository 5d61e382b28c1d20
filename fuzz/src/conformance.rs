//! Fixtures of the conformance check and its committed result.

use rave_core::Status;

use crate::refused;

pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for file in rave_conformance::files() {
        if let Err(error) = rave_conformance::readable(file, &text) {
            refused(&error, &[Status::InvalidParameter], &format!("{file}.json"));
        }
    }
}
