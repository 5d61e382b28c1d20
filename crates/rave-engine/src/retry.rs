//! One more try where memory ran out.

use rave_core::{Log, LogLevel, Result, Status};
use rave_ledger::{Act, Freed, Ledger};

use crate::Mode;
use crate::cuda::CudaDevice;
use crate::model;

/// Who is told of a second try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry<'a> {
    pub(crate) mode: Mode,
    pub(crate) ledger: &'a Ledger,
    pub(crate) log: &'a Log,
}

impl Retry<'_> {
    /// Makes `what`. Where memory runs out, in hardened mode, `free` gives back what nobody uses, and it is made once more.
    ///
    /// # Errors
    /// Those of `make`.
    // RV-ENG-1601, RV-ENG-1605
    pub(crate) fn once<T>(
        self,
        what: &str,
        free: impl FnOnce() -> Freed,
        mut make: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let error = match make() {
            Err(error) if error.status() == Status::OutOfMemory && self.mode == Mode::Hardened => error,
            result => return result,
        };
        let freed = free();
        let Freed { models, pool_bytes } = freed;
        let message = format!(
            "{error}; freed {models} models and {pool_bytes} bytes of the GPU's pool, trying once more"
        );
        self.log.write(LogLevel::Warning, format_args!("{what}: {message}"));
        self.ledger.act(Act::AllocationRetried { what: what.into(), freed }, message);
        make()
    }
}

/// Frees what is kept for later and nobody uses now: loaded models, and the memory in the pool of `device`.
pub(crate) fn free_unused(device: Option<&CudaDevice>) -> Freed {
    Freed {
        models: model::free_unused(device),
        pool_bytes: device.map_or(0, |device| device.free_pool() as u64),
    }
}

#[cfg(test)]
mod tests {
    use rave_core::Error;

    use super::*;

    /// What came of a `make` that fails `failures` times with `status`, how often it was called, and how often memory was
    /// freed.
    fn tried(mode: Mode, failures: u32, status: Status) -> (Result<&'static str>, u32, u32, Ledger) {
        let ledger = Ledger::default();
        let retry = Retry { mode, ledger: &ledger, log: &Log::default() };
        let (mut calls, mut frees) = (0, 0);
        let free = || {
            frees += 1;
            Freed { models: 2, pool_bytes: 7 }
        };
        let made = retry.once("a session", free, || {
            calls += 1;
            if calls > failures { Ok("made") } else { Err(Error::new(status, "4 bytes")) }
        });
        (made, calls, frees, ledger)
    }

    /// RV-ENG-1601
    #[test]
    fn memory_that_runs_out_is_freed_once_in_hardened_mode_and_told() {
        let (made, calls, frees, ledger) = tried(Mode::Hardened, 1, Status::OutOfMemory);
        assert_eq!((made, calls, frees), (Ok("made"), 2, 1));
        assert_eq!(ledger.counts().allocations_retried, 1);
        let line = ledger.line(1).unwrap();
        let record = r#"{"allocation_retried":{"what":"a session","freed":{"models":2,"pool_bytes":7}}}"#;
        assert!(line.contains(record) && line.contains("4 bytes"), "{line}");

        let (made, calls, frees, ledger) = tried(Mode::Hardened, 2, Status::OutOfMemory);
        assert_eq!((made.unwrap_err().status(), calls, frees), (Status::OutOfMemory, 2, 1));
        assert_eq!(ledger.counts().allocations_retried, 1);
    }

    /// RV-ENG-1601
    #[test]
    fn it_is_an_error_at_once_in_strict_mode_and_so_is_anything_else_in_both() {
        for (mode, status) in [
            (Mode::Strict, Status::OutOfMemory),
            (Mode::Strict, Status::DeviceLost),
            (Mode::Hardened, Status::DeviceLost),
            (Mode::Hardened, Status::InferenceFailed),
        ] {
            let (made, calls, frees, ledger) = tried(mode, 1, status);
            assert_eq!((made.unwrap_err().status(), calls, frees), (status, 1, 0));
            assert_eq!(ledger.counts().acts(), 0);
        }
    }
}
