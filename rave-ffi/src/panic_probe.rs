//! A panic wherever a test asks for one, to prove that none crosses. Never part of a release.

use std::cell::Cell;

/// Where the next call panics.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// When it has begun.
    Begun = 1,
    /// When it holds the handle that it works with.
    Holding = 2,
}

thread_local! {
    /// The [`Place`] where the next call of this thread panics; 0 is nowhere.
    static ASKED_FOR: Cell<i32> = const { Cell::new(0) };
}

/// Has the next call of this thread that comes to `place` panic there, once. Returns where one was still to panic.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn rave_test_panic_at(place: i32) -> i32 {
    ASKED_FOR.replace(place)
}

/// Panics when `place` is where a panic was asked for.
pub(crate) fn reached(place: Place) {
    if ASKED_FOR.get() == place as i32 {
        ASKED_FOR.set(0);
        panic!("probe");
    }
}
