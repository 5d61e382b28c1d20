//! The ledger of a context.

use std::ffi::c_char;
use std::num::NonZero;
use std::path::PathBuf;

use rave_core::{Error, Log, Result, Status};
use rave_engine::{Counts, Ledger, LedgerOptions};

use crate::boundary::guard;
use crate::context::CONTEXTS;
use crate::pointers::{output, write_struct};
use crate::strings::read_string;
use crate::structs::{RaveContext, RaveContextConfig, RaveLedgerCounts};

/// Opens the ledger that `config` asks for.
///
/// # Safety
/// Its `ledger` is NULL or as [`read_string`] has it.
// RV-FFI-1011, RV-FILT-1113
pub(crate) unsafe fn open(config: &RaveContextConfig, log: Log) -> Result<Ledger> {
    let path = match config.ledger.is_null() {
        true => None,
        // SAFETY: the caller's promise.
        false => Some(PathBuf::from(unsafe { read_string(config.ledger, "config: ledger") }?)),
    };
    let every = match (config.ledger_every, &path) {
        (0, Some(_)) => 1,
        (every, _) => every,
    };
    Ledger::open(LedgerOptions { path, every: NonZero::new(every), log })
}

/// Writes how many lines of each kind the ledger has had from the context and what was made from it to `*counts`, whose
/// struct_size must be set. Never blocks; may run beside other calls. RAVE_ERROR_INVALID_PARAMETER,
/// RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_context_ledger_counts(
    context: *const RaveContext,
    counts: *mut RaveLedgerCounts,
) -> i32 {
    guard(|| {
        // By name, so that a new one cannot be forgotten here.
        let Counts {
            lines,
            frames,
            repeats,
            fallbacks,
            cache_entries_put_aside,
            without_cache,
            allocations_retried,
            frames_lost,
            not_finite,
            failures,
            devices_lost,
        } = CONTEXTS.get(context)?.facts.ledger.counts();
        let value = RaveLedgerCounts {
            struct_size: 0,
            reserved: 0,
            lines,
            frames,
            repeats,
            fallbacks,
            cache_entries_put_aside,
            without_cache,
            allocations_retried,
            frames_lost,
            not_finite,
            failures,
            devices_lost,
        };
        // SAFETY: the header requires `counts` to be NULL or to have as many writable bytes as its struct_size says.
        unsafe { write_struct(counts, "counts", &value) }
    })
}

/// Writes line `number` of the context's ledger, from 0, to `text`, without a line feed and with a NUL, and its length
/// without the NUL to `*length`. `size` is how many bytes `text` has; where these are too few nothing is written but
/// `*length`, and `text` may be NULL when `size` is 0. The last 1024 lines are in memory.
///
/// May wait for a line that is being written to a file; may run beside other calls. RAVE_ERROR_INVALID_PARAMETER also for
/// a line that is not there yet, or not in memory any more; RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_context_ledger_line(
    context: *const RaveContext,
    number: u64,
    text: *mut c_char,
    size: u64,
    length: *mut u64,
) -> i32 {
    guard(|| {
        let context = CONTEXTS.get(context)?;
        // SAFETY: the header requires it to be NULL or writable.
        let length = unsafe { output(length, "length") }?;
        if text.is_null() && size > 0 {
            return Err(crate::pointers::null("text"));
        }
        let ledger = &context.facts.ledger;
        let line = ledger.line(number).ok_or_else(|| {
            let lines = ledger.lines();
            Error::new(Status::InvalidParameter, format!("number is {number}"))
                .expected(format!("one of the last 1024 of {lines} lines, from 0"))
        })?;
        length.write(line.len() as u64);
        if line.len() as u64 >= size {
            return Ok(());
        }
        // SAFETY: `text` is not NULL, as `size` is not 0; the header requires it to have `size` writable bytes, which are
        // more than the line has; the line is the library's own memory.
        unsafe {
            std::ptr::copy_nonoverlapping(line.as_ptr(), text.cast(), line.len());
            text.add(line.len()).write(0);
        }
        Ok(())
    })
}
