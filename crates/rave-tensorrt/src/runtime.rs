//! TensorRT's runtime object: what turns plans into engines.

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

use rave_core::{Error, Log, LogLevel, Result, Status};

use crate::faults::Faults;
use crate::library::probe_version;
use crate::plan::{Plan, product};
use crate::temporary::TemporaryFolder;
use crate::{Driver, Flavour, Library, Version, sys};

/// How a runtime is made.
#[derive(Clone, Debug, Default)]
pub struct RuntimeOptions {
    /// The lean runtime library of an older TensorRT, which runs version-compatible engines of that version.
    pub lean_runtime: Option<PathBuf>,
    /// Lets engines bring their own host code (a lean runtime packed into the engine). Off: such an engine could run
    /// anything.
    pub allow_host_code: bool,
}

/// A runtime of one library. Cheap to clone; the last clone, engine or context ends it.
#[derive(Clone)]
pub struct Runtime(pub(crate) Arc<RuntimeInner>);

pub(crate) struct RuntimeInner {
    pub(crate) library: Library,
    pub(crate) driver: Option<&'static Driver>,
    pub(crate) faults: &'static Faults,
    main: NonNull<sys::Runtime>,
    lean: Option<(NonNull<sys::Runtime>, Version)>,
    bridge: NonNull<sys::Bridge>,
    allow_host_code: bool,
    /// One deserialization at a time: the runtime's thread safety is not promised by every version.
    deserializing: Mutex<()>,
    /// Where TensorRT may put executable files; removed with the runtime.
    _temporary: Option<TemporaryFolder>,
}

// SAFETY: TensorRT objects are not bound to a thread. The runtimes are used by deserialize only, under its lock; the
// bridge's functions are thread-safe (Faults) and it lives for ever.
unsafe impl Send for RuntimeInner {}
// SAFETY: as above; everything else is immutable after new.
unsafe impl Sync for RuntimeInner {}

impl Runtime {
    /// Makes a runtime. Its messages go to `log`.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`] without a driver and device, before TensorRT is called;
    /// [`Status::RuntimeLibraryMissing`] when the lean runtime cannot be loaded; [`Status::InvalidParameter`] when one
    /// is given to TensorRT-RTX, or its path is impossible.
    pub fn new(library: &Library, options: &RuntimeOptions, log: Log) -> Result<Runtime> {
        // RV-TRT-1007
        Runtime::create(library, options, log, Some(Driver::get()?))
    }

    pub(crate) fn create(
        library: &Library,
        options: &RuntimeOptions,
        log: Log,
        driver: Option<&'static Driver>,
    ) -> Result<Runtime> {
        let temporary = TemporaryFolder::new(&log);
        let temporary_path = temporary.as_ref().map(|folder| c_path(folder.path())).transpose()?;
        let lean = match &options.lean_runtime {
            Some(path) => Some((c_path(path)?, lean_version(library, path)?)),
            None => None,
        };
        let api = library.api;
        let faults: &'static Faults = Box::leak(Box::new(Faults::new(log.clone())));
        // SAFETY: the sink's user is *faults, which lives for ever.
        let bridge = NonNull::new(unsafe { (api.bridge_create)(faults.sink()) })
            .ok_or_else(|| Error::new(Status::OutOfMemory, "no memory for TensorRT's logger"))?;
        // SAFETY: create is this library's createInferRuntime_INTERNAL, number its own version, and the table is the
        // one of its major version (Library::open); the bridge is alive.
        let Some(main) = NonNull::new(unsafe {
            (api.runtime_create)(library.create as *mut _, library.number, bridge.as_ptr())
        }) else {
            let error = explain_no_runtime(library, driver, faults);
            faults.close();
            return Err(error);
        };
        // From here on drop cleans up.
        let mut inner = RuntimeInner {
            library: library.clone(),
            driver,
            faults,
            main,
            lean: None,
            bridge,
            allow_host_code: options.allow_host_code,
            deserializing: Mutex::new(()),
            _temporary: temporary,
        };
        inner.configure(main, library.version(), temporary_path.as_deref());
        if let (Some((path, version)), Some(name)) = (lean, &options.lean_runtime) {
            // SAFETY: main is alive; path is NUL-terminated and shorter than 4096 bytes (c_path).
            let loaded = NonNull::new(unsafe { (api.runtime_load)(main.as_ptr(), path.as_ptr()) });
            let loaded = loaded.ok_or_else(|| {
                let what = format!("{library} cannot use the lean runtime {} ({version})", name.display());
                inner.faults.error(Status::RuntimeLibraryMissing, &what)
            })?;
            inner.lean = Some((loaded, version));
            inner.configure(loaded, version, temporary_path.as_deref());
        }
        if options.allow_host_code {
            log.write(LogLevel::Warning, "engines may run host code of their own (allow_host_code)");
        }
        Ok(Runtime(Arc::new(inner)))
    }

