//! RaveContext: a device and where messages go.

use std::ffi::{CString, c_void};

use rave_core::{Error, Log, LogLevel, Result, Status};

use crate::boundary::{guard, guard_create};
use crate::constants::{RAVE_DEVICE_CPU, RAVE_DEVICE_CUDA, RAVE_LOG_DEBUG, RAVE_LOG_INFO};
use crate::handles::Registry;
use crate::pointers::read_struct;
use crate::structs::{RaveContext, RaveContextConfig};

/// What models and sessions take over from their context.
#[derive(Clone)]
pub(crate) struct ContextFacts {
    pub(crate) log: Log,
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
            let config = read_struct(config, "config")?;
            check_device(&config)?;
            Ok(CONTEXTS.insert((), ContextFacts { log: log(&config)? }))
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
        false => Err(Error::new(
            Status::InvalidParameter,
            format!("config: {name} is set for a CPU context"),
        )
        .expected("NULL")),
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
        other => Err(
            Error::new(Status::InvalidParameter, format!("config: device is {other}"))
                .expected("a RAVE_DEVICE_ constant"),
        ),
    }
}

/// The caller's callback, which the header requires to be callable from any thread.
#[derive(Clone, Copy)]
struct Callback {
    function: unsafe extern "C" fn(*mut c_void, i32, *const std::ffi::c_char),
    opaque: *mut c_void,
}

// SAFETY: the header requires of a log callback, and so of what its opaque pointer leads to, that any thread may call.
unsafe impl Send for Callback {}
// SAFETY: as above, from several threads at once.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self, level: LogLevel, message: &str) {
        let line: String = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let line = CString::new(line).unwrap_or_default();
        // SAFETY: the function and its opaque pointer came together in one RaveContextConfig, and the header requires
        // them to stay valid as long as anything made from the context; the line outlives the call.
        unsafe { (self.function)(self.opaque, level as i32, line.as_ptr()) }
    }
}

fn log(config: &RaveContextConfig) -> Result<Log> {
    let most_verbose = match config.log_level {
        0 => RAVE_LOG_INFO,
        level @ 1..=RAVE_LOG_DEBUG => level,
        other => {
            return Err(
                Error::new(Status::InvalidParameter, format!("config: log_level is {other}"))
                    .expected("0 or a RAVE_LOG_ constant"),
            );
        }
    };
    let Some(function) = config.log else {
        return Ok(Log::default());
    };
    let callback = Callback {
        function,
        opaque: config.log_opaque,
    };
    Ok(Log::new(move |level, message| {
        if level as i32 <= most_verbose {
            callback.call(level, message);
        }
    }))
}
