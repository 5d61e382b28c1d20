//! Building engines: an ONNX model through TensorRT's parser and builder.

mod built_plan;
mod config;
mod isolated;
mod message;
mod network;
mod onnx;
mod options;
mod owned;
mod parser;
mod progress;
#[cfg(test)]
mod tests;
mod trial;

use std::ffi::c_void;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use rave_core::{Error, Log, Result, Status};

pub use self::built_plan::BuiltPlan;
pub use self::isolated::serve_builds;
use self::network::Network;
pub use self::options::{BatchRange, BuildOptions, Precision};
use self::owned::Owned;
use self::parser::ParserLibrary;
use self::progress::Monitor;
pub use self::progress::{Phase, Progress};
pub use self::trial::{NewEngine, Tried, TryEngine};
use crate::faults::Faults;
use crate::library::Create;
use crate::{DataType, Driver, Flavour, Library, sys};

/// Builds engines with one library and its ONNX parser.
///
/// Every build is on its own: it makes TensorRT's builder anew and ends it, so an internal error of one build touches
/// no other. Builds may run on several threads at once.
#[derive(Clone)]
pub struct Builder {
    library: Library,
    create: Create,
    parser: ParserLibrary,
    log: Log,
}

/// How a builder is made.
#[derive(Clone, Debug, Default)]
pub struct BuilderOptions {
    /// The library of the ONNX parser: a path, or a name for the dynamic linker to find. Nothing else is tried then.
    pub parser_lib: Option<PathBuf>,
}