    /// The library it was made from.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// Whether TensorRT reported an internal error, after which this runtime and all made by it only return errors. A
    /// damaged engine can be enough; a new runtime starts afresh.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.0.faults.is_poisoned()
    }

    /// The version of the lean runtime that was given.
    #[must_use]
    pub fn lean_version(&self) -> Option<Version> {
        self.0.lean.map(|(_, version)| version)
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runtime({})", self.0.library)
    }
}

impl RuntimeInner {
    fn configure(&self, runtime: NonNull<sys::Runtime>, version: Version, temporary: Option<&CStr>) {
        let api = self.library.api;
        // SAFETY: the runtime is alive and the bridge always is; the path is NUL-terminated
        // and TensorRT copies it.
        unsafe {
            // Error recorders became versioned interfaces, with another virtual table, in TensorRT 10. An older lean
            // runtime keeps to the logger.
            if version.major != 8 && version.major != 9 {
                (api.runtime_set_recorder)(runtime.as_ptr(), self.bridge.as_ptr());
            }
            if let Some(temporary) = temporary {
                (api.runtime_set_temporary_directory)(runtime.as_ptr(), temporary.as_ptr());
            }
            // RV-TRT-1104
            if self.allow_host_code {
                (api.runtime_allow_host_code)(runtime.as_ptr());
            }
        }
    }

    /// Has TensorRT make an engine of a checked plan.
    pub(crate) fn deserialize(&self, plan: &Plan<'_>) -> Result<NonNull<sys::Engine>> {
        let lean_version = self.lean.map(|(_, version)| version);
        let runtime = match (choose(plan, &self.library, lean_version, self.allow_host_code)?, self.lean) {
            (Chosen::Lean, Some((lean, _))) => lean,
            _ => self.main,
        };
        let _one_at_a_time = self.deserializing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.faults.begin()?;
        let bytes = plan.bytes();
        // SAFETY: the runtime is alive; bytes is a live slice, which TensorRT copies from. What the plan says inside
        // cannot be checked by anyone; its origin is the caller's affair (module plan).
        let engine = unsafe {
            (self.library.api.engine_deserialize)(runtime.as_ptr(), bytes.as_ptr().cast(), bytes.len())
        };
        NonNull::new(engine).ok_or_else(|| self.explain_refusal(plan))
    }

    /// The error for a plan that TensorRT returned null for: its words, and what is known of the plan and of here.
    // RV-TRT-1105
    fn explain_refusal(&self, plan: &Plan<'_>) -> Error {
        let library = &self.library;
        let here = self.driver.and_then(Driver::current_capability);
        let mut what = format!("engine {}: {library} refused it (built by {}", plan.name(), plan.builder());
        if let Some((major, minor)) = plan.compute_capability() {
            what += &format!(" for compute capability {major}.{minor}");
        }
        if let Some((major, minor)) = here {
            what += &format!("; this GPU has {major}.{minor}");
        }
        let (class, said) = self.faults.take();
        let says = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        let built_for = plan.compute_capability();
        let other_gpu = says(&["incompatible device", "compute capability "])
            || (built_for.is_some() && here.is_some() && built_for != here);
        let other_version = plan.version().release() != library.version().release();
        // Of some versions only the text says it.
        let class = class.or_else(|| says(&["OutOfMemory"]).then_some(Status::OutOfMemory));
        let (status, help) = if let Some(class) = class {
            let free = self.driver.and_then(Driver::free_memory);
            let free = free.map_or(String::new(), |bytes| format!(", of which {bytes} bytes are free"));
            (class, format!("free device memory{free}, and try again"))
        } else if says(&["Unexpected call to stub"]) {
            let help = "it was not built version-compatible; rebuild it with the TensorRT that runs it";
            (Status::EngineMismatch, help.into())
        } else if other_gpu {
            let help = "build it on this GPU, or with hardware compatibility";
            (Status::EngineMismatch, help.into())
        } else if says(&["Version tag"]) || (other_version && self.lean.is_none()) {
            (Status::EngineMismatch, format!("rebuild it with TensorRT {}", library.version()))
        } else if says(&["Cuda Runtime ("]) {
            let help = "CUDA failed while it was loaded: try again, and rebuild it if that does not help";
            (Status::ModelLoadFailed, help.into())
        } else {
            (Status::ModelLoadFailed, "rebuild it; the file may be damaged".into())
        };
        Error::new(status, format!("{what}): {said}")).help(help)
    }
}

/// Which runtime a plan goes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// The library's own.
    Main,
    /// The one of the lean library that was given.
    Lean,
}

