//! Thread pools of the pixel kernels, one per thread count, shared by all sessions of the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rave_core::{Error, Result, Status};
use rayon::{ThreadPool, ThreadPoolBuilder};

static POOLS: Mutex<Option<HashMap<usize, Arc<ThreadPool>>>> = Mutex::new(None);

/// The pool of `threads` threads; 0 means one per core.
// RV-FFI-1013
pub(crate) fn pool(threads: usize) -> Result<Arc<ThreadPool>> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, Into::into),
        threads => threads,
    };
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let pools = pools.get_or_insert_default();
    if let Some(pool) = pools.get(&threads) {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("rave-pixels-{index}"))
        .build()
        .map_err(|error| {
            Error::new(Status::OutOfMemory, format!("{threads} threads could not be started: {error}"))
                .help("set the option threads to a smaller number")
        })?;
    Ok(Arc::clone(pools.entry(threads).or_insert(Arc::new(pool))))
}
