//! A GPU through a CUDA context: adopted from whoever made it, or made for a program of our own.

use std::ffi::{CStr, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ptr;
use std::sync::{Arc, Mutex};

use rave_core::{Error, Result, Status, check_device_alive};

use crate::sys::{self, CUcontext, CUdevice, CUresult, Driver};

/// What is known of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number among the GPUs that this process sees.
    pub ordinal: u32,
    /// The name that the driver gives it.
    pub name: String,
    /// Compute capability, major and minor.
    pub compute_capability: (i32, i32),
    /// Device memory in bytes.
    pub memory: usize,
    /// Multiprocessors.
    pub multiprocessors: i32,
    /// L2 cache in bytes.
    pub l2_cache: usize,
    /// The alignment of rows in FFmpeg's CUDA frame pools, in bytes.
    pub texture_alignment: usize,
    /// The CUDA version that the driver supports, as 1000 major + 10 minor.
    pub driver_cuda: i32,
}

/// A CUDA context and its GPU. Cheap to clone; every object of this crate holds one.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    driver: &'static Driver,
    context: CUcontext,
    /// Whether the context is ours to destroy.
    owned: bool,
    info: DeviceInfo,
    /// An error that a destructor met and could not return.
    deferred: Mutex<Option<Error>>,
}

// SAFETY: a CUcontext is a handle that the driver lets any thread push and use, also several at once; the other fields
// are Send and Sync.
unsafe impl Send for Inner {}
// SAFETY: as for Send.
unsafe impl Sync for Inner {}

