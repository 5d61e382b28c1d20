//! Finds and opens libonnxruntime, once for the whole process.

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::sys::{OrtApi, OrtApiBase};
use rave_core::{Error, Result, Status};

/// The environment variable that names the library.
const VARIABLE: &str = "RAVE_ONNXRUNTIME_LIB";

/// The ONNX Runtime of this process.
pub(crate) struct Library {
    /// The process's one environment. It lives in a static: ONNX Runtime cannot make a second one later.
    pub(crate) environment: Environment,
    version: String,
    path: PathBuf,
}

impl Library {
    /// What it is and its version.
    pub(crate) fn name(&self) -> String {
        format!("ONNX Runtime {}", self.version)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.path.display())
    }
}

/// Where the library was looked for in vain, and why it was not there.
#[derive(Debug)]
pub(crate) struct Tried(Vec<String>);

impl Tried {
    pub(crate) fn into_error(self) -> Error {
        let tried = self.0.join("; ");
        Error::new(Status::RuntimeLibraryMissing, format!("ONNX Runtime was not found; tried {tried}"))
            .expected(format!("libonnxruntime.so, version 1.{} or later", ort::MINOR_VERSION))
            .help(format!(
                "install ONNX Runtime, name its library in {VARIABLE}, or choose the embedded runtime"
            ))
    }
}

enum State {
    Closed,
    /// ONNX Runtime was opened and could not start. `ort` takes no other library any more, but this one may start yet.
    Opened {
        version: String,
        path: PathBuf,
    },
    Open(&'static Library),
}

/// Holds the lock while opening, so that two threads never open two libraries.
static STATE: Mutex<State> = Mutex::new(State::Closed);

/// The process's ONNX Runtime, opened by the first call that finds one.
///
/// # Errors
/// [`Status::RuntimeLibraryMissing`] when a library that was asked for by path (`option`, or the environment variable)
/// cannot be used, or when another one is open already.
// RV-ONNX-1201
pub(crate) fn find(option: Option<&Path>) -> Result<Result<&'static Library, Tried>> {
    let named = match option {
        Some(path) => Some((path.to_path_buf(), "the option")),
        None => std::env::var_os(VARIABLE)
            .filter(|path| !path.is_empty())
            .map(|path| (PathBuf::from(path), VARIABLE)),
    };
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let other = |opened: &Path| named.as_ref().filter(|(path, _)| !same_file(path, opened));
    match &*state {
        State::Open(library) => {
            return match other(&library.path) {
                Some((path, source)) => Err(already_open(path, source, library)),
                None => Ok(Ok(library)),
            };
        }
        State::Opened { version, path } => {
            let library = format!("ONNX Runtime {version} ({})", path.display());
            return match other(path) {
                Some((path, source)) => Err(already_open(path, source, &library)),
                None => {
                    let (version, path) = (version.clone(), path.clone());
                    start(&mut state, version, path).map(Ok)
                }
            };
        }
        State::Closed => {}
    }
    if let Some((path, source)) = named {
        let opened = open(&path).map_err(|why| {
            Error::new(
                Status::RuntimeLibraryMissing,
                format!("{} (from {source}) cannot be used as ONNX Runtime: {why}", path.display()),
            )
            .expected(format!("libonnxruntime.so, version 1.{} or later", ort::MINOR_VERSION))
        })?;
        return keep(&mut state, opened).map(Ok);
    }
    let mut tried = Vec::new();
    for candidate in candidates() {
        match open(&candidate) {
            Ok(opened) => return keep(&mut state, opened).map(Ok),
            Err(why) => tried.push(format!("{} ({why})", candidate.display())),
        }
    }
    Ok(Err(Tried(tried)))
}

/// The ONNX Runtime that loading a model with [`LoadOptions::library`](crate::LoadOptions::library) at `option` would
/// use, as "ONNX Runtime 1.23.2 (PATH)". Opens it.
///
/// # Errors
/// [`Status::RuntimeLibraryMissing`], with all that was tried and why it could not be used.
pub fn find_onnx_runtime(option: Option<&Path>) -> Result<String> {
    match find(option)? {
        Ok(library) => Ok(library.to_string()),
        Err(tried) => Err(tried.into_error()),
    }
}

fn already_open(path: &Path, source: &str, library: &dyn fmt::Display) -> Error {
    Error::new(
        Status::RuntimeLibraryMissing,
        format!("{} (from {source}) cannot be opened: this process runs {library}", path.display()),
    )
    .help("a process opens one ONNX Runtime; use the same one everywhere, or a process for each")
}

