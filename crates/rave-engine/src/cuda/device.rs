//! A GPU as its owner hands it over, and what is shared by everything that works there.

use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rave_core::{Result, check_device_alive};
use rave_cuda::{
    BucketedPool, Device, DeviceInfo, FrameOnDevice, PixelKernels, PoolStats, Stream, UserKernel,
};
use rave_nvcodec::EncoderSupport;

use super::TensorRtModel;
use crate::build::Target;
use crate::cache::Cache;

/// How many devices that have an [`Owner`] stay ready, in use or not.
const KEPT: usize = 2;

/// Keeps a CUDA context alive: what is done when this is dropped lets it go.
pub struct Owner(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Owner {
    /// `release` is called once, by any thread that calls this library.
    #[must_use]
    pub fn new(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Owner(Some(Box::new(release)))
    }

    /// Leaves the context to whoever made this.
    pub fn forget(mut self) {
        self.0 = None;
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner")
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // RV-ENG-1205
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

/// A CUDA context, the stream that orders its frames, and what models and sessions there share. Cheap to clone; any
/// thread may use it.
#[derive(Clone)]
pub struct CudaDevice(Arc<Shared>);

struct Shared {
    // Dropped in this order: everything lives in the context, which the owner keeps alive.
    models: Cache<TensorRtModel>,
    kernels: Mutex<Option<PixelKernels>>,
    encoders: OnceLock<Result<EncoderSupport>>,
    pool: BucketedPool,
    main: Stream,
    device: Device,
    sessions: AtomicUsize,
    owner: Option<Owner>,
}

impl Shared {
    fn new(device: Device, main: Stream, owner: Option<Owner>) -> Self {
        Shared {
            models: Cache::new(),
            kernels: Mutex::new(None),
            encoders: OnceLock::new(),
            pool: BucketedPool::new(&device),
            main,
            device,
            sessions: AtomicUsize::new(0),
            owner,
        }
    }
}

/// Devices in use.
static LIVE: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// The last devices that have an owner. FFmpeg tears its filter graph down and builds it anew on every change of the
/// stream: for that time nothing else holds the device, and the models that are loaded there.
static LATEST: Mutex<Vec<CudaDevice>> = Mutex::new(Vec::new());

impl CudaDevice {
    /// Takes up `context` (a `CUcontext`) and `stream` (a `CUstream` of it; null is the legacy default stream), in whose
    /// order frames are valid. The same pair again is the same device.
    ///
    /// With an `owner`, which is taken on success, the device and the models loaded there stay ready for a while after
    /// their last use; the owner is dropped when they do not any more.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`](rave_core::Status::DeviceNotFound) without a driver,
    /// [`Status::InvalidParameter`](rave_core::Status::InvalidParameter) when `context` is null,
    /// [`Status::DeviceLost`](rave_core::Status::DeviceLost) after a sticky error.
    ///
    /// # Safety
    /// `context` is null or live, `stream` is null or a live stream of it. Both stay alive until `owner` is dropped, or,
    /// without one, until this device, its clones, and everything made with them are dropped.
    pub unsafe fn adopt(
        context: *mut c_void,
        stream: *mut c_void,
        owner: &mut Option<Owner>,
    ) -> Result<Self> {
        // RV-ENG-1206: of a pair that is known the driver is not asked.
        check_device_alive()?;
        let mut live = lock(&LIVE);
        live.retain(|other| other.strong_count() > 0);
        // What may end with these ends outside of the lock: it calls the owner.
        let all: Vec<_> = live.iter().filter_map(Weak::upgrade).collect();
        let known = all.iter().find(|other| {
            other.device.context() == context
                && other.main.as_raw() == stream
                && other.owner.is_some() == owner.is_some()
        });
        let mut spare = None;
        let device = match known {
            Some(known) => {
                // The device has one that keeps the same context alive.
                spare = owner.take();
                CudaDevice(Arc::clone(known))
            }
            None => {
                // RV-ENG-1205
                // SAFETY: the caller's promise, for as long as `Shared` lives: it holds the owner.
                let device = unsafe { Device::adopt(context) }?;
                // SAFETY: as above.
                let main = unsafe { Stream::adopt(&device, stream) };
                let shared = Arc::new(Shared::new(device, main, owner.take()));
                live.push(Arc::downgrade(&shared));
                CudaDevice(shared)
            }
        };
        drop(live);
        drop((all, spare));
        if device.0.owner.is_some() {
            device.keep();
        }
        Ok(device)
    }

    /// Makes a context of its own on GPU `ordinal`, and a stream of it, for programs that have frames in host memory.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`](rave_core::Status::DeviceNotFound) without a driver or a GPU,
    /// [`Status::InvalidDevice`](rave_core::Status::InvalidDevice) when there is no GPU `ordinal`,
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory),
    /// [`Status::DeviceLost`](rave_core::Status::DeviceLost) after a sticky error.
    pub fn create(ordinal: u32) -> Result<Self> {
        let device = Device::create(ordinal)?;
        let main = Stream::create(&device)?;
        Ok(CudaDevice(Arc::new(Shared::new(device, main, None))))
    }

    fn keep(&self) {
        // RV-ENG-1207, RV-FILT-1104
        let mut latest = lock(&LATEST);
        let mut others: Vec<_> = latest.drain(..).filter(|other| !Arc::ptr_eq(&other.0, &self.0)).collect();
        let oldest = (others.len() == KEPT).then(|| others.remove(0));
        others.push(self.clone());
        *latest = others;
        drop(latest);
        // Outside of the lock: to free models takes time.
        drop(oldest);
    }

    /// What is known of the GPU.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        self.0.device.info()
    }

    /// Compiles a kernel of a user's own: [`UserKernel::compile`].
    ///
    /// # Errors
    /// As [`UserKernel::compile`].
    ///
    /// # Safety
    /// As [`UserKernel::compile`].
    pub unsafe fn compile(&self, name: &str, source: &str) -> Result<UserKernel> {
        let _bound = self.0.device.bind()?;
        // SAFETY: the caller's promise.
        unsafe { UserKernel::compile(&self.0.device, name, source) }
    }

    /// Enqueues a user's kernel for `frame` on the stream in whose order frames are valid.
    ///
    /// # Errors
    /// As [`UserKernel::launch`].
    pub fn launch(&self, kernel: &UserKernel, frame: &FrameOnDevice) -> Result<()> {
        kernel.launch(&self.0.main, frame)
    }

    /// What the device's memory pool has done so far.
    #[must_use]
    pub fn pool_stats(&self) -> PoolStats {
        self.0.pool.stats()
    }

    /// Frees what the pool holds and nobody uses, and returns the bytes freed.
    pub(crate) fn free_pool(&self) -> usize {
        self.0.pool.trim()
    }

    /// What is known of the GPU's encoder, once it was asked.
    pub(super) fn encoder_support(&self) -> &OnceLock<Result<EncoderSupport>> {
        &self.0.encoders
    }

    pub(crate) fn device(&self) -> &Device {
        &self.0.device
    }

    /// The stream in whose order frames are valid.
    pub(super) fn main(&self) -> &Stream {
        &self.0.main
    }

    pub(super) fn pool(&self) -> &BucketedPool {
        &self.0.pool
    }

    pub(crate) fn models(&self) -> &Cache<TensorRtModel> {
        &self.0.models
    }

    /// The pixel kernels, compiled for this GPU by the driver when they are first asked for.
    pub(super) fn kernels(&self) -> Result<PixelKernels> {
        let mut kernels = lock(&self.0.kernels);
        if let Some(kernels) = &*kernels {
            return Ok(kernels.clone());
        }
        Ok(kernels.insert(PixelKernels::load(&self.0.device)?).clone())
    }

    /// Counts a session; the pool's memory goes back to the GPU with the last one.
    pub(super) fn session(&self) -> OpenSession {
        self.0.sessions.fetch_add(1, Ordering::Relaxed);
        OpenSession(self.clone())
    }
}

impl From<&CudaDevice> for Target {
    fn from(device: &CudaDevice) -> Self {
        let DeviceInfo { name, compute_capability: (major, minor), .. } = device.info();
        let number = |number: i32| u32::try_from(number).unwrap_or_default();
        Target { name: name.clone(), capability: (number(*major), number(*minor)) }
    }
}

impl fmt::Debug for CudaDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.device.fmt(f)
    }
}