impl Device {
    /// Uses a context that somebody else made and will destroy (FFmpeg's `AVCUDADeviceContext.cuda_ctx`).
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`] without a driver, [`Status::InvalidParameter`] for a null pointer,
    /// [`Status::DeviceLost`] after a sticky error.
    ///
    /// # Safety
    /// `context` is null or a live `CUcontext`, and stays alive until this device, its clones and everything made with
    /// them are dropped.
    pub unsafe fn adopt(context: *mut c_void) -> Result<Self> {
        let driver = Driver::get()?;
        if context.is_null() {
            return Err(Error::new(Status::InvalidParameter, "the CUDA context is null"));
        }
        // SAFETY: not null, hence live, by this function's contract.
        unsafe { Device::of(driver, context.cast(), false) }
    }

    /// Makes a context of its own on GPU `ordinal`, for programs that are not FFmpeg: tests, tools, examples.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`] without a driver or a GPU, [`Status::InvalidDevice`] when there is no GPU `ordinal`,
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`] after a sticky error.
    pub fn create(ordinal: u32) -> Result<Self> {
        let driver = Driver::get()?;
        let mut count = 0;
        // SAFETY: the driver is initialised; `count` outlives the call.
        driver.check("cuDeviceGetCount", unsafe { (driver.cuDeviceGetCount)(&mut count) })?;
        let index = i32::try_from(ordinal).unwrap_or(i32::MAX);
        // RV-CUDA-1206
        if count == 0 {
            return Err(Error::new(Status::DeviceNotFound, "the CUDA driver shows this process no GPU")
                .help(
                    "check with nvidia-smi that there is one, and that CUDA_VISIBLE_DEVICES does not hide it",
                ));
        }
        if index >= count {
            return Err(Error::new(Status::InvalidDevice, format!("GPU number {ordinal}"))
                .expected(format!("a number below {count}, the GPUs that this process sees")));
        }
        let named = |error: Error| error.context(format!("GPU number {ordinal}, of {count} from 0"));
        let (mut device, mut context, mut popped) = (0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: `index` is below the number of devices; all three locals outlive the calls; the context that
        // cuCtxCreate made current on this thread is popped before anything else runs.
        unsafe {
            driver.check("cuDeviceGet", (driver.cuDeviceGet)(&mut device, index)).map_err(named)?;
            let flags = sys::CTX_SCHED_BLOCKING_SYNC;
            driver
                .check("cuCtxCreate", (driver.cuCtxCreate_v2)(&mut context, flags, device))
                .map_err(named)?;
            driver.check("cuCtxPopCurrent", (driver.cuCtxPopCurrent_v2)(&mut popped)).map_err(named)?;
            Device::of(driver, context, true).map_err(named)
        }
    }

    /// # Safety
    /// `context` is live, as [`Device::adopt`] says or because it was just made.
    unsafe fn of(driver: &'static Driver, context: CUcontext, owned: bool) -> Result<Self> {
        let mut inner = Inner {
            driver,
            context,
            owned,
            info: DeviceInfo {
                ordinal: 0,
                name: String::new(),
                compute_capability: (0, 0),
                memory: 0,
                multiprocessors: 0,
                l2_cache: 0,
                texture_alignment: 0,
                driver_cuda: 0,
            },
            deferred: Mutex::new(None),
        };
        inner.info = {
            let bound = inner.bind()?;
            let mut device = 0;
            // SAFETY: the context is current while `bound` lives; `device` outlives the call.
            bound.check("cuCtxGetDevice", unsafe { (driver.cuCtxGetDevice)(&mut device) })?;
            info(driver, device)?
        };
        Ok(Device(Arc::new(inner)))
    }

    /// What is known of the GPU.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.0.info
    }

    /// The context's handle, a `CUcontext`, for libraries that take one.
    #[must_use]
    pub fn context(&self) -> *mut c_void {
        self.0.context.cast()
    }

    /// Makes the context current on this thread until the result is dropped. Contexts nest as a stack: what was current
    /// before is current again after. Every call of this crate does it by itself; it is for calls to other libraries.
    ///
    /// # Errors
    /// [`Status::DeviceLost`] after a sticky error, and an error that a destructor met since the last call.
    pub fn bind(&self) -> Result<Bound<'_>> {
        self.0.bind()
    }

    /// Free and total device memory in bytes.
    ///
    /// # Errors
    /// As [`Device::bind`].
    pub fn memory(&self) -> Result<(usize, usize)> {
        let bound = self.bind()?;
        let (mut free, mut total) = (0, 0);
        // SAFETY: the context is current while `bound` lives; both locals outlive the call.
        let result = unsafe { (bound.driver.cuMemGetInfo_v2)(&mut free, &mut total) };
        bound.check("cuMemGetInfo", result)?;
        Ok((free, total))
    }

    /// Runs `destroy` for a destructor, with the context current. After a lost device it does nothing: what the device
    /// holds is leaked, since no call may be made. Other errors are kept for the next [`Device::bind`].
    // RV-CUDA-1205, RV-ENG-1607
    pub(crate) fn destroy(&self, call: &str, destroy: impl FnOnce(&Driver) -> CUresult) {
        let outcome = self.0.push().and_then(|bound| bound.check(call, destroy(bound.driver)));
        if let Err(error) = outcome
            && error.status() != Status::DeviceLost
        {
            self.0.defer(error);
        }
    }

    /// Whether two devices are the same context.
    #[must_use]
    pub fn is_same(&self, other: &Device) -> bool {
        self.0.context == other.0.context
    }
}

impl Inner {
    fn bind(&self) -> Result<Bound<'_>> {
        // RV-CUDA-1205
        check_device_alive()?;
        let deferred = self.deferred.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(error) = deferred {
            return Err(error.context("while destroying an object earlier"));
        }
        self.push()
    }

    /// [`Inner::bind`] whatever a destructor met: for destructors, each of which has its own to destroy.
    fn push(&self) -> Result<Bound<'_>> {
        check_device_alive()?;
        // SAFETY: the context is live: ours until Inner is dropped, or adopted under `Device::adopt`'s contract.
        let result = unsafe { (self.driver.cuCtxPushCurrent_v2)(self.context) };
        self.driver.check("cuCtxPushCurrent", result)?;
        Ok(Bound { driver: self.driver, _device: PhantomData, _this_thread: PhantomData })
    }

    fn defer(&self, error: Error) {
        self.deferred.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // RV-CUDA-1204
        if self.owned && check_device_alive().is_ok() {
            // SAFETY: the context is ours, no object that uses it is left (each holds a Device), and it is current on
            // no thread: every push of this crate is undone by `Bound`. There is nowhere to report an error.
            let _ = unsafe { (self.driver.cuCtxDestroy_v2)(self.context) };
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.0.info.compute_capability;
        write!(f, "Device({}, compute capability {major}.{minor})", self.0.info.name)
    }
}

/// A context that is current on this thread while this lives.
pub struct Bound<'a> {
    pub(crate) driver: &'static Driver,
    _device: PhantomData<&'a Inner>,
    /// What is current belongs to a thread.
    _this_thread: PhantomData<*const ()>,
}

impl Bound<'_> {
    pub(crate) fn check(&self, call: &str, result: CUresult) -> Result<()> {
        self.driver.check(call, result)
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        // RV-CUDA-1204
        let mut popped = ptr::null_mut();
        // SAFETY: `Inner::bind` pushed on this thread (`Bound` is not Send), and what was pushed since has been popped
        // by its own `Bound`. After a sticky error popping is a host operation that cannot make things worse, and
        // leaving a context behind would confuse the host program.
        let _ = unsafe { (self.driver.cuCtxPopCurrent_v2)(&mut popped) };
    }
}

impl fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound")
    }
}

/// The number by which the driver gives `device`.
fn ordinal(driver: &Driver, device: CUdevice) -> Result<u32> {
    let mut count = 0;
    // SAFETY: the driver is initialised; `count` outlives the call.
    driver.check("cuDeviceGetCount", unsafe { (driver.cuDeviceGetCount)(&mut count) })?;
    for index in 0..count {
        let mut other = 0;
        // SAFETY: `index` is below the number of devices; `other` outlives the call.
        driver.check("cuDeviceGet", unsafe { (driver.cuDeviceGet)(&mut other, index) })?;
        if other == device {
            return Ok(index.unsigned_abs());
        }
    }
    Err(Error::new(Status::InvalidDevice, "the context's GPU is none of those that this process sees"))
}

fn info(driver: &Driver, device: CUdevice) -> Result<DeviceInfo> {
    let attribute = |number: i32| {
        let mut value = 0;
        // SAFETY: `device` came from the driver; `value` outlives the call.
        let result = unsafe { (driver.cuDeviceGetAttribute)(&mut value, number, device) };
        driver.check("cuDeviceGetAttribute", result).map(|()| value)
    };
    let mut name = [0; 256];
    let (mut memory, mut driver_cuda) = (0, 0);
    // SAFETY: `device` came from the driver; the buffer's length is passed; all locals outlive the calls.
    unsafe {
        let result = (driver.cuDeviceGetName)(name.as_mut_ptr(), name.len() as i32, device);
        driver.check("cuDeviceGetName", result)?;
        driver.check("cuDeviceTotalMem", (driver.cuDeviceTotalMem_v2)(&mut memory, device))?;
        driver.check("cuDriverGetVersion", (driver.cuDriverGetVersion)(&mut driver_cuda))?;
    }
    let name = name.map(|c| c as u8);
    Ok(DeviceInfo {
        ordinal: ordinal(driver, device)?,
        name: CStr::from_bytes_until_nul(&name)
            .map_or_else(|_| String::from("?"), |name| name.to_string_lossy().into_owned()),
        compute_capability: (
            attribute(sys::attribute::COMPUTE_CAPABILITY_MAJOR)?,
            attribute(sys::attribute::COMPUTE_CAPABILITY_MINOR)?,
        ),
        memory,
        multiprocessors: attribute(sys::attribute::MULTIPROCESSOR_COUNT)?,
        l2_cache: attribute(sys::attribute::L2_CACHE_SIZE)? as usize,
        texture_alignment: attribute(sys::attribute::TEXTURE_ALIGNMENT)? as usize,
        driver_cuda,
    })
}
