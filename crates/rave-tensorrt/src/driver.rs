//! What has to be known of the CUDA driver before TensorRT is called, and which of its errors are final.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::sync::OnceLock;

use libloading::Library;
use rave_core::{Error, Result, Status, is_sticky_cuda_error, note_cuda_error};

use crate::library::why;

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `_MINOR`.
const CAPABILITY: [c_int; 2] = [75, 76];

/// The CUDA driver of this machine, initialised, with at least one device.
///
/// TensorRT without a driver does not say so: a runtime is created all the same, and the first failure is an engine
/// that comes back null without a reason. So the driver is asked first, by its own library and nothing else.
pub struct Driver {
    version: i32,
    devices: i32,
    ctx_get_device: unsafe extern "C" fn(*mut c_int) -> c_int,
    device_get_attribute: unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int,
    mem_get_info: unsafe extern "C" fn(*mut usize, *mut usize) -> c_int,
    stream_query: unsafe extern "C" fn(*mut c_void) -> c_int,
    stream_synchronize: unsafe extern "C" fn(*mut c_void) -> c_int,
    get_error_name: unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int,
}

impl Driver {
    /// The driver of this machine. Looked for once per process.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`], naming what is missing: the driver's library, a driver that starts, or a device.
    pub fn get() -> Result<&'static Driver> {
        static DRIVER: OnceLock<Result<Driver>> = OnceLock::new();
        DRIVER.get_or_init(|| Driver::load(Path::new("libcuda.so.1"))).as_ref().map_err(Error::clone)
    }

    // RV-CLI-1203, RV-TRT-1007
    fn load(path: &Path) -> Result<Driver> {
        let missing = |found: String| {
            Error::new(Status::DeviceNotFound, found)
                .help("install NVIDIA's driver, or run on the CPU with an .onnx model")
        };
        // SAFETY: libcuda's initialisers have no requirements; it is the machine's own driver.
        let library = unsafe { Library::new(path) }
            .map_err(|error| missing(format!("the CUDA driver cannot be loaded: {}", why(error))))?;
        // Never unloaded: the driver keeps threads and thread-local state of its own.
        let library: &'static Library = Box::leak(Box::new(library));
        macro_rules! symbol {
            ($name:literal, $ty:ty) => {
                // SAFETY: the type is the function's in cuda.h (CUDA driver API).
                *unsafe { library.get::<$ty>($name) }.map_err(|error| {
                    missing(format!("the CUDA driver {} is unusable: {}", path.display(), why(error)))
                })?
            };
        }
        let init = symbol!("cuInit", unsafe extern "C" fn(c_uint) -> c_int);
        let get_version = symbol!("cuDriverGetVersion", unsafe extern "C" fn(*mut c_int) -> c_int);
        let get_count = symbol!("cuDeviceGetCount", unsafe extern "C" fn(*mut c_int) -> c_int);
        let mut driver = Driver {
            version: 0,
            devices: 0,
            ctx_get_device: symbol!("cuCtxGetDevice", unsafe extern "C" fn(*mut c_int) -> c_int),
            device_get_attribute: symbol!(
                "cuDeviceGetAttribute",
                unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int
            ),
            mem_get_info: symbol!("cuMemGetInfo_v2", unsafe extern "C" fn(*mut usize, *mut usize) -> c_int),
            stream_query: symbol!("cuStreamQuery", unsafe extern "C" fn(*mut c_void) -> c_int),
            stream_synchronize: symbol!("cuStreamSynchronize", unsafe extern "C" fn(*mut c_void) -> c_int),
            get_error_name: symbol!(
                "cuGetErrorName",
                unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int
            ),
        };
        // SAFETY: works before cuInit; the pointer is to a live c_int. A failure leaves 0.
        unsafe { get_version(&mut driver.version) };
        // SAFETY: cuInit takes no pointer; 0 is the only flag there is.
        let code = unsafe { init(0) };
        if code != 0 {
            return Err(missing(format!(
                "the CUDA driver (for CUDA up to {}) does not start: {}",
                driver.cuda_version(),
                driver.error_name(code)
            )));
        }
        // SAFETY: the driver is initialised; the pointer is to a live c_int.
        let code = unsafe { get_count(&mut driver.devices) };
        if code != 0 || driver.devices == 0 {
            return Err(missing(format!(
                "the CUDA driver (for CUDA up to {}) has no device{}",
                driver.cuda_version(),
                if code == 0 { String::new() } else { format!(": {}", driver.error_name(code)) }
            )));
        }
        Ok(driver)
    }

    /// The newest CUDA that the driver supports, such as "13.0".
    #[must_use]
    pub fn cuda_version(&self) -> String {
        format!("{}.{}", self.version / 1000, self.version % 1000 / 10)
    }

    /// The number of devices.
    #[must_use]
    pub fn devices(&self) -> i32 {
        self.devices
    }

    /// The compute capability of the device whose context is current on this thread.
    #[must_use]
    pub fn current_capability(&self) -> Option<(u32, u32)> {
        let mut device = 0;
        // SAFETY: the driver is initialised; the pointer is to a live c_int. Fails without a current context.
        if unsafe { (self.ctx_get_device)(&mut device) } != 0 {
            return None;
        }
        let attribute = |attribute| {
            let mut value = 0;
            // SAFETY: device comes from cuCtxGetDevice; the pointer is to a live c_int.
            let code = unsafe { (self.device_get_attribute)(&mut value, attribute, device) };
            (code == 0).then_some(value)?.try_into().ok()
        };
        Some((attribute(CAPABILITY[0])?, attribute(CAPABILITY[1])?))
    }

    /// Free bytes on the device whose context is current on this thread.
    #[must_use]
    pub fn free_memory(&self) -> Option<u64> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: the driver is initialised; both pointers are to live values. Fails without a current context.
        let code = unsafe { (self.mem_get_info)(&mut free, &mut total) };
        (code == 0).then_some(free as u64)
    }

    /// The error that a stream is in, if it is one after which the process cannot use the device again.
    ///
    /// # Safety
    /// `stream` is a live stream (null is the default stream) of the context that is current on this thread.
    pub(crate) unsafe fn sticky_error(&self, stream: *mut c_void) -> Option<String> {
        // SAFETY: by this function's own precondition.
        let code = unsafe { (self.stream_query)(stream) };
        note_cuda_error(code);
        is_sticky_cuda_error(code).then(|| self.error_name(code))
    }

    /// Waits for the default stream of the context that is current on this thread.
    pub(crate) fn synchronize_default_stream(&self) -> Result<()> {
        // SAFETY: null is the default stream of the current context; without one the driver returns an error.
        match unsafe { (self.stream_synchronize)(std::ptr::null_mut()) } {
            0 => Ok(()),
            code => {
                note_cuda_error(code);
                let status =
                    if is_sticky_cuda_error(code) { Status::DeviceLost } else { Status::InvalidDevice };
                Err(Error::new(status, format!("the default stream: {}", self.error_name(code))))
            }
        }
    }

    fn error_name(&self, code: c_int) -> String {
        let mut name = std::ptr::null();
        // SAFETY: the pointer is to a live pointer; the answer is a static string, or an error for unknown codes.
        if unsafe { (self.get_error_name)(code, &mut name) } == 0 && !name.is_null() {
            // SAFETY: the driver returned a static NUL-terminated string.
            format!("{} ({code})", unsafe { CStr::from_ptr(name) }.to_string_lossy())
        } else {
            format!("CUDA error {code}")
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// RV-TRT-1007
    #[test]
    fn a_driver_that_is_not_there_is_named() {
        let error = Driver::load(Path::new("libcuda-of-no-machine.so.1")).err().unwrap();
        assert_eq!(error.status(), Status::DeviceNotFound);
        assert!(error.to_string().contains("libcuda-of-no-machine.so.1"), "{error}");
    }

    #[test]
    fn a_library_that_is_not_the_driver_is_refused() {
        let error = Driver::load(Path::new("libm.so.6")).err().unwrap();
        assert_eq!(error.status(), Status::DeviceNotFound);
        assert!(error.to_string().contains("cuInit"), "{error}");
    }

    /// A stand-in for the driver's library, compiled from C: it starts with `init` and has `devices`, and no context.
    pub(crate) fn answering(init: i32, devices: i32) -> Result<Driver> {
        stand_in(init, devices, None)
    }

    /// The same with a context on a device of a compute capability.
    pub(crate) fn of_capability(major: i32, minor: i32) -> Driver {
        stand_in(0, 1, Some((major, minor))).unwrap()
    }

    fn stand_in(init: i32, devices: i32, current: Option<(i32, i32)>) -> Result<Driver> {
        let no_context = if current.is_some() { 0 } else { 201 };
        let (major, minor) = current.unwrap_or_default();
        let [of_major, of_minor] = CAPABILITY;
        let folder = tempfile::tempdir().unwrap();
        let (code, library) = (folder.path().join("cuda.c"), folder.path().join("libcuda.so.1"));
        let source = format!(
            "int cuInit(unsigned flags) {{ return flags ? 1 : {init}; }}\n\
             int cuDriverGetVersion(int *version) {{ *version = 12020; return 0; }}\n\
             int cuDeviceGetCount(int *count) {{ *count = {devices}; return 0; }}\n\
             int cuGetErrorName(int code, const char **name) {{ *name = \"CUDA_ERROR_BY_NAME\"; return code == 999; }}\n\
             int cuCtxGetDevice(int *device) {{ *device = 0; return {no_context}; }}\n\
             int cuDeviceGetAttribute(int *value, int a, int d) {{\n\
               *value = a == {of_major} ? {major} : {minor};\n\
               return d != 0 || (a != {of_major} && a != {of_minor});\n\
             }}\n\
             int cuMemGetInfo_v2(unsigned long *f, unsigned long *t) {{ *f = 1048576; *t = 2 * *f; return 0; }}\n\
             int cuStreamQuery(void *stream) {{ return stream ? 700 : 600; }}\n\
             int cuStreamSynchronize(void *stream) {{ return stream ? 0 : 719; }}\n"
        );
        std::fs::write(&code, source).unwrap();
        let built = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &code])
            .status();
        assert!(built.expect("a C compiler").success());
        Driver::load(&library)
    }

    /// RV-TRT-1007
    #[test]
    fn a_driver_that_does_not_start_or_has_no_device_tells_its_version_and_the_reason() {
        for (driver, reason) in [
            (answering(100, 1), "CUDA_ERROR_BY_NAME (100)"),
            (answering(999, 1), "CUDA error 999"),
            (answering(0, 0), "has no device"),
        ] {
            let error = driver.err().unwrap();
            assert_eq!(error.status(), Status::DeviceNotFound);
            let text = error.to_string();
            assert!(text.contains(reason) && text.contains("12.2"), "{text}");
        }
    }

    #[test]
    fn only_final_errors_are_sticky() {
        let driver = answering(0, 2).unwrap();
        assert_eq!((driver.devices(), driver.current_capability()), (2, None));
        // SAFETY: the library above looks at the pointer and nothing else.
        let query = |stream: usize| unsafe { driver.sticky_error(stream as *mut c_void) };
        assert_eq!(query(0), None);
        assert_eq!(query(1).as_deref(), Some("CUDA_ERROR_BY_NAME (700)"));
        assert_eq!(driver.synchronize_default_stream().unwrap_err().status(), Status::DeviceLost);
    }
}
