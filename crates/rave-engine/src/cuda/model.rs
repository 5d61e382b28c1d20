//! A TensorRT engine on a device, and the contexts that run it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use rave_core::{Error, Log, ModelContract, Result, Size, Status, TensorShape};
use rave_cuda::{Device, DeviceBuffer};
use rave_ledger::Digest;
use rave_tensorrt::{
    Context, Engine, Library, Plan, Precision, Runtime, RuntimeOptions, SearchOptions, Shape, SizeRange,
};

use super::in_context::InContext;
use crate::ModelOptions;

/// Multiples that networks want of their input's sides, as far as they are tried.
const ALIGNMENTS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Free memory without which no context is made by an older TensorRT's lean runtime. It takes a few MiB for one; when it gets
/// none, TensorRT 10.16 follows the null that it answers, and the process ends by SIGSEGV.
const ROOM_FOR_A_LEAN_CONTEXT: usize = 64 << 20;

/// A loaded engine.
pub(crate) struct TensorRtModel {
    // Engines end before the runtime, everything before the context goes.
    engines: Mutex<Vec<LoadedEngine>>,
    runtime: InContext<Runtime>,
    device: Device,
    plan: Vec<u8>,
    /// Of the plan.
    sha256: Digest,
    name: String,
    contract: ModelContract,
    /// Of each optimisation profile.
    profiles: Vec<Profile>,
    /// Places of the input and the output among the engine's tensors.
    tensors: (usize, usize),
    /// Whether each context needs an engine of its own: TensorRT 8.6 does not let two contexts share a profile of a
    /// dynamic engine.
    exclusive: bool,
    built_by: String,
    /// What RAVE had it built in; `None` of an engine that was given.
    built_in: Option<Precision>,
    log: Arc<RwLock<Log>>,
}

struct LoadedEngine {
    engine: InContext<Engine>,
    /// Alive while a context of this engine is.
    user: Weak<()>,
}

/// What an optimisation profile takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    pub(super) sizes: SizeRange,
    /// The largest batch.
    pub(super) batch: u32,
}

/// A context with its shapes set.
pub(super) struct BoundContext {
    context: InContext<Context>,
    pub(super) input: TensorShape,
    pub(super) output: TensorShape,
    pub(super) batch: u32,
    pub(super) scratch_bytes: usize,
    tensors: (usize, usize),
    _user: Arc<()>,
}

impl TensorRtModel {
    /// Loads the plan `bytes`, read from the file `name`.
    ///
    /// # Errors
    /// As [`crate::Model::load`].
    pub(crate) fn load(device: &Device, name: &str, bytes: Vec<u8>, options: &ModelOptions) -> Result<Self> {
        let plan = Plan::check(name, &bytes, None)?;
        let log = Arc::new(RwLock::new(options.log.clone()));
        let current = Arc::clone(&log);
        let messages = Log::new(move |level, message| {
            current.read().unwrap_or_else(PoisonError::into_inner).write(level, message);
        });
        let (runtime, engine) = deserialize(device, &plan, options, messages)?;
        let bound = device.bind()?;
        let contract = engine.contract()?;
        let place = |input| engine.tensors().iter().position(|tensor| tensor.input == input).unwrap_or(0);
        let tensors = (place(true), place(false));
        let profiles =
            (0..engine.profiles()).filter_map(|index| profile(&engine, tensors.0, index)).collect();
        let dynamic = engine.tensors()[tensors.0].shape.elements().is_none();
        drop(bound);
        Ok(TensorRtModel {
            contract,
            profiles,
            tensors,
            exclusive: dynamic && plan.version().major < 10 && !plan.is_rtx(),
            built_by: plan.builder(),
            built_in: None,
            log,
            engines: Mutex::new(vec![LoadedEngine { engine, user: Weak::new() }]),
            runtime,
            device: device.clone(),
            sha256: Digest::of(&bytes),
            plan: bytes,
            name: name.to_owned(),
        })
    }

    /// Sends TensorRT's messages to `log` from now on: a model outlives those who loaded it.
    pub(crate) fn log_to(&self, log: Log) {
        *self.log.write().unwrap_or_else(PoisonError::into_inner) = log;
    }

    pub(crate) fn contract(&self) -> &ModelContract {
        &self.contract
    }

    /// The SHA-256 of the engine.
    pub(crate) fn sha256(&self) -> Digest {
        self.sha256
    }

    /// The library that built it.
    pub(crate) fn built_by(&self) -> &str {
        &self.built_by
    }

    /// Takes down what RAVE had it built in.
    pub(crate) fn built_in(self, precision: Precision) -> Self {
        TensorRtModel { built_in: Some(precision), ..self }
    }

