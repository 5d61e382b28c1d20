//! TensorRT's objects, each destroyed by the function beside the one that made it.

use std::ptr::NonNull;

/// One object of the shim's. Objects that others depend on are declared before them, so that they are destroyed after.
pub(super) struct Owned<T> {
    raw: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes over what a function of the table returned, `None` for NULL. `destroy` is the function for it.
    pub(super) fn new(raw: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(raw).map(|raw| Owned { raw, destroy })
    }

    pub(super) fn as_ptr(&self) -> *mut T {
        self.raw.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the object came from the table that destroy is of and is destroyed here only.
        unsafe { (self.destroy)(self.raw.as_ptr()) };
    }
}
