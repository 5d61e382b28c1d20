//! One way of running an engine: its shapes, its memory, and the call that puts a frame into a stream.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use rave_core::{Error, Result, Status};

use crate::engine::EngineInner;
use crate::{Driver, Engine, Shape, sys};

/// A CUDA stream of the driver API (`CUstream`), as a pointer; null is the default stream.
pub type RawStream = *mut c_void;

/// The alignment of scratch memory and tensors that TensorRT asks for.
pub const ALIGNMENT: usize = 256;

/// An execution context. One thread uses it at a time; several contexts of one engine run beside each other.
///
/// Names and shapes are settled before the first frame: [`Context::enqueue`] takes no string, makes no allocation of
/// its own and can be captured into a CUDA graph, which then replays with the same shapes and addresses.
pub struct Context {
    raw: NonNull<sys::Context>,
    // RV-TRT-1204
    engine: Arc<EngineInner>,
    profile: u32,
    /// Set once scratch memory is given, or none is needed.
    ready: bool,
}

// SAFETY: an IExecutionContext is not bound to a thread; it must only not be used by two at once, and every method
// that changes it takes &mut self.
unsafe impl Send for Context {}

impl Context {
    /// Makes a context for one optimisation profile, without scratch memory.
    ///
    /// Not to be called while a stream is being captured: choosing a profile waits for the default stream.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a profile that the engine has not, [`Status::OutOfMemory`] when TensorRT makes
    /// none, [`Status::Busy`] when the profile is taken and the engine's TensorRT cannot share one (8.6).
    pub fn new(engine: &Engine, profile: u32) -> Result<Context> {
        let inner = &engine.0;
        let (api, name) = (inner.api(), &inner.name);
        if profile >= engine.profiles() {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("engine {name}: optimisation profile {profile}"),
            )
            .expected(format!("0 to {}", engine.profiles() - 1)));
        }
        let _one_at_a_time = inner.creating.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let faults = &inner.runtime.faults;
        faults.begin()?;
        // SAFETY: the engine is alive, and the Arc keeps it so.
        let raw = NonNull::new(unsafe { (api.context_create)(inner.raw.as_ptr()) }).ok_or_else(|| {
            faults.error(Status::OutOfMemory, &format!("engine {name}: no context can be made"))
        })?;
        let context =
            Context { raw, engine: Arc::clone(inner), profile, ready: engine.scratch_size(profile) == 0 };
        if inner.is_dynamic() || profile != 0 {
            context.choose_profile()?;
        }
        Ok(context)
    }

    /// Takes the profile, unless TensorRT gave it to the context already: the first context of an engine gets the
    /// first profile, and so do the others since profiles can be shared (TensorRT 10).
    fn choose_profile(&self) -> Result<()> {
        let (engine, raw, profile) = (&self.engine, self.raw.as_ptr(), self.profile as i32);
        let api = engine.api();
        // SAFETY: the context is alive.
        if unsafe { (api.context_profile)(raw) } == profile {
            return Ok(());
        }
        // SAFETY: as above; null is the default stream.
        if unsafe { (api.context_set_profile)(raw, profile, std::ptr::null_mut()) } != 1 {
            let what = format!("engine {}: another context uses optimisation profile {profile}", engine.name);
            let error = engine.runtime.faults.error(Status::Busy, &what);
            return Err(error.help("load the engine once per context, or rebuild it with a newer TensorRT"));
        }
        // What was enqueued for it has to end before any other stream uses the context.
        engine.runtime.driver.map_or(Ok(()), Driver::synchronize_default_stream)
    }

    /// The optimisation profile.
    #[must_use]
    pub fn profile(&self) -> u32 {
        self.profile
    }

    /// Gives the context its scratch memory: `size` bytes of device memory at `address`, at least
    /// [`Engine::scratch_size`].
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when it is too small or not aligned to [`ALIGNMENT`] bytes.
    ///
    /// # Safety
    /// The memory belongs to this context alone until the context is dropped or has other scratch memory, and its
    /// last work has ended.
    // RV-TRT-1206
    pub unsafe fn set_scratch(&mut self, address: u64, size: usize) -> Result<()> {
        let needed = Engine(Arc::clone(&self.engine)).scratch_size(self.profile);
        if size < needed || !address.is_multiple_of(ALIGNMENT as u64) || (address == 0 && needed > 0) {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("engine {}: scratch memory of {size} bytes at {address:#x}", self.engine.name),
            )
            .expected(format!("{needed} bytes, aligned to {ALIGNMENT}")));
        }
        let api = self.engine.api();
        // SAFETY: the context is alive; the memory is the caller's promise.
        unsafe { (api.context_set_scratch)(self.raw.as_ptr(), address as *mut c_void, size as i64) };
        self.ready = true;
        Ok(())
    }

    /// Fixes the shape of an input, by its place in [`Engine::tensors`].
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when it is outside the profile; [`Status::InvalidParameter`] for a tensor that is
    /// not an input.
    // RV-TRT-1107
    pub fn set_input_shape(&mut self, tensor: usize, shape: &Shape) -> Result<()> {
        let engine = &self.engine;
        let info = match engine.tensors.get(tensor) {
            Some(info) if info.input => info,
            _ => return Err(engine.no_tensor(tensor, "input")),
        };
        engine.runtime.faults.begin()?;
        // SAFETY: context, name and shape are alive.
        let set = unsafe {
            (engine.api().context_set_input_shape)(self.raw.as_ptr(), info.c_name.as_ptr(), &shape.0)
        };
        if set == 1 {
            return Ok(());
        }
        let what = format!("engine {}: input `{}` does not take {shape}", engine.name, info.name);
        let error = engine.runtime.faults.error(Status::UnsupportedFormat, &what);
        Err(match info.profiles.get(self.profile as usize) {
            Some(range) => error.expected(format!("{} to {}", range.min, range.max)),
            None => error,
        })
    }

    /// The shape of a tensor with the input shapes set so far, by its place in [`Engine::tensors`].
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a tensor that the engine has not.
    pub fn tensor_shape(&self, tensor: usize) -> Result<Shape> {
        let engine = &self.engine;
        let info = engine.tensors.get(tensor).ok_or_else(|| engine.no_tensor(tensor, "tensor"))?;
        let mut dims = sys::Dims::default();
        // SAFETY: context, name and target are alive.
        unsafe { (engine.api().context_tensor_shape)(self.raw.as_ptr(), info.c_name.as_ptr(), &mut dims) };
        Ok(Shape(dims))
    }

    /// Sets where a tensor lies in device memory, by its place in [`Engine::tensors`].
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a tensor that the engine has not, or an address that TensorRT refuses.
    ///
    /// # Safety
    /// The memory holds the whole tensor in its current shape, and stays until the work enqueued with it has ended.
    pub unsafe fn set_tensor_address(&mut self, tensor: usize, address: u64) -> Result<()> {
        let engine = &self.engine;
        let info = engine.tensors.get(tensor).ok_or_else(|| engine.no_tensor(tensor, "tensor"))?;
        engine.runtime.faults.begin()?;
        // SAFETY: context and name are alive; the memory is the caller's promise.
        let set = unsafe {
            (engine.api().context_set_tensor_address)(
                self.raw.as_ptr(),
                info.c_name.as_ptr(),
                address as *mut c_void,
            )
        };
        if set == 1 {
            return Ok(());
        }
        let what = format!("engine {}: tensor `{}` cannot lie at {address:#x}", engine.name, info.name);
        Err(engine.runtime.faults.error(Status::InvalidParameter, &what))
    }

    /// Puts one inference into a stream. Returns at once; the result is there in the stream's order.
    ///
    /// # Errors
    /// [`Status::InferenceFailed`]; [`Status::DeviceLost`] when the stream reports an error after which this process
    /// cannot use the device again.
    ///
    /// # Safety
    /// - The CUDA context that the engine was loaded in is current on this thread, and `stream` is a live stream of it.
    /// - Every tensor's address is set and its memory, the scratch memory, the context and the stream outlive the
    ///   work. A graph that captured the call counts as such work for as long as it is launched.
    /// - Work enqueued earlier by this context is in the same stream or has ended: one context, one frame at a time.
    // RV-TRT-1202, RV-TRT-1203
    pub unsafe fn enqueue(&mut self, stream: RawStream) -> Result<()> {
        let engine = &self.engine;
        engine.runtime.faults.begin()?;
        if !self.ready {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("engine {}: the context has no scratch memory", engine.name),
            )
            .help("call set_scratch first"));
        }
        // SAFETY: the context is alive; stream, addresses and memory are the caller's promise.
        if unsafe { (engine.api().context_enqueue)(self.raw.as_ptr(), stream) } == 1 {
            return Ok(());
        }
        let error = engine
            .runtime
            .faults
            .error(Status::InferenceFailed, &format!("engine {}: a frame failed", engine.name));
        let sticky = engine.runtime.driver.and_then(|driver| {
            // SAFETY: stream is live and its context current, by this function's own precondition.
            unsafe { driver.sticky_error(stream) }
        });
        match sticky {
            Some(code) => Err(Error::new(Status::DeviceLost, format!("{code} after {error}"))
                .help("the GPU cannot be used by this process any more; restart it")),
            None => Err(error),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({}, profile {})", self.engine.name, self.profile)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by context_create, dropped once, its work has ended (enqueue's contract); the engine is alive.
        unsafe { (self.engine.api().context_destroy)(self.raw.as_ptr()) };
    }
}

impl EngineInner {
    fn no_tensor(&self, tensor: usize, kind: &str) -> Error {
        Error::new(Status::InvalidParameter, format!("engine {}: tensor {tensor} is no {kind}", self.name))
            .expected(format!("a tensor below {}", self.tensors.len()))
    }
}