fn same_file(one: &Path, other: &Path) -> bool {
    one == other
        || match (one.canonicalize(), other.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
}

/// The libraries to try, in order: those installed beside the program, then the system's.
fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(program) = std::env::current_exe()
        && let Some(prefix) = program.parent().and_then(Path::parent)
    {
        for directory in ["lib/rave", "lib"] {
            found.extend(libraries_in(&prefix.join(directory)));
        }
    }
    // Bare names: the loader looks in LD_LIBRARY_PATH, the run path and the system's directories.
    found.extend(["libonnxruntime.so.1", "libonnxruntime.so"].map(PathBuf::from));
    found
}

/// `libonnxruntime.so*` of a directory: the plain name first, then the highest version.
fn libraries_in(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut named: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix("libonnxruntime.so")?;
            let numbers = match version {
                "" => vec![u32::MAX],
                version => version
                    .strip_prefix('.')?
                    .split('.')
                    .map(|number| number.parse().ok())
                    .collect::<Option<_>>()?,
            };
            Some((numbers, entry.path()))
        })
        .collect();
    named.sort_by(|a, b| b.0.cmp(&a.0));
    named.into_iter().map(|(_, path)| path).collect()
}

/// An opened library that has the API that `ort` is compiled against.
struct Opened {
    library: libloading::Library,
    api: OrtApi,
    version: String,
    path: PathBuf,
}

/// Opens `path` and asks it for its API. `ort` could do so itself, but panics where this returns the reason.
fn open(path: &Path) -> Result<Opened, String> {
    // SAFETY: opening runs the library's initialisers, which the caller asked for by naming ONNX Runtime's library, or
    // which the system's or this program's installer put where it is looked for.
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| describe_loader(&error))?;
    // SAFETY: onnxruntime_c_api.h declares `const OrtApiBase* OrtGetApiBase(void)`, in every version.
    let base = unsafe { library.get::<unsafe extern "system" fn() -> *const OrtApiBase>(b"OrtGetApiBase\0") }
        .map_err(|_| "it does not export OrtGetApiBase".to_string())?;
    // SAFETY: the function takes nothing and returns a pointer to a static, or null.
    let base = unsafe { base().as_ref() }.ok_or("OrtGetApiBase returned nothing")?;
    // SAFETY: the returned string is static and NUL-terminated (onnxruntime_c_api.h, OrtApiBase).
    let version = unsafe {
        let version = (base.GetVersionString)();
        if version.is_null() {
            return Err("it has no version".into());
        }
        CStr::from_ptr(version).to_string_lossy().into_owned()
    };
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    // Checked before GetApi, because that prints to standard error when it does not know the version.
    if major != 1 || minor < ort::MINOR_VERSION {
        return Err(format!("its version is {version}"));
    }
    // SAFETY: any number may be asked for; an unknown one gives null.
    let api = unsafe { (base.GetApi)(ort::MINOR_VERSION).as_ref() }
        .ok_or_else(|| format!("version {version} does not offer API {}", ort::MINOR_VERSION))?
        .clone();
    Ok(Opened { library, api, version, path: path.to_path_buf() })
}

/// The loader's own words: `libloading` keeps them in the error's source.
fn describe_loader(error: &libloading::Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Makes `opened` the process's ONNX Runtime, and starts it.
fn keep(state: &mut State, opened: Opened) -> Result<&'static Library> {
    // ONNX Runtime's threads and static data last until the process ends, so its code must too.
    std::mem::forget(opened.library);
    ort::set_api(opened.api);
    *state = State::Opened { version: opened.version.clone(), path: opened.path.clone() };
    start(state, opened.version, opened.path)
}

/// Starts the library that was opened. What kept it from starting may be over when it is asked for again.
// RV-ONNX-1208
fn start(state: &mut State, version: String, path: PathBuf) -> Result<&'static Library> {
    // What is logged outside of a session is of no use to the user, and would go to standard error.
    let built =
        ort::init().with_name("rave").with_telemetry(false).with_logger(Arc::new(|_, _, _, _, _| {})).build();
    match built {
        Ok(environment) => {
            // `ort` panics where this fails. All that it saves is messages that nobody gets.
            let quieter = || environment.set_log_level(LogLevel::Warning);
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(quieter));
            let library = Box::leak(Box::new(Library { environment, version, path }));
            *state = State::Open(library);
            Ok(library)
        }
        Err(error) => Err(Error::new(
            Status::RuntimeLibraryMissing,
            format!("{} does not start: {error}", path.display()),
        )),
    }
}
