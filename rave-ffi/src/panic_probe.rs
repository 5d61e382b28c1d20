//! A function that panics, for the test that proves that no panic crosses. Never part of a release.

use crate::boundary::guard;
use crate::session::SESSIONS;
use crate::structs::RaveSession;

/// Panics while it holds `session` (or nothing, when that is NULL); returns RAVE_ERROR_PANIC.
#[unsafe(no_mangle)]
pub extern "C" fn rave_test_panic(session: *mut RaveSession) -> i32 {
    guard(|| {
        let object = if session.is_null() { None } else { Some(SESSIONS.get(session)?) };
        let _held = object.as_ref().map(|object| object.lock("session")).transpose()?;
        panic!("probe")
    })
}
