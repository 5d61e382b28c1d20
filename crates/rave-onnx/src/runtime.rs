//! The choice between the runtimes, and what they have in common.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use rave_core::{ElementType, Elements, ElementsMut, Error, Log, LogLevel, Result, Status, TensorShape};

use crate::library::{self, Library};
use crate::preflight::Declared;
use crate::runtime_ort::{OrtModel, OrtSession};
#[cfg(feature = "embedded")]
use crate::runtime_rten::{RtenModel, RtenSession};

/// Which runtime computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RuntimeChoice {
    /// ONNX Runtime if it is found, otherwise the embedded runtime. A log line says which.
    #[default]
    Auto,
    /// ONNX Runtime, or an error that lists where it was looked for.
    OnnxRuntime,
    /// The embedded runtime.
    Embedded,
}

/// How to load a model.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Which runtime computes.
    pub runtime: RuntimeChoice,
    /// The ONNX Runtime library to open. Given, it is the only one tried. Otherwise the environment variable
    /// `RAVE_ONNXRUNTIME_LIB` has the same effect, and without it the library is looked for: in `../lib/rave` and
    /// `../lib` beside the program's directory, then where the system's loader looks.
    ///
    /// A process opens one library, and keeps it.
    pub library: Option<PathBuf>,
    /// Threads that compute one frame; 0 is one for each core.
    pub threads: usize,
    /// Where messages go.
    pub log: Log,
}

impl LoadOptions {
    /// The number of threads, with 0 resolved.
    pub(crate) fn thread_count(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        }
    }
}

/// A model that is loaded in one of the runtimes.
pub(crate) enum Runtime {
    Ort(OrtModel),
    #[cfg(feature = "embedded")]
    Rten(Box<RtenModel>),
}

impl Runtime {
    /// Loads the bytes of a model that passed the preflight. Errors do not name the model.
    // RV-ONNX-1202
    pub(crate) fn load(bytes: &[u8], declared: &Declared, options: &LoadOptions) -> Result<Self> {
        match options.runtime {
            RuntimeChoice::Embedded => embedded(bytes, declared, options),
            RuntimeChoice::OnnxRuntime => match library::find(options.library.as_deref())? {
                Ok(library) => onnx_runtime(bytes, declared, options, library),
                Err(tried) => Err(tried.into_error()),
            },
            RuntimeChoice::Auto => match library::find(options.library.as_deref())? {
                Ok(library) => {
                    options.log.write(LogLevel::Info, format_args!("ONNX models run in {library}"));
                    onnx_runtime(bytes, declared, options, library)
                }
                Err(tried) if cfg!(feature = "embedded") => {
                    options.log.write(
                        LogLevel::Info,
                        "ONNX models run in the embedded runtime; ONNX Runtime is several times faster: install it \
                         (libonnxruntime.so, 1.17 or later), or name it in RAVE_ONNXRUNTIME_LIB",
                    );
                    options.log.write(LogLevel::Debug, tried.into_error());
                    embedded(bytes, declared, options)
                }
                Err(tried) => Err(tried.into_error()),
            },
        }
    }

    /// The runtime's name and version, and where it comes from.
    pub(crate) fn describe(&self) -> String {
        match self {
            Runtime::Ort(model) => model.library().to_string(),
            #[cfg(feature = "embedded")]
            Runtime::Rten(_) => format!("{} (embedded)", crate::runtime_rten::VERSION),
        }
    }

    /// The runtime's name and version, and its file if it is not built in.
    pub(crate) fn library(&self) -> (String, Option<&Path>) {
        match self {
            Runtime::Ort(model) => (model.library().name(), Some(model.library().path())),
            #[cfg(feature = "embedded")]
            Runtime::Rten(_) => (crate::runtime_rten::VERSION.into(), None),
        }
    }

    /// Runs the model once on zeros and returns the shape of its output.
    pub(crate) fn probe(&self, input: TensorShape) -> Result<Vec<i64>> {
        match self {
            Runtime::Ort(model) => model.probe(input),
            #[cfg(feature = "embedded")]
            Runtime::Rten(model) => model.probe(input),
        }
    }

    /// Allocates the tensors of a session.
    pub(crate) fn session(&self, input: TensorShape, output: TensorShape) -> Result<RuntimeSession> {
        Ok(match self {
            Runtime::Ort(model) => RuntimeSession::Ort(Box::new(model.session(input, output)?)),
            #[cfg(feature = "embedded")]
            Runtime::Rten(_) => RuntimeSession::Rten(RtenSession::new(input, output)?),
        })
    }

    /// Runs `session`, which must be one of this model.
    pub(crate) fn run(&self, session: &mut RuntimeSession) -> Result<()> {
        match (self, session) {
            (Runtime::Ort(model), RuntimeSession::Ort(session)) => model.run(session),
            #[cfg(feature = "embedded")]
            (Runtime::Rten(model), RuntimeSession::Rten(session)) => model.run(session),
            #[cfg(feature = "embedded")]
            _ => unreachable!("a session is only run by the model that made it"),
        }
    }
}

fn onnx_runtime(
    bytes: &[u8],
    declared: &Declared,
    options: &LoadOptions,
    library: &'static Library,
) -> Result<Runtime> {
    OrtModel::load(bytes, declared, options, library).map(Runtime::Ort)
}

#[cfg(feature = "embedded")]
fn embedded(bytes: &[u8], declared: &Declared, options: &LoadOptions) -> Result<Runtime> {
    RtenModel::load(bytes, declared, options.thread_count()).map(|model| Runtime::Rten(Box::new(model)))
}

#[cfg(not(feature = "embedded"))]
fn embedded(_: &[u8], _: &Declared, _: &LoadOptions) -> Result<Runtime> {
    Err(Error::new(Status::RuntimeLibraryMissing, "this build has no embedded ONNX runtime")
        .help("choose ONNX Runtime, or build rave-onnx with the feature `embedded`"))
}

/// The tensors of one session.
pub(crate) enum RuntimeSession {
    Ort(Box<OrtSession>),
    #[cfg(feature = "embedded")]
    Rten(RtenSession),
}

impl RuntimeSession {
    pub(crate) fn input(&mut self) -> ElementsMut<'_> {
        match self {
            RuntimeSession::Ort(session) => session.input(),
            #[cfg(feature = "embedded")]
            RuntimeSession::Rten(session) => session.input(),
        }
    }

    pub(crate) fn output(&self) -> Elements<'_> {
        match self {
            RuntimeSession::Ort(session) => session.output(),
            #[cfg(feature = "embedded")]
            RuntimeSession::Rten(session) => session.output(),
        }
    }
}

/// The dimensions of a tensor, N first.
pub(crate) fn dims(shape: TensorShape) -> [usize; 4] {
    [1, shape.channels as usize, shape.size.height as usize, shape.size.width as usize]
}

/// The failure that a runtime reports as `message`, of which the first line is kept.
// RV-FILT-1102, RV-ONNX-1104
pub(crate) fn runtime_error(status: Status, what: &str, message: &str) -> Error {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
    let out_of_memory = ["bad_alloc", "allocate memory", "bad allocation", "out of memory"];
    let lower = message.to_ascii_lowercase();
    let status =
        if out_of_memory.iter().any(|text| lower.contains(text)) { Status::OutOfMemory } else { status };
    Error::new(status, format!("{what}: {line}"))
}

/// A session's memory that could not be had.
pub(crate) fn out_of_memory(element: ElementType, shape: TensorShape) -> Error {
    Error::new(Status::OutOfMemory, format!("no memory for a {shape} tensor of {element}"))
}