/// The runtime for a plan, by the version that built it.
// RV-TRT-1103
pub(crate) fn choose(
    plan: &Plan<'_>,
    library: &Library,
    lean: Option<Version>,
    allow_host_code: bool,
) -> Result<Chosen> {
    let built = plan.version();
    let mismatch =
        |found: String| Error::new(Status::EngineMismatch, format!("engine {}: {found}", plan.name()));
    if plan.is_rtx() != (library.flavour() == Flavour::Rtx) {
        return Err(mismatch(format!("built by {}, but {library} is loaded", plan.builder())).help(format!(
            "rebuild the engine, or name a library of {} with runtime_lib",
            product(plan.is_rtx())
        )));
    }
    if built.release() == library.version().release() {
        return Ok(Chosen::Main);
    }
    if let Some(version) = lean {
        if version.release() == built.release() {
            return Ok(Chosen::Lean);
        }
        return Err(mismatch(format!(
            "built by {}, but {library} is loaded with the lean runtime of {version}",
            plan.builder()
        ))
        .expected(format!("the lean runtime of {built}"))
        .help("name that one with lean_runtime, or rebuild the engine"));
    }
    // The same major may still run it, and an engine with host code may bring its own lean runtime.
    if built.major == library.version().major || allow_host_code {
        return Ok(Chosen::Main);
    }
    Err(mismatch(format!("built by {}, but {library} is loaded", plan.builder())).help(format!(
        "rebuild the engine with TensorRT {}, or, if it was built version-compatible, name the lean runtime of TensorRT \
         {built} with lean_runtime (libnvinfer_lean.so.{})",
        library.version().major,
        built.major
    )))
}

/// The error for a library that makes no runtime. With a driver that works by itself, the usual reason is that it is
/// older than the CUDA inside the library.
fn explain_no_runtime(library: &Library, driver: Option<&Driver>, faults: &Faults) -> Error {
    let (class, said) = faults.take();
    let error = |status| Error::new(status, format!("{library} makes no runtime: {said}"));
    match (driver, cuda_error(&said)) {
        (Some(_), Some(2)) => {
            error(Status::OutOfMemory).help("end what else uses the GPU's memory, and try again")
        }
        (Some(_), Some(number)) if rave_core::is_sticky_cuda_error(number) => {
            error(Status::DeviceLost).help("restart the process")
        }
        (Some(driver), Some(34 | 35 | 100 | 803)) => error(Status::DeviceNotFound).help(format!(
            "the driver supports CUDA up to {}; update it, or use a TensorRT for that CUDA",
            driver.cuda_version()
        )),
        (Some(_), Some(_)) => error(Status::Unknown),
        _ if said.contains("compute capability") => error(Status::InvalidDevice)
            .help("use another TensorRT (runtime_lib): this one does not support this GPU"),
        _ => error(class.unwrap_or(Status::RuntimeLibraryMissing)),
    }
}

/// The number of the CUDA error that TensorRT says has kept it from beginning (cuda.h, `CUresult`).
fn cuda_error(said: &str) -> Option<i32> {
    let (_, rest) = said.split_once("CUDA initialization failure with error: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

impl Drop for RuntimeInner {
    fn drop(&mut self) {
        let api = self.library.api;
        // SAFETY: the engines hold the Arc around self, so none is left; the lean runtime goes before the one that
        // loaded it.
        unsafe {
            if let Some((lean, _)) = self.lean {
                (api.runtime_destroy)(lean.as_ptr());
            }
            (api.runtime_destroy)(self.main.as_ptr());
        }
        self.faults.close();
    }
}

/// `path` as TensorRT takes it: at most 4096 bytes with its NUL.
fn c_path(path: &Path) -> Result<CString> {
    let bytes = path.as_os_str().as_bytes();
    let found = || Error::new(Status::InvalidParameter, format!("path {}", path.display()));
    if bytes.is_empty() || bytes.len() >= 4096 {
        return Err(found().expected("1 to 4095 bytes"));
    }
    CString::new(bytes).map_err(|_| found().expected("no NUL byte"))
}

fn lean_version(library: &Library, path: &Path) -> Result<Version> {
    if library.flavour() == Flavour::Rtx {
        return Err(Error::new(
            Status::InvalidParameter,
            format!("a lean runtime was given, but {library} takes none"),
        )
        .help("remove lean_runtime, or name a TensorRT library with runtime_lib"));
    }
    probe_version(path).map_err(|why| {
        Error::new(
            Status::RuntimeLibraryMissing,
            format!("the lean runtime {} cannot be used: {why}", path.display()),
        )
        .help("name the libnvinfer_lean.so of the TensorRT that built the engine with lean_runtime")
    })
}