/// One session on a device.
#[derive(Debug)]
pub(super) struct OpenSession(CudaDevice);

impl Drop for OpenSession {
    fn drop(&mut self) {
        if self.0.0.sessions.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.0.pool.trim();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;

    /// An owner, and how often it has been released.
    fn counted() -> (Owner, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        let owner = Owner::new(move || {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        (owner, count)
    }

    /// RV-ENG-1205
    #[test]
    fn an_owner_is_released_once_when_it_is_dropped_and_never_when_it_is_forgotten() {
        let (owner, count) = counted();
        assert_eq!(count.load(Ordering::Relaxed), 0);
        drop(owner);
        assert_eq!(count.load(Ordering::Relaxed), 1);

        let (owner, count) = counted();
        owner.forget();
        assert_eq!(count.load(Ordering::Relaxed), 0);
        assert_eq!(Arc::strong_count(&count), 1, "what it held is gone all the same");
    }

    /// RV-ENG-1205
    #[test]
    fn an_owner_whose_context_was_not_adopted_is_left_to_the_caller() {
        let (owner, count) = counted();
        let mut owner = Some(owner);
        for _ in 0..2 {
            // Refused on every machine: by the driver's absence, or for being null.
            // SAFETY: null is allowed.
            let error = unsafe { CudaDevice::adopt(null_mut(), null_mut(), &mut owner) }.unwrap_err();
            let status = error.status();
            assert!(
                matches!(status, rave_core::Status::DeviceNotFound | rave_core::Status::InvalidParameter),
                "{error}"
            );
            assert!(owner.is_some() && count.load(Ordering::Relaxed) == 0);
        }
        assert!(lock(&LATEST).is_empty() && lock(&LIVE).is_empty(), "nothing is kept of it");
        drop(owner);
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}