impl Builder {
    /// Finds the builder in `library` and the ONNX parser that belongs to it: the one that the options name, else the
    /// one that `RAVE_ONNXPARSER_LIB` names, else the one beside the library, else the dynamic linker's. Needs no GPU.
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`] for a lean library, which has no builder, and without a parser, with all that
    /// was tried.
    // RV-TRT-1312
    pub fn new(library: &Library, options: &BuilderOptions, log: Log) -> Result<Builder> {
        let Some(create) = library.create_builder else {
            return Err(Error::new(
                Status::RuntimeLibraryMissing,
                format!("{library} only runs engines and has no builder"),
            )
            .help(format!(
                "name the full library (libnvinfer.so.{}) with runtime_lib, or build the engine elsewhere",
                library.version().major
            )));
        };
        let parser = ParserLibrary::open(library, options.parser_lib.as_deref())?;
        Ok(Builder { library: library.clone(), create, parser, log })
    }

    /// The library that builds.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The parser's library, by the path or name that it was opened by.
    #[must_use]
    pub fn parser(&self) -> &Path {
        &self.parser.name
    }

    /// The parser's own number of its version.
    #[must_use]
    pub fn parser_version(&self) -> i32 {
        self.parser.version
    }

    /// Whether engines always compute in the model's own types. TensorRT 11 and RTX know nothing else; TensorRT 10 can
    /// run an fp32 model in fp16 or bf16.
    #[must_use]
    pub fn keeps_model_types(&self) -> bool {
        self.library.flavour() == Flavour::Rtx || self.library.version().major > 10
    }

    /// Whether builds can start from the timings of earlier ones ([`BuildOptions::timings`]). RTX measures nothing.
    #[must_use]
    pub fn has_timings(&self) -> bool {
        self.library.flavour() != Flavour::Rtx
    }

    /// Builds an engine of an ONNX model. `name` is the model's, for messages.
    ///
    /// The model has to be an image model: one NCHW input and one NCHW output of one or three channels, fp32 or fp16,
    /// and one scale for every size. All of its weights must be inside `onnx`.
    ///
    /// TensorRT works with the CUDA context that is current on the calling thread. TensorRT-RTX needs neither GPU nor
    /// driver when [`BuildOptions::compute_capabilities`] names the GPUs to build for.
    ///
    /// `progress` is called whenever TensorRT has begun or ended something, from this thread or one of TensorRT's,
    /// never from two at once. [`ControlFlow::Break`] ends the build after the step at hand, and a step can take
    /// seconds: [`Builder::build_isolated`] ends at once. A panic in `progress` does the same and goes on to the caller once
    /// TensorRT has ended.
    ///
    /// # Errors
    /// - [`Status::InvalidParameter`]: options that this model or this TensorRT cannot follow.
    /// - [`Status::ModelLoadFailed`]: not an ONNX model, none that RAVE can run, or none that TensorRT can build; every
    ///   node that the parser refuses is in the message, with its name, operator and opset.
    /// - [`Status::Untrusted`]: weights in another file.
    /// - [`Status::DeviceNotFound`]: it takes a GPU, and there is none.
    /// - [`Status::OutOfMemory`], on the host or on the device.
    /// - [`Status::Cancelled`]: `progress` broke it off.
    ///
    /// # Threads
    /// Any; a build waits for those that go on in the process, so `progress` must not begin one.
    pub fn build(
        &self,
        name: &str,
        onnx: &[u8],
        options: &BuildOptions,
        progress: &mut (dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<BuiltPlan> {
        options.check(self)?;
        // Without a driver TensorRT fails late and says little.
        let driver = if options.compute_capabilities.is_empty() { Some(self.driver()?) } else { None };
        self.build_on(driver, name, onnx, options, progress)
    }

    /// The driver of the GPU to build on.
    // RV-TRT-1312
    fn driver(&self) -> Result<&'static Driver> {
        Driver::get().map_err(|error| match self.library.flavour() {
            Flavour::Rtx => {
                error.help("name the GPUs to build for by their compute capability: RTX builds without one")
            }
            Flavour::Full | Flavour::Lean => error.help("TensorRT measures on the GPU that it builds for"),
        })
    }

    /// `driver`: of the GPU to build on, if it takes one.
    fn build_on(
        &self,
        driver: Option<&Driver>,
        name: &str,
        onnx: &[u8],
        options: &BuildOptions,
        progress: &mut (dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<BuiltPlan> {
        let of_model = |error: Error| error.context(format!("model {name}"));
        let opsets = onnx::inspect(onnx).map_err(of_model)?;
        let faults = Attached::new(&self.log);
        let monitor = Monitor::new(progress);
        // RV-TRT-1315
        let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.build_watched(&faults, driver, onnx, &opsets, options, &monitor);
        drop(faults);
        if monitor.end() {
            return Err(of_model(cancelled()));
        }
        let Built { bytes, timings, layers } = result.map_err(of_model)?;
        let (name, library) = (name.to_owned(), self.library.version());
        let built = BuiltPlan { name, bytes, timings, layers, tried: None, library };
        built.check()?;
        Ok(built)
    }

    fn build_watched(
        &self,
        faults: &'static Faults,
        driver: Option<&Driver>,
        onnx: &[u8],
        opsets: &onnx::Opsets,
        options: &BuildOptions,
        monitor: &Monitor<'_>,
    ) -> Result<Built> {
        let api = self.library.api;
        // SAFETY: the sink's user is *faults, which lives for ever.
        let bridge = ptr::NonNull::new(unsafe { (api.bridge_create)(faults.sink()) })
            .ok_or_else(|| Error::new(Status::OutOfMemory, "no memory for TensorRT's logger"))?;
        // Declared first, so destroyed last: TensorRT wants timings to outlive the builder.
        let timings;
        // SAFETY: create is this library's createInferBuilder_INTERNAL, number its own version, and the table is the
        // one of its major version (Library::open); the bridge is alive.
        let builder =
            unsafe { (api.builder_create)(self.create as *mut c_void, self.library.number, bridge.as_ptr()) };
        let builder = Owned::new(builder, api.builder_destroy).ok_or_else(|| {
            faults.error(Status::RuntimeLibraryMissing, &format!("{} makes no builder", self.library))
        })?;
        let parse =
            || Network::parse(api, &builder, bridge, &self.parser, faults, onnx, opsets, self.typed(options));
        let mut network = parse()?;
        let layers = network.layers();
        monitor.parsed(layers);
        let image = network.image_model()?;
        self.check_precision(options.precision, network.types())?;
        let shapes = options.shapes_for(&image)?;
        let largest = network.check_scale(&image, &shapes)?;
        if let Some(free) = driver.and_then(Driver::free_memory) {
            check_memory(free, onnx.len() as u64 + largest, options.workspace)?;
        }
        let dynamic = shapes[0] != shapes[2];
        if dynamic {
            // The shapes that the scale was looked for in are settled now in the first network.
            network = parse()?;
        }
        network.fix(if dynamic { None } else { Some(&shapes[0]) });

        // SAFETY: the builder is alive; the options are a live struct.
        let config = unsafe { (api.config_create)(builder.as_ptr(), &self.raw_options(options)) };
        let config = Owned::new(config, api.config_destroy)
            .ok_or_else(|| faults.error(Status::OutOfMemory, "TensorRT makes no builder configuration"))?;
        if dynamic {
            self.add_profile(&builder, &config, &image.input, &shapes)
                .map_err(|refused| faults.error(Status::InvalidParameter, &refused))?;
        }
        self.set_capabilities(&config, options).map_err(|refused| {
            faults
                .error(Status::InvalidParameter, &refused)
                .help("TensorRT-RTX 1.7 knows 7.5, 8.0, 8.6, 8.9, 12.0 and 12.1")
        })?;
        timings = self.attach_timings(&config, options, faults);
        if monitor.stopped() {
            return Err(cancelled());
        }
        // SAFETY: all three are alive and belong together; the monitor outlives the call, which is all that uses it.
        let plan =
            unsafe { (api.build)(builder.as_ptr(), network.as_ptr(), config.as_ptr(), &monitor.raw()) };
        let plan =
            Owned::new(plan, api.memory_destroy).ok_or_else(|| explain_failure(faults, &self.library))?;
        let timings = timings.as_ref().and_then(|timings| {
            // SAFETY: the timings are alive.
            let memory = unsafe { (api.timings_serialize)(timings.as_ptr()) };
            Owned::new(memory, api.memory_destroy)
        });
        let timings = timings.map(|memory| copy(api, &memory)).transpose()?;
        Ok(Built { bytes: copy(api, &plan)?, timings, layers })
    }

    /// Whether the network is to keep the model's types.
    fn typed(&self, options: &BuildOptions) -> bool {
        self.keeps_model_types() || options.precision == Precision::Model
    }

    /// Refuses a model whose types are not the ones that were asked for and that this TensorRT does not change.
    // RV-TRT-1307
    fn check_precision(&self, precision: Precision, types: i64) -> Result<()> {
        let Some(found) = precision.conflict(types, self.keeps_model_types()) else {
            return Ok(());
        };
        let error = Error::new(
            Status::InvalidParameter,
            format!("it computes in {found}, and {precision} was asked for"),
        );
        Err(if self.keeps_model_types() {
            error.help(format!(
                "{} {} builds every model in its own types: give it the model saved in {}, or build it as it is",
                self.library.flavour(),
                self.library.version().major,
                precision.data_type().unwrap_or(DataType::F32)
            ))
        } else {
            error.help(format!("give TensorRT the model saved in fp32, or ask for {found}"))
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builder({}, {})", self.library, self.parser.name.display())
    }
}

/// Held while TensorRT builds. What TensorRT-RTX 1.7.1 is building for is one for the process: of two builds for different GPUs
/// at once, one ends with "Target SM 120 is not found in the accelerator list".
static BUILDING: Mutex<()> = Mutex::new(());

/// What TensorRT made.
struct Built {
    bytes: Vec<u8>,
    timings: Option<Vec<u8>>,
    layers: u32,
}

/// The receiving end of one build's logger, closed at the build's end whichever way that comes.
struct Attached(&'static Faults);

impl Attached {
    fn new(log: &Log) -> Self {
        Attached(Box::leak(Box::new(Faults::new(log.clone()))))
    }
}

impl std::ops::Deref for Attached {
    type Target = &'static Faults;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What a build takes on the GPU at the very least: the weights, the largest input and output, the scratch memory that
/// the caller wants to be there.
// RV-TRT-1311
fn check_memory(free: u64, model: u64, workspace: Option<u64>) -> Result<()> {
    let needed = model.saturating_add(workspace.unwrap_or(0));
    if needed <= free {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::new(
        Status::OutOfMemory,
        format!("{} MiB of GPU memory are free, and the build takes {} MiB or more", free >> 20, mib(needed)),
    )
    .help("free GPU memory, or ask for a smaller size or workspace"))
}

fn cancelled() -> Error {
    Error::new(Status::Cancelled, "the build was cancelled")
}

// RV-TRT-1311
fn explain_failure(faults: &Faults, library: &Library) -> Error {
    let (class, said) = faults.take();
    let error = |status| Error::new(status, format!("{library} cannot build it: {said}"));
    if said.contains("within workspace limit") {
        return error(Status::OutOfMemory).help("allow a larger workspace");
    }
    // What RTX says where the scratch memory of the whole engine is more than the workspace.
    if said.contains("OutOfMemory (Requested size was") {
        return error(Status::OutOfMemory).help("allow a larger workspace, or ask for smaller sizes");
    }
    if said.contains("bad_alloc") {
        return error(Status::OutOfMemory).help("free memory and try again");
    }
    match class {
        Some(Status::OutOfMemory) => {
            error(Status::OutOfMemory).help("free GPU memory, or ask for a smaller size or workspace")
        }
        _ => error(Status::ModelLoadFailed),
    }
}

/// TensorRT's bytes as ours.
fn copy(api: &sys::Api, memory: &Owned<sys::Memory>) -> Result<Vec<u8>> {
    // SAFETY: the memory is alive; its data are size bytes, never null for size > 0, and stay until it is destroyed.
    let bytes = unsafe {
        let size = (api.memory_size)(memory.as_ptr());
        if size == 0 {
            return Ok(Vec::new());
        }
        std::slice::from_raw_parts((api.memory_data)(memory.as_ptr()).cast::<u8>(), size)
    };
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| {
        Error::new(Status::OutOfMemory, format!("no memory for an engine of {} bytes", bytes.len()))
    })?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}
