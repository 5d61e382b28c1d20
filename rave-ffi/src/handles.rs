//! Handles: numbers that only look like pointers.
//!
//! A handle is looked up, never followed, and its number is never used twice. So a destroyed handle, a handle of
//! another kind or a stray pointer is recognised, whatever the caller does, instead of being undefined behaviour.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use rave_core::{Error, Result, Status};

#[cfg(feature = "panic-probe")]
use crate::panic_probe;
use crate::{caller_log, forks, panics};

/// Numbers are shared by all kinds, so no two handles of different kinds are ever equal.
static NEXT: AtomicUsize = AtomicUsize::new(16);

/// What stands behind a handle: `state` for one call at a time, `facts` for any number of readers beside it.
pub(crate) struct Object<S, F> {
    state: Mutex<State<S>>,
    pub(crate) facts: F,
}

struct State<S> {
    destroyed: bool,
    value: S,
}

/// An object's state, for the length of one call.
pub(crate) struct Running<'a, S>(MutexGuard<'a, State<S>>);

impl<S> Deref for Running<'_, S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.0.value
    }
}

impl<S> DerefMut for Running<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.0.value
    }
}

impl<S, F> Object<S, F> {
    /// The state, for the length of one call.
    ///
    /// # Errors
    /// [`Status::Busy`] when another call has it or this thread is in a call already, [`Status::Panic`] when an earlier
    /// call panicked with it, [`Status::InvalidHandle`] when it was destroyed meanwhile.
    pub(crate) fn lock(&self, kind: &str) -> Result<Running<'_, S>> {
        outside_callbacks(kind)?;
        // RV-FFI-1005
        let state = self.state.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                busy(kind).help("use one handle from one thread at a time, or one handle per thread")
            }
            TryLockError::Poisoned(_) => {
                Error::new(Status::Panic, format!("an earlier call on this {kind} panicked"))
                    .help("destroy the handle")
            }
        })?;
        #[cfg(feature = "panic-probe")]
        panic_probe::reached(panic_probe::Place::Holding);
        match state.destroyed {
            true => Err(invalid(kind)),
            false => Ok(Running(state)),
        }
    }
}

// RV-FFI-1016: any thread may have it, whichever made it.
type Live<S, F> = HashMap<usize, Arc<Object<S, F>>>;

/// All live handles of one kind.
pub(crate) struct Registry<S, F> {
    kind: &'static str,
    live: RwLock<Option<Live<S, F>>>,
}

impl<S, F> Registry<S, F> {
    pub(crate) const fn new(kind: &'static str) -> Self {
        Registry { kind, live: RwLock::new(None) }
    }

    /// Makes a handle.
    pub(crate) fn insert<T>(&self, state: S, facts: F) -> *mut T {
        let id = NEXT.fetch_add(16, Ordering::Relaxed);
        let object = Arc::new(Object { state: Mutex::new(State { destroyed: false, value: state }), facts });
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        live.get_or_insert_default().insert(id, object);
        std::ptr::without_provenance_mut(id)
    }

    /// The object of a handle.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for NULL, [`Status::InvalidHandle`] for what is no live handle of this kind.
    pub(crate) fn get<T>(&self, handle: *const T) -> Result<Arc<Object<S, F>>> {
        if handle.is_null() {
            return Err(crate::pointers::null(self.kind));
        }
        forks::check()?;
        // RV-FFI-1004, RV-FFI-1015
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.as_ref().and_then(|live| live.get(&handle.addr())).cloned().ok_or_else(|| invalid(self.kind))
    }

    /// Ends the handle at `*place` and writes NULL there. NULL at either level is nothing to do.
    ///
    /// # Errors
    /// [`Status::InvalidHandle`] for what is no live handle of this kind; [`Status::Busy`] while a call runs on it.
    ///
    /// # Safety
    /// `place` is NULL or points to a readable and writable handle.
    pub(crate) unsafe fn destroy<T>(&self, place: *mut *mut T) -> Result<()> {
        if place.is_null() {
            return Ok(());
        }
        // SAFETY: not NULL, and the caller vouches for the rest.
        let handle = unsafe { place.read() };
        if handle.is_null() {
            return Ok(());
        }
        if forks::is_child() {
            // What the parent has behind it stays as it is; to end it here could wait for a thread of the parent's.
            // SAFETY: as for the read above.
            unsafe { place.write(std::ptr::null_mut()) };
            return Ok(());
        }
        let object = self.get(handle)?;
        {
            let mut state = match object.state.try_lock() {
                Ok(state) => state,
                Err(TryLockError::Poisoned(state)) => state.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    return Err(busy(self.kind).help("wait for it before destroying the handle"));
                }
            };
            #[cfg(feature = "panic-probe")]
            panic_probe::reached(panic_probe::Place::Holding);
            // Of two threads that destroy one handle at the same time, one finds it gone.
            if std::mem::replace(&mut state.destroyed, true) {
                return Err(invalid(self.kind));
            }
        }
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let removed = live.as_mut().and_then(|live| live.remove(&handle.addr()));
        drop(live);
        // SAFETY: as for the read above.
        unsafe { place.write(std::ptr::null_mut()) };
        // What the handle stood for ends here, outside of the lock: it may be slow.
        drop(removed);
        Ok(())
    }
}

/// Refuses what must not start within a log callback, which runs while locks of the engine are held.
///
/// # Errors
/// [`Status::Busy`] when this thread is in a call already.
pub(crate) fn outside_callbacks(kind: &str) -> Result<()> {
    forks::check()?;
    // RV-FFI-1105
    match panics::depth() > 1 || caller_log::in_callback() {
        false => Ok(()),
        true => Err(Error::new(
            Status::Busy,
            format!("{kind} was asked for by a log callback, within another call"),
        )
        .help("return from the callback first")),
    }
}

fn busy(kind: &str) -> Error {
    Error::new(Status::Busy, format!("another call on this {kind} is still running"))
}

fn invalid(kind: &str) -> Error {
    Error::new(Status::InvalidHandle, format!("{kind} is not a live handle"))
        .expected(format!("a {kind} that was created and not yet destroyed"))
}
