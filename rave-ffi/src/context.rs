//! RaveContext: a device and where messages go.

use std::ffi::c_void;

use rave_core::{Error, Result, Status};

use crate::boundary::{guard, guard_create};
use crate::caller_log::CallerLog;
use crate::constants::{RAVE_DEVICE_CPU, RAVE_DEVICE_CUDA};
use crate::handles::{Registry, outside_callbacks};
use crate::pointers::read_struct;
use crate::structs::{RaveContext, RaveContextConfig};

/// What models and sessions take over from their context.
pub(crate) struct ContextFacts {
    pub(crate) log: CallerLog,
}

pub(crate) static CONTEXTS: Registry<(), ContextFacts> = Registry::new("context");

/// Creates a context from `config`. Quick; opens no library and no device yet.
///
/// Returns the context, which the caller ends with rave_context_destroy(), or NULL with a status in `*error`:
/// RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_DEVICE_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_context_create(
    config: *const RaveContextConfig,
    error: *mut i32,
) -> *mut RaveContext {
    // SAFETY: the header requires `error` to be NULL or writable, and `config` to be NULL or to have as many readable
    // bytes as its struct_size says.
    unsafe {
        guard_create(error, || {
            outside_callbacks("context")?;
            let config = read_struct(config, "config")?;
            check_device(&config)?;
            Ok(CONTEXTS.insert((), ContextFacts { log: CallerLog::new(&config)? }))
        })
    }
}

/// Ends `*context` and sets it to NULL. Models and sessions made from it stay valid. NULL, or a pointer to NULL, is
/// nothing to do. RAVE_ERROR_INVALID_HANDLE when it was destroyed already, RAVE_ERROR_BUSY while a call runs on it;
/// `*context` is unchanged then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_context_destroy(context: *mut *mut RaveContext) -> i32 {
    // SAFETY: the header requires `context` to be NULL or to point to a handle.
    guard(|| unsafe { CONTEXTS.destroy(context) })
}

fn check_device(config: &RaveContextConfig) -> Result<()> {
    let unused = |pointer: *mut c_void, name: &str| match pointer.is_null() {
        true => Ok(()),
        false => {
            Err(Error::new(Status::InvalidParameter, format!("config: {name} is set for a CPU context"))
                .expected("NULL"))
        }
    };
    if config.reserved != 0 {
        return Err(Error::new(Status::InvalidParameter, "config: reserved is not zero").expected("0"));
    }
    match config.device {
        RAVE_DEVICE_CPU => {
            unused(config.cuda_context, "cuda_context")?;
            unused(config.cuda_stream, "cuda_stream")
        }
        RAVE_DEVICE_CUDA => Err(Error::new(
            Status::DeviceNotFound,
            "config: device is RAVE_DEVICE_CUDA, and this librave was built without CUDA",
        )
        .help("use RAVE_DEVICE_CPU with frames in host memory")),
        other => Err(Error::new(Status::InvalidParameter, format!("config: device is {other}"))
            .expected("a RAVE_DEVICE_ constant")),
    }
}
