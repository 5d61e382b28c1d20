//! An engine: a model that TensorRT has loaded onto the GPU.

use std::ffi::{CStr, CString};
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock};

use rave_core::{Error, ModelContract, Result, Status};

use crate::contract::SizeRange;
use crate::runtime::RuntimeInner;
use crate::{Context, Plan, ProfileShape, Runtime, Shape, TensorInfo, contract, sys};

/// A loaded model. Cheap to clone; the last clone or context ends it.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<EngineInner>);

pub(crate) struct EngineInner {
    // RV-TRT-1204
    pub(crate) runtime: Arc<RuntimeInner>,
    pub(crate) raw: NonNull<sys::Engine>,
    pub(crate) name: String,
    pub(crate) tensors: Vec<TensorInfo>,
    pub(crate) profiles: i32,
    aux_streams: i32,
    contract: OnceLock<Result<ModelContract>>,
    /// One context is made at a time: an engine hands profiles out to them.
    pub(crate) creating: Mutex<()>,
}

// SAFETY: an ICudaEngine is not bound to a thread and its const methods may be called from several at once
// (NvInferRuntime.h); contexts are made under the lock, and drop has exclusive access.
unsafe impl Send for EngineInner {}
// SAFETY: as above.
unsafe impl Sync for EngineInner {}

impl Engine {
    /// Loads a checked plan onto the device whose CUDA context is current on this thread.
    ///
    /// # Errors
    /// [`Status::EngineMismatch`] for a plan of another TensorRT or GPU, [`Status::ModelLoadFailed`] for one that
    /// TensorRT cannot read, [`Status::OutOfMemory`]; the message has TensorRT's own words or says that there are none.
    pub fn deserialize(runtime: &Runtime, plan: &Plan<'_>) -> Result<Engine> {
        let raw = runtime.0.deserialize(plan)?;
        let mut inner = EngineInner {
            runtime: Arc::clone(&runtime.0),
            raw,
            name: plan.name().to_owned(),
            tensors: Vec::new(),
            profiles: 0,
            aux_streams: 0,
            contract: OnceLock::new(),
            creating: Mutex::new(()),
        };
        inner.inspect()?;
        Ok(Engine(Arc::new(inner)))
    }

    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its inputs and outputs, in TensorRT's order; a tensor's place here is its number in [`Context`].
    #[must_use]
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.0.tensors
    }

    /// The number of optimisation profiles, at least 1.
    #[must_use]
    pub fn profiles(&self) -> u32 {
        self.0.profiles as u32
    }

    /// How many streams of its own a context uses beside the caller's.
    #[must_use]
    pub fn aux_streams(&self) -> u32 {
        self.0.aux_streams.max(0) as u32
    }

    /// The bytes of device memory that one context needs while it runs, beside weights and tensors.
    #[must_use]
    pub fn scratch_size(&self, profile: u32) -> usize {
        // SAFETY: the engine is alive.
        let size =
            unsafe { (self.0.runtime.library.api.engine_scratch_size)(self.0.raw.as_ptr(), profile as i32) };
        usize::try_from(size).unwrap_or(0)
    }

    /// What the engine takes and gives as an image model. A dynamic engine is asked, once, through a context of its
    /// own; under TensorRT 8.6 that has to be before any other context is made.
    ///
    /// # Errors
    /// [`Status::ModelLoadFailed`], naming the tensor, when it is not an image model that RAVE can feed.
    pub fn contract(&self) -> Result<ModelContract> {
        self.0.contract.get_or_init(|| contract::infer(self)).clone()
    }

    /// The input sizes that the model takes in an optimisation profile; `None` when it has no single NCHW input or not
    /// that profile.
    #[must_use]
    pub fn input_sizes(&self, profile: u32) -> Option<SizeRange> {
        contract::size_range(self, profile)
    }

    /// Makes a context that uses an optimisation profile; see [`Context::new`].
    ///
    /// # Errors
    /// As [`Context::new`].
    pub fn context(&self, profile: u32) -> Result<Context> {
        Context::new(self, profile)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({}", self.0.name)?;
        for tensor in &self.0.tensors {
            let arrow = if tensor.input { "" } else { "-> " };
            write!(f, ", {arrow}{} {} {}", tensor.name, tensor.shape, tensor.data_type)?;
        }
        f.write_str(")")
    }
}

impl EngineInner {
    pub(crate) fn api(&self) -> &'static sys::Api {
        self.runtime.library.api
    }

    /// Whether an input's shape is chosen at run time.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.tensors.iter().any(|tensor| tensor.input && tensor.shape.elements().is_none())
    }

    /// Reads everything that stays the same, so that later calls need no string but the names kept here.
    fn inspect(&mut self) -> Result<()> {
        let (api, raw) = (self.api(), self.raw.as_ptr());
        // SAFETY: the engine is alive.
        let (count, profiles, aux_streams) =
            unsafe { ((api.engine_tensors)(raw), (api.engine_profiles)(raw), (api.engine_aux_streams)(raw)) };
        self.profiles = profiles;
        self.aux_streams = aux_streams;
        if count < 1 || profiles < 1 {
            return Err(Error::new(
                Status::ModelLoadFailed,
                format!("engine {}: it has {count} tensors and {profiles} optimisation profiles", self.name),
            )
            .expected("at least one input, one output and one profile"));
        }
        for index in 0..count {
            let tensor = self.inspect_tensor(index)?;
            self.tensors.push(tensor);
        }
        Ok(())
    }

    fn inspect_tensor(&self, index: i32) -> Result<TensorInfo> {
        let (api, raw) = (self.api(), self.raw.as_ptr());
        // SAFETY: the engine is alive; an index out of range gives NULL.
        let name = unsafe { (api.engine_tensor_name)(raw, index) };
        if name.is_null() {
            let what = format!("engine {}: tensor {index} has no name", self.name);
            return Err(self.runtime.faults.error(Status::ModelLoadFailed, &what));
        }
        // SAFETY: a NUL-terminated string that the engine owns.
        let c_name: CString = unsafe { CStr::from_ptr(name) }.to_owned();
        let mut tensor = sys::Tensor::default();
        // SAFETY: the engine, the name and the target are alive.
        unsafe { (api.engine_tensor)(raw, c_name.as_ptr(), &mut tensor) };
        let input = tensor.is_input == 1;
        let shape_of = |profile, which| {
            let mut dims = sys::Dims::default();
            // SAFETY: as above; profile is in range, which is 0, 1 or 2.
            unsafe { (api.engine_profile_shape)(raw, c_name.as_ptr(), profile, which, &mut dims) };
            Shape(dims)
        };
        let profiles = (0..if input { self.profiles } else { 0 })
            .map(|profile| ProfileShape {
                min: shape_of(profile, 0),
                opt: shape_of(profile, 1),
                max: shape_of(profile, 2),
            })
            .collect();
        Ok(TensorInfo {
            name: c_name.to_string_lossy().into_owned(),
            c_name,
            input,
            data_type: crate::DataType(tensor.data_type),
            format: tensor.format,
            on_device: tensor.on_device == 1,
            shape: Shape(tensor.shape),
            profiles,
        })
    }
}

impl Drop for EngineInner {
    fn drop(&mut self) {
        // SAFETY: the contexts hold the Arc around self, so none is left; the runtime is alive through ours.
        unsafe { (self.api().engine_destroy)(self.raw.as_ptr()) };
    }
}
