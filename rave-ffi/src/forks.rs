//! Processes that fork: a child has the parent's handles, and none of the threads and locks behind them.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use rave_core::{Error, Result, Status};

/// The process that uses the library; 0 while none does.
static USER: AtomicU32 = AtomicU32::new(0);

/// Notes that this process uses the library, and refuses one that was forked from another that does: it would wait for
/// threads that it does not have.
///
/// # Errors
/// [`Status::InvalidHandle`]. Nothing is locked or allocated before that is known.
// RV-FFI-1014
pub(crate) fn check() -> Result<()> {
    let this = process::id();
    match USER.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => Ok(()),
        Err(user) if user == this => Ok(()),
        Err(user) => Err(Error::new(
            Status::InvalidHandle,
            format!("process {this} was forked from process {user}, which uses RAVE"),
        )
        .expected("the process that made the handles")
        .help("use RAVE in the child only, or let the child execute a program (exec) before it does")),
    }
}

/// Whether this process has the handles of another.
pub(crate) fn is_child() -> bool {
    let user = USER.load(Ordering::Relaxed);
    user != 0 && user != process::id()
}
