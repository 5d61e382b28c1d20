//! The caller's callback that breaks off what takes long.

use std::ffi::c_void;

use crate::caller_log::inside_callback;
use crate::structs::RaveCancelCallback;

/// A callback, and what it is called with.
pub(crate) struct CallerCancel {
    function: unsafe extern "C" fn(*mut c_void) -> i32,
    opaque: *mut c_void,
}

// SAFETY: the header requires of a cancel callback, and so of what its opaque pointer leads to, that any thread may call.
unsafe impl Send for CallerCancel {}
// SAFETY: as above. The header promises the caller one call at a time: a build reports, and a wait asks, from one
// thread at a time.
unsafe impl Sync for CallerCancel {}

impl CallerCancel {
    /// `None` for NULL.
    ///
    /// # Safety
    /// `function`, unless it is NULL, may be called with `opaque` from any thread for as long as this is there.
    pub(crate) unsafe fn new(function: RaveCancelCallback, opaque: *mut c_void) -> Option<Self> {
        function.map(|function| CallerCancel { function, opaque })
    }

    /// Whether the caller wants no more of it.
    // RV-FFI-1107
    pub(crate) fn came(&self) -> bool {
        // SAFETY: the promise made to `new`.
        inside_callback(|| unsafe { (self.function)(self.opaque) }) != 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI32, Ordering};

    use super::*;
    use crate::caller_log::in_callback;

    unsafe extern "C" fn answer(opaque: *mut c_void) -> i32 {
        // SAFETY: the test passes an AtomicI32 that outlives the callback.
        let answer = unsafe { &*opaque.cast::<AtomicI32>() };
        assert!(in_callback(), "calls that begin work are refused in it");
        answer.load(Ordering::Relaxed)
    }

    /// RV-FFI-1107
    #[test]
    fn any_number_but_zero_breaks_off() {
        let number = AtomicI32::new(0);
        let opaque = std::ptr::from_ref(&number).cast_mut().cast();
        // SAFETY: the function takes any thread's call with a number that lives as long as this.
        let cancel = unsafe { CallerCancel::new(Some(answer), opaque) }.unwrap();
        assert!(!cancel.came());
        for other in [1, -1, i32::MIN] {
            number.store(other, Ordering::Relaxed);
            assert!(cancel.came());
        }
        assert!(!in_callback());
        // SAFETY: there is nothing to call.
        assert!(unsafe { CallerCancel::new(None, opaque) }.is_none());
    }
}