    /// What RAVE had it built in; `None` of an engine that was given.
    pub(crate) fn precision(&self) -> Option<Precision> {
        self.built_in
    }

    /// The version of the lean runtime that runs it, if one does.
    pub(crate) fn lean_runtime(&self) -> Option<String> {
        self.runtime.lean_version().map(|version| version.to_string())
    }

    /// The library that runs it with its version, and its file.
    pub(crate) fn library(&self) -> (String, String) {
        let library = self.runtime.library();
        let file = library.file().unwrap_or_else(|| library.name().to_owned());
        (format!("{} {}", library.flavour(), library.version()), file.display().to_string())
    }

    /// What runs it, for people.
    pub(crate) fn runtime(&self) -> String {
        what_runs(&self.runtime, &self.device, &self.built_by)
    }

    /// The profile for pictures of `size`: the first that takes them whole, else the one with the largest pictures.
    pub(super) fn profile_for(&self, size: Size) -> Result<(u32, Profile)> {
        let fits = |sizes: SizeRange| size.width <= sizes.max.width && size.height <= sizes.max.height;
        let profiles = || self.profiles.iter().copied().zip(0u32..).map(|(profile, index)| (index, profile));
        profiles()
            .find(|(_, profile)| fits(profile.sizes))
            .or_else(|| profiles().max_by_key(|(_, profile)| profile.sizes.max.pixels()))
            .ok_or_else(|| {
                Error::new(
                    Status::ModelLoadFailed,
                    format!("engine {}: no profile tells its sizes", self.name),
                )
            })
    }

    /// The profile that an engine of one range of sizes has.
    ///
    /// # Errors
    /// As [`TensorRtModel::profile_for`].
    pub(super) fn first_profile(&self) -> Result<(u32, Profile)> {
        // Every profile takes this.
        self.profile_for(Size::new(1, 1))
    }

    /// A context that runs pictures of `size`, or of the next larger size that the network can be brought to take,
    /// `batch` at a time.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when no such size is found, [`Status::OutOfMemory`], [`Status::InferenceFailed`].
    pub(super) fn bind(
        &self,
        (index, profile): (u32, Profile),
        size: Size,
        batch: u32,
    ) -> Result<BoundContext> {
        let (scratch_bytes, mut context, user) = self.context(index)?;
        let _bound = self.device.bind()?;
        let (input, output) = self.tensors;
        let channels = self.contract.channels;
        let sizes = profile.sizes;
        let least = Size::new(size.width.max(sizes.min.width), size.height.max(sizes.min.height));
        let nchw =
            |size: Size| Shape::new(&[batch.into(), channels.into(), size.height.into(), size.width.into()]);
        let mut refused = None;
        for align in ALIGNMENTS {
            let padded = least.round_up(align);
            if padded.width > sizes.max.width || padded.height > sizes.max.height {
                break;
            }
            if let Err(error) = context.set_input_shape(input, &nchw(padded)?) {
                refused.get_or_insert(error);
                continue;
            }
            let made = context.tensor_shape(output)?;
            let wanted = self.contract.scale.apply(padded)?;
            if made == nchw(wanted)? {
                return Ok(BoundContext {
                    scratch_bytes,
                    context,
                    input: TensorShape { channels, size: padded },
                    output: TensorShape { channels, size: wanted },
                    batch,
                    tensors: self.tensors,
                    _user: user,
                });
            }
            refused.get_or_insert_with(|| {
                Error::new(
                    Status::UnsupportedFormat,
                    format!("engine {}: it turns {padded} into {made}", self.name),
                )
                .expected(format!("pictures of {wanted}"))
            });
        }
        Err(refused.unwrap_or_else(|| {
            Error::new(Status::UnsupportedFormat, format!("engine {}: a picture of {size}", self.name))
                .expected(format!("{} to {}", sizes.min, sizes.max))
        }))
    }

