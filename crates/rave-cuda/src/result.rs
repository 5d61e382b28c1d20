//! The driver's error numbers as [`Error`]s.

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

use rave_core::{Error, Result, Status, check_device_alive, is_sticky_cuda_error, note_cuda_error};

use crate::sys::{CUresult, Driver, LoadError};

/// The oldest CUDA driver interface that RAVE works with: 12.0, which driver 525 brought.
pub const REQUIRED_CUDA: i32 = 12000;

/// `CUDA_ERROR_DEVICE_UNAVAILABLE`.
const EXCLUSIVE: i32 = 46;

/// Makes sure that there is a driver which RAVE works with.
///
/// # Errors
/// [`Status::DeviceNotFound`] without one, or with one that is too old; [`Status::DeviceLost`] after a sticky error.
pub fn check_driver() -> Result<()> {
    Driver::get().map(|_| ())
}

impl Driver {
    /// The driver, loaded and initialised once in a process.
    pub(crate) fn get() -> Result<&'static Driver> {
        static DRIVER: OnceLock<Result<Driver>> = OnceLock::new();
        check_device_alive()?;
        DRIVER.get_or_init(Driver::open).as_ref().map_err(Clone::clone)
    }

    // RV-CUDA-1203
    fn open() -> Result<Driver> {
        let driver = Driver::load().map_err(|error| match error {
            LoadError::NoLibrary => Error::new(
                Status::DeviceNotFound,
                "the CUDA driver library (libcuda.so.1) is not installed or cannot be opened",
            )
            .expected(format!("a driver for CUDA {} or later", version(REQUIRED_CUDA)))
            .help("install NVIDIA's driver, or use a CPU backend"),
            LoadError::NoSymbol(name) => {
                Error::new(Status::DeviceNotFound, format!("the CUDA driver library has no function {name}"))
                    .expected(format!("a driver for CUDA {} or later", version(REQUIRED_CUDA)))
                    .help("update NVIDIA's driver")
            }
        })?;
        // SAFETY: cuInit and cuDriverGetVersion may be called at any time; `found` outlives the call.
        let (started, found) = unsafe {
            let mut found = 0;
            ((driver.cuInit)(0), {
                driver.check("cuDriverGetVersion", (driver.cuDriverGetVersion)(&mut found))?;
                found
            })
        };
        if found < REQUIRED_CUDA {
            return Err(Error::new(
                Status::DeviceNotFound,
                format!("the driver supports CUDA {}", version(found)),
            )
            .expected(format!("{} or later (driver 525 or later)", version(REQUIRED_CUDA)))
            .help("update NVIDIA's driver"));
        }
        if started != CUresult::SUCCESS {
            return Err(driver
                .error("cuInit", started)
                .help("check with nvidia-smi that the GPU is visible to this process"));
        }
        Ok(driver)
    }

    /// Turns a function's result into ours and remembers sticky errors.
    pub(crate) fn check(&self, call: &str, result: CUresult) -> Result<()> {
        if result == CUresult::SUCCESS {
            return Ok(());
        }
        Err(self.error(call, result))
    }

    /// For calls that say "not yet" by an error: whether the work is done.
    // RV-CUDA-1202
    pub(crate) fn check_ready(&self, call: &str, result: CUresult) -> Result<bool> {
        match result {
            CUresult::NOT_READY => Ok(false),
            result => self.check(call, result).map(|()| true),
        }
    }

    /// The error of a call that failed.
    #[cold]
    pub(crate) fn error(&self, call: &str, CUresult(code): CUresult) -> Error {
        note_cuda_error(code);
        let name = self.describe(code);
        let error = Error::new(status(code), format!("{call}: CUDA error {code}, {name}"));
        match (code, status(code)) {
            (_, Status::DeviceLost) => error.help("restart the process"),
            (EXCLUSIVE, _) => error.help(
                "another process has this GPU for itself (its compute mode is exclusive): end that process, or use \
                 another GPU",
            ),
            _ => error,
        }
    }

    /// The error of an allocation of `bytes` that failed. The context must be current.
    #[cold]
    pub(crate) fn allocation_error(&self, call: &str, result: CUresult, bytes: usize) -> Error {
        if result != CUresult::OUT_OF_MEMORY {
            return self.error(call, result);
        }
        let (mut free, mut total) = (0, 0);
        // SAFETY: a context is current, as the caller's failed call needed too; both locals outlive the call.
        let known = unsafe { (self.cuMemGetInfo_v2)(&mut free, &mut total) } == CUresult::SUCCESS;
        let found = if known {
            format!("{bytes} bytes of device memory were asked for, {free} of {total} bytes are free")
        } else {
            format!("{bytes} bytes of device memory were asked for")
        };
        Error::new(Status::OutOfMemory, found)
            .help("use smaller tiles or fewer streams, or free memory on the GPU")
    }

    fn describe(&self, code: i32) -> String {
        let text = |function: unsafe extern "C" fn(CUresult, *mut *const c_char) -> CUresult| {
            let mut text = std::ptr::null();
            // SAFETY: `text` outlives the call; any number may be passed, an unknown one leaves it null.
            unsafe { function(CUresult(code), &mut text) };
            if text.is_null() {
                return "unknown to this driver".into();
            }
            // SAFETY: not null, so it points to a NUL-terminated string in the driver, which is never unloaded.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        };
        format!("{} ({})", text(self.cuGetErrorName), text(self.cuGetErrorString))
    }
}

/// `12000` as `12.0`.
pub(crate) fn version(cuda: i32) -> String {
    format!("{}.{}", cuda / 1000, cuda % 1000 / 10)
}

/// The class of a driver error number.
// RV-CUDA-1202
fn status(code: i32) -> Status {
    match code {
        code if is_sticky_cuda_error(code) => Status::DeviceLost,
        2 => Status::OutOfMemory,
        1 | 400 => Status::InvalidParameter,
        34 | 100 | 803 | 804 => Status::DeviceNotFound,
        EXCLUSIVE | 101 | 201 | 802 => Status::InvalidDevice,
        // No kernel image for the GPU, bad or too new PTX, no JIT compiler, too many resources, no such symbol.
        98 | 200 | 209 | 218 | 221 | 222 | 223 | 500 | 701 => Status::KernelLaunchFailed,
        _ => Status::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-CUDA-1202
    #[test]
    fn a_sticky_error_is_device_lost_and_running_out_of_memory_is_not() {
        assert_eq!(status(700), Status::DeviceLost);
        assert_eq!(status(2), Status::OutOfMemory);
        assert_eq!(status(600), Status::Unknown);
    }

    #[test]
    fn versions_read_as_nvidia_writes_them() {
        assert_eq!(version(12000), "12.0");
        assert_eq!(version(13010), "13.1");
        assert_eq!(version(11080), "11.8");
    }

    /// RV-CUDA-1203
    #[test]
    fn without_a_driver_the_error_says_what_is_missing() {
        match Driver::get() {
            Ok(_) => eprintln!("skipped: this machine has a CUDA driver"),
            Err(error) => {
                assert_eq!(error.status(), Status::DeviceNotFound, "{error}");
                assert!(error.to_string().contains("12.0"), "{error}");
            }
        }
    }
}
