//! RaveContext: a device and where messages go.

use std::ffi::{c_char, c_void};

use rave_core::{Error, PixelFormat, Result, Size, Status};
use rave_engine::{CudaDevice, Ledger, Owner};

use crate::boundary::{guard, guard_create};
use crate::caller_ledger;
use crate::caller_log::CallerLog;
use crate::constants::{RAVE_DEVICE_CPU, RAVE_DEVICE_CUDA};
use crate::handles::{Registry, outside_callbacks};
use crate::pointers::read_struct;
use crate::strings::read_string;
use crate::structs::{RaveContext, RaveContextConfig};

/// What models and sessions take over from their context.
pub(crate) struct ContextFacts {
    pub(crate) log: CallerLog,
    /// The GPU; `None` is the CPU.
    pub(crate) device: Option<CudaDevice>,
    pub(crate) ledger: Ledger,
}

pub(crate) static CONTEXTS: Registry<(), ContextFacts> = Registry::new("context");

/// Creates a context from `config`. Quick; opens no library but, with RAVE_DEVICE_CUDA, the GPU's driver, and no file but the
/// ledger's.
///
/// Returns the context, which the caller ends with rave_context_destroy(), or NULL with a status in `*error`:
/// RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_DEVICE_NOT_FOUND, RAVE_ERROR_DEVICE_LOST; where the
/// ledger cannot be written RAVE_ERROR_FILE_NOT_FOUND, RAVE_ERROR_PERMISSION_DENIED, RAVE_ERROR_IO, RAVE_ERROR_UNTRUSTED (a
/// symbolic link) or RAVE_ERROR_BUSY (another process writes it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_context_create(
    config: *const RaveContextConfig,
    error: *mut i32,
) -> *mut RaveContext {
    // SAFETY: the header requires `error` to be NULL or writable, and `config` to be NULL or to have as many readable
    // bytes as its struct_size says, with a `ledger` that is NULL or a string, and it says how long the CUDA context and
    // stream in it must live.
    unsafe {
        guard_create(error, || {
            outside_callbacks("context")?;
            let config = read_struct(config, "config")?;
            check_config(&config)?;
            let log = CallerLog::new(&config)?;
            let ledger = caller_ledger::open(&config, log.log())?;
            let device = device(&config)?;
            Ok(CONTEXTS.insert((), ContextFacts { log, device, ledger }))
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

/// Whether FFmpeg's encoder `encoder` (h264_nvenc, hevc_nvenc, av1_nvenc) takes frames of `width` x `height` and `format`,
/// a RAVE_PIX_FMT_ constant, on the GPU of a context of RAVE_DEVICE_CUDA. RAVE_OK when it does; otherwise
/// rave_last_error() says why not, and what to use in its place: RAVE_ERROR_INVALID_DEVICE (a GPU without NVENC),
/// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_RUNTIME_LIBRARY_MISSING, RAVE_ERROR_INVALID_PARAMETER,
/// RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_INVALID_HANDLE. The first call may block for a short while.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_encoder_check(
    context: *mut RaveContext,
    encoder: *const c_char,
    width: u32,
    height: u32,
    format: i32,
) -> i32 {
    guard(|| {
        let context = CONTEXTS.get(context)?;
        let _running = context.lock("context")?;
        // SAFETY: the header requires `encoder` to be NULL or a string.
        let encoder = unsafe { read_string(encoder, "encoder") }?;
        let size = Size::new(width, height).checked("frame")?;
        let format = PixelFormat::from_code(format)?;
        match &context.facts.device {
            Some(device) => device.check_encoder(encoder, size, format),
            None => Err(Error::new(Status::InvalidParameter, "context: a CPU context has no NVENC")
                .expected("a context of RAVE_DEVICE_CUDA")),
        }
    })
}

fn check_config(config: &RaveContextConfig) -> Result<()> {
    let invalid = |found: String| Error::new(Status::InvalidParameter, format!("config: {found}"));
    // RV-FFI-1002
    if config.cuda_release.is_none() && !config.cuda_owner.is_null() {
        return Err(invalid("cuda_owner is set without cuda_release".into()).expected("both or neither"));
    }
    match config.device {
        RAVE_DEVICE_CPU => {
            let set = [
                (!config.cuda_context.is_null(), "cuda_context"),
                (!config.cuda_stream.is_null(), "cuda_stream"),
                (config.cuda_release.is_some(), "cuda_release"),
            ];
            match set.iter().find(|(set, _)| *set) {
                None => Ok(()),
                Some((_, name)) => Err(invalid(format!("{name} is set for a CPU context")).expected("NULL")),
            }
        }
        RAVE_DEVICE_CUDA if config.cuda_context.is_null() => {
            Err(invalid("cuda_context is NULL for a CUDA context".into()).expected("a CUcontext"))
        }
        RAVE_DEVICE_CUDA => Ok(()),
        other => Err(invalid(format!("device is {other}")).expected("a RAVE_DEVICE_ constant")),
    }
}

/// The GPU of a checked `config`.
///
/// # Safety
/// What the header says of `cuda_context`, `cuda_stream` and `cuda_release`.
unsafe fn device(config: &RaveContextConfig) -> Result<Option<CudaDevice>> {
    if config.device != RAVE_DEVICE_CUDA {
        return Ok(None);
    }
    let mut owner = config.cuda_release.map(|release| {
        let owner = CallerOwner(config.cuda_owner);
        Owner::new(move || owner.release(release))
    });
    // SAFETY: the caller vouches for both until the owner is released, or for as long as anything made from this lives.
    let device = unsafe { CudaDevice::adopt(config.cuda_context, config.cuda_stream, &mut owner) };
    if let Some(owner) = owner {
        // RV-FFI-1106
        // Not taken: it stays the caller's.
        owner.forget();
    }
    device.map(Some)
}

/// The caller's pointer, which the library passes on and never follows.
struct CallerOwner(*mut c_void);

// SAFETY: the header says that the release callback takes it on any thread.
unsafe impl Send for CallerOwner {}
// SAFETY: as above; nothing is done with it by reference.
unsafe impl Sync for CallerOwner {}

impl CallerOwner {
    fn release(self, release: unsafe extern "C" fn(*mut c_void)) {
        // SAFETY: the pointer that the caller gave with this callback, once.
        unsafe { release(self.0) }
    }
}