    /// A context, the scratch memory that it needs, and what says that it is in use.
    fn context(&self, profile: u32) -> Result<(usize, InContext<Context>, Arc<()>)> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        let _bound = self.device.bind()?;
        let free = engines.iter().position(|loaded| !self.exclusive || loaded.user.strong_count() == 0);
        let index = match free {
            Some(index) => index,
            None => {
                let engine = Engine::deserialize(&self.runtime, &Plan::check(&self.name, &self.plan, None)?)?;
                engines
                    .push(LoadedEngine { engine: InContext::new(&self.device, engine), user: Weak::new() });
                engines.len() - 1
            }
        };
        let loaded = &mut engines[index];
        if let Some(lean) = self.runtime.lean_version() {
            // RV-ENG-1608
            let room = DeviceBuffer::new(&self.device, ROOM_FOR_A_LEAN_CONTEXT).map(drop);
            // Also where the freeing fails: when no call of CUDA works, that TensorRT crashes as well.
            room.and_then(|()| self.device.bind().map(drop)).map_err(|error| {
                error.context(format!("engine {}: a context of TensorRT {lean}", self.name))
            })?;
        }
        let context = InContext::new(&self.device, loaded.engine.context(profile)?);
        let user = loaded.user.upgrade().unwrap_or_default();
        loaded.user = Arc::downgrade(&user);
        Ok((loaded.engine.scratch_size(profile), context, user))
    }
}

impl BoundContext {
    /// Gives the context the memory that it uses for itself.
    ///
    /// # Errors
    /// As [`Context::set_scratch`].
    ///
    /// # Safety
    /// `scratch` has [`BoundContext::scratch_bytes`] bytes, which belong to this context alone until it is dropped and its
    /// work has ended.
    pub(super) unsafe fn set_scratch(&mut self, scratch: u64) -> Result<()> {
        if self.scratch_bytes == 0 {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { self.context.set_scratch(scratch, self.scratch_bytes) }
    }

    /// Sets what the next runs read and write.
    ///
    /// # Errors
    /// As [`Context::set_tensor_address`].
    ///
    /// # Safety
    /// `input` and `output` hold [`BoundContext::batch`] tensors of their shapes, which belong to this context alone until
    /// the work that is enqueued with them has ended.
    pub(super) unsafe fn set_tensors(&mut self, input: u64, output: u64) -> Result<()> {
        let (from, to) = self.tensors;
        // SAFETY: the caller's promise.
        unsafe {
            self.context.set_tensor_address(from, input)?;
            self.context.set_tensor_address(to, output)
        }
    }

    /// Enqueues one run on `stream`.
    ///
    /// # Errors
    /// As [`Context::enqueue`].
    ///
    /// # Safety
    /// [`BoundContext::set_scratch`] and [`BoundContext::set_tensors`] were called, earlier runs are on the same stream, and
    /// the stream outlives the work.
    pub(super) unsafe fn enqueue(&mut self, stream: &rave_cuda::Stream) -> Result<()> {
        let _bound = stream.device().bind()?;
        // SAFETY: the context that the engine was loaded in is current; the rest is the caller's promise.
        unsafe { self.context.enqueue(stream.as_raw()) }
    }
}

/// Loads a checked plan onto `device` by the library that `options` name, whose messages go to `log`.
///
/// # Errors
/// As [`crate::Model::load`].
pub(super) fn deserialize(
    device: &Device,
    plan: &Plan<'_>,
    options: &ModelOptions,
    log: Log,
) -> Result<(InContext<Runtime>, InContext<Engine>)> {
    let library = Library::open(&SearchOptions { runtime_lib: options.runtime_lib.clone() })?;
    let _bound = device.bind()?;
    let settings = RuntimeOptions {
        lean_runtime: options.lean_runtime.clone(),
        allow_host_code: options.allow_host_code,
    };
    let runtime = InContext::new(device, Runtime::new(&library, &settings, log)?);
    let engine = InContext::new(device, Engine::deserialize(&runtime, plan)?);
    Ok((runtime, engine))
}

/// Who built an engine and what runs it, for people.
pub(super) fn what_runs(runtime: &Runtime, device: &Device, built_by: &str) -> String {
    let library = runtime.library();
    let info = device.info();
    let (major, minor) = info.compute_capability;
    let mut text = format!("built by {built_by}; {library}");
    if let Some(lean) = runtime.lean_version() {
        text += &format!(" with the lean runtime of {lean}");
    }
    text + &format!(" on {}, compute capability {major}.{minor}", info.name)
}

/// What profile `index` takes; `None` when that cannot be told.
fn profile(engine: &Engine, input: usize, index: u32) -> Option<Profile> {
    let tensor = engine.tensors().get(input)?;
    let batch = match tensor.shape.extents().first() {
        Some(&-1) => *tensor.profiles.get(index as usize)?.max.extents().first()?,
        batch => *batch?,
    };
    Some(Profile { sizes: engine.input_sizes(index)?, batch: u32::try_from(batch).ok()? })
}

impl fmt::Debug for TensorRtModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TensorRtModel({})", self.name)
    }
}

impl fmt::Debug for BoundContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundContext({:?}, {} of {} to {})", self.context, self.batch, self.input, self.output)
    }
}
