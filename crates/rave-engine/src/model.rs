//! A loaded model and the backend that runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rave_core::{Error, Log, LogLevel, ModelContract, Result, Size, Status, ValueRange};
use rave_ledger::{Digest, EngineFacts, Event, Fallback, Ledger, Meta, ModelLoaded};
use rave_onnx::{LoadOptions, ModelSummary, OnnxModel, RuntimeChoice};
use rave_tensorrt::Precision;

use crate::build::{self, BuildChoice, BuilderProgram, CacheChoice, Cancel};
use crate::cache::{Cache, Key};
use crate::cuda::{CudaDevice, TensorRtModel};
use crate::model_file::{self, Kind};
use crate::retry::{self, Retry};
use crate::{Mode, noted};

/// In place of a library's path: the inference runtime that is built in, slower and always there.
pub const EMBEDDED: &str = "embedded";

/// Which backend is to run a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// By the file's content.
    #[default]
    Auto,
    /// ONNX on the CPU.
    Onnx,
    /// TensorRT on the GPU.
    TensorRt,
}

/// How a model is loaded.
#[derive(Clone, Debug, Default)]
pub struct ModelOptions {
    /// The backend.
    pub backend: BackendChoice,
    /// What stands for black and white in the model's tensors.
    pub values: ValueRange,
    /// CPU threads for inference and for pixel conversion; 0 means all cores.
    pub threads: usize,
    /// The inference library to use (ONNX Runtime, or TensorRT for an engine); searched for when `None`. [`EMBEDDED`]
    /// chooses the runtime for ONNX that is built in.
    pub runtime_lib: Option<PathBuf>,
    /// For engines: the lean runtime library of an older TensorRT, which runs version-compatible engines that it built.
    pub lean_runtime: Option<PathBuf>,
    /// For engines: lets them bring host code of their own. Such an engine can do whatever the process can.
    pub allow_host_code: bool,
    /// Where the frames are; `None` is host memory.
    pub device: Option<CudaDevice>,
    /// For an ONNX model on a GPU: what its engine computes in, unless that overflows: then bf16 or fp32, and it is told.
    /// Where no engine is built, anything but [`Precision::Model`] is an error.
    pub precision: Precision,
    /// For an ONNX model on a GPU: whether its engine is built. Where none can be, [`BuildChoice::Only`] is an error.
    pub build: BuildChoice,
    /// For an ONNX model on a GPU: where its engine is kept.
    pub cache: CacheChoice,
    /// Whether memory that runs out is an error, or what nobody uses is freed and it is tried once more; for an ONNX model on
    /// a GPU, also whether a damaged engine in the cache, or a cache that cannot be written, is one.
    pub mode: Mode,
    /// For an ONNX model on a GPU: the size of the frames. Frames of every size are taken whatever it is, so it may be
    /// wrong; the engine is built for it and for smaller ones, and larger ones are cut into tiles.
    pub size_hint: Option<Size>,
    /// For an ONNX model on a GPU: the program that builds its engine in a process of its own; without one, this process
    /// does. A model that is not trusted is better built in another.
    pub builder: Option<BuilderProgram>,
    /// For an ONNX model on a GPU: asks whether its engine is still wanted, while it is built or waited for. A build in
    /// another process then ends within a tenth of a second, one in this process after TensorRT's step at hand.
    pub cancel: Cancel,
    /// Where messages go.
    pub log: Log,
    /// Where it is taken down what was loaded and done, also by the sessions of this model.
    pub ledger: Ledger,
}

/// A loaded model; clones share it. Any thread may use it.
#[derive(Clone, Debug)]
pub struct Model {
    backend: Backend,
    values: ValueRange,
    threads: usize,
    name: Arc<str>,
    ledger: Ledger,
    /// In the ledger.
    number: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Onnx(Arc<OnnxModel>),
    /// The model goes before the device that it lives on.
    TensorRt(Arc<TensorRtModel>, CudaDevice),
}

static ONNX_MODELS: Cache<OnnxModel> = Cache::new();

impl Model {
    /// Loads the model in the file at `path`, or finds it loaded already.
    ///
    /// An ONNX model for a GPU becomes an engine first, which can take minutes; the log is told how far that is, at
    /// [`LogLevel::Info`].
    ///
    /// # Errors
    /// [`Status::FileNotFound`], [`Status::PermissionDenied`] or [`Status::Io`] when the file cannot be read,
    /// [`Status::ModelLoadFailed`] or [`Status::Untrusted`] when its content is refused,
    /// [`Status::DeviceNotFound`] for a TensorRT engine where there are only frames in host memory,
    /// [`Status::RuntimeLibraryMissing`] when the library named in `options` cannot be used,
    /// [`Status::InvalidParameter`] for options that this file or these frames have no use for, and
    /// [`Status::Cancelled`] when an engine is not wanted any more.
    pub fn load(path: &Path, options: &ModelOptions) -> Result<Self> {
        let ModelOptions { mode, ledger, log, device, .. } = options;
        Retry { mode: *mode, ledger, log }
            .once("model", || retry::free_unused(device.as_ref()), || Self::try_load(path, options))
            .inspect_err(|error| ledger.failed("model", None, None, error))
    }

    fn try_load(path: &Path, options: &ModelOptions) -> Result<Self> {
        let file = model_file::read(path)?;
        let kind = file.kind(path)?;
        check_backend(path, kind, options)?;
        check_wishes(path, kind, options)?;
        let name = path.display().to_string();
        let mut key = Key::new(&file.bytes, options);
        let (sha256, bytes) = (Digest(key.content), file.bytes.len() as u64);
        let (backend, loaded_before) = match (kind, &options.device) {
            (Kind::TensorRtPlan, Some(device)) => {
                file.check_origin(path)?;
                let load = || TensorRtModel::load(device.device(), &name, file.bytes, options);
                let (model, before) = device.models().get(key, load)?;
                model.log_to(options.log.clone());
                (Backend::TensorRt(model, device.clone()), before)
            }
            (Kind::Onnx, Some(device)) => {
                let input = ModelSummary::read(&file.bytes, &name)?.input;
                key = key.of_engine(options.precision, build::automatic(&input, options.size_hint));
                let load = || {
                    let bound = device.device().bind()?;
                    let engine = build::engine_for(path, file.bytes, &device.into(), options)?;
                    drop(bound);
                    let options = ModelOptions { runtime_lib: Some(engine.library), ..options.clone() };
                    let model = TensorRtModel::load(device.device(), &name, engine.plan, &options)?;
                    Ok(model.built_in(engine.precision))
                };
                let (model, before) = device.models().get(key, load)?;
                model.log_to(options.log.clone());
                (Backend::TensorRt(model, device.clone()), before)
            }
            (_, None) => {
                let (model, before) = ONNX_MODELS.get(key, || load_onnx(&name, &file.bytes, options))?;
                (Backend::Onnx(model), before)
            }
        };
        let how = if loaded_before { "already loaded" } else { "loaded" };
        let model = Model {
            backend,
            values: options.values,
            threads: options.threads,
            name: name.as_str().into(),
            ledger: options.ledger.clone(),
            number: options.ledger.next_model(),
        };
        model.take_down(sha256, bytes, options);
        options.log.write(LogLevel::Verbose, format_args!("model {name} {how}: {}", model.description()));
        Ok(model)
    }

    /// Takes down what was loaded.
    // RV-ENG-1603
    fn take_down(&self, sha256: Digest, bytes: u64, options: &ModelOptions) {
        let (library, library_path, engine) = match &self.backend {
            Backend::Onnx(model) => {
                let (library, path) = model.library();
                (library, path.map(|path| path.display().to_string()), None)
            }
            Backend::TensorRt(model, _) => {
                let (library, path) = model.library();
                let engine = EngineFacts {
                    sha256: model.sha256(),
                    built_by: model.built_by().to_owned(),
                    precision: model.precision().map(|precision| precision.to_string()),
                    lean_runtime: model.lean_runtime(),
                    host_code: options.allow_host_code,
                };
                (library, Some(path), Some(engine))
            }
        };
        let fell_back = options.runtime_lib.is_none() && library_path.is_none();
        let model = ModelLoaded {
            model: self.number,
            sha256,
            bytes,
            backend: if engine.is_some() { "tensorrt" } else { "onnx" }.into(),
            library: library.clone(),
            contract: self.contract().to_string(),
            values: match options.values {
                ValueRange::Unit => "unit",
                ValueRange::Byte => "byte",
            }
            .into(),
            mode: options.mode.name().into(),
            engine,
            device: self.device().map(noted::device_facts),
        };
        // RV-ENG-1604
        let meta = Meta {
            path: Some(self.name.to_string()),
            library_path,
            threads: Some(options.threads as u64),
            ..Meta::default()
        };
        self.ledger.record_with(Event::Model(model), meta);
        if fell_back {
            let missing = "ONNX Runtime".into();
            self.ledger.record(Event::Fallback(Fallback { used: library, missing }));
        }
        if let Backend::TensorRt(model, _) = &self.backend
            && let Some(fallback) =
                model.precision().and_then(|built| noted::other_precision(options.precision, built))
        {
            self.ledger.record(Event::Fallback(fallback));
        }
    }

    /// Where it is taken down what the model's sessions do.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// What the model takes and gives.
    #[must_use]
    pub fn contract(&self) -> &ModelContract {
        match &self.backend {
            Backend::Onnx(model) => model.contract(),
            Backend::TensorRt(model, _) => model.contract(),
        }
    }

    /// One line for people: the contract and what runs it.
    #[must_use]
    pub fn description(&self) -> String {
        match &self.backend {
            Backend::Onnx(model) => format!("{}; {}", model.contract(), model.runtime()),
            Backend::TensorRt(model, _) => format!("{}; {}", model.contract(), model.runtime()),
        }
    }

    /// The path that the model was loaded from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The GPU that it runs on; `None` is the CPU.
    #[must_use]
    pub fn device(&self) -> Option<&CudaDevice> {
        match &self.backend {
            Backend::Onnx(_) => None,
            Backend::TensorRt(_, device) => Some(device),
        }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    pub(crate) fn values(&self) -> ValueRange {
        self.values
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }
}

/// Frees loaded models that nobody uses: those of the CPU, and those on `device`.
pub(crate) fn free_unused(device: Option<&CudaDevice>) -> u64 {
    ONNX_MODELS.free_unused() + device.map_or(0, |device| device.models().free_unused())
}

fn load_onnx(name: &str, bytes: &[u8], options: &ModelOptions) -> Result<OnnxModel> {
    let embedded = options.runtime_lib.as_deref() == Some(Path::new(EMBEDDED));
    let options = LoadOptions {
        runtime: if embedded { RuntimeChoice::Embedded } else { RuntimeChoice::Auto },
        library: options.runtime_lib.clone().filter(|_| !embedded),
        threads: options.threads,
        log: options.log.clone(),
    };
    OnnxModel::from_bytes(bytes, name, &options)
}

/// Refuses a file that the chosen backend does not run, and a backend that cannot reach the frames.
fn check_backend(path: &Path, kind: Kind, options: &ModelOptions) -> Result<()> {
    let file = path.display();
    let wrong = |found: String, expected: &str| {
        Err(Error::new(Status::InvalidParameter, found).expected(expected).help("leave backend at auto"))
    };
    match (kind, options.backend, &options.device) {
        // RV-ENG-1001
        (Kind::Onnx, BackendChoice::TensorRt, None) => wrong(
            format!("backend tensorrt with {file}, which is no engine, and frames in host memory"),
            "frames in GPU memory, for which an engine is built",
        ),
        (Kind::TensorRtPlan, BackendChoice::Onnx, _) => {
            wrong(format!("backend onnx with {file}, a TensorRT engine"), "an ONNX model")
        }
        // RV-ENG-1201
        (Kind::TensorRtPlan, _, None) => Err(Error::new(
            Status::DeviceNotFound,
            format!("file {file} is a TensorRT engine, which needs an NVIDIA GPU; these frames are in host memory"),
        )
        .help(
            "use the .onnx model that the engine was built from, which runs on the CPU, or bring the frames to a GPU \
             (FFmpeg: -hwaccel cuda -hwaccel_output_format cuda, or hwupload_cuda before rave)",
        )),
        // RV-ENG-1202
        (Kind::Onnx, BackendChoice::Onnx, Some(_)) => Err(Error::new(
            Status::InvalidParameter,
            format!("backend onnx with {file}, which runs on the CPU; these frames are in GPU memory"),
        )
        .help("leave backend at auto to have an engine built, or bring the frames to the host (FFmpeg: hwdownload)")),
        (_, _, Some(_)) if options.runtime_lib.as_deref() == Some(Path::new(EMBEDDED)) => {
            Err(Error::new(Status::InvalidParameter, format!("runtime_lib {EMBEDDED} with {file} on a GPU"))
                .expected("a TensorRT library: the embedded runtime runs ONNX models on the CPU")
                .help("leave runtime_lib out"))
        }
        (Kind::Onnx, _, None) | (_, _, Some(_)) => Ok(()),
    }
}

/// Refuses what is asked of an engine that is to be built, where none is.
// RV-ENG-1506, RV-FILT-1109
fn check_wishes(path: &Path, kind: Kind, options: &ModelOptions) -> Result<()> {
    let why = match (kind, &options.device) {
        (Kind::Onnx, Some(_)) => return Ok(()),
        (Kind::Onnx, None) => "which runs on the CPU as it is: these frames are in host memory",
        (Kind::TensorRtPlan, _) => "which is an engine already",
    };
    let refuse = |wish: String, help: &str| {
        Err(Error::new(Status::InvalidParameter, format!("{wish} with {}, {why}", path.display()))
            .expected("an ONNX model and frames in GPU memory, for which an engine is built")
            .help(help))
    };
    if options.precision != Precision::Model {
        return refuse(
            format!("precision {}", options.precision),
            "leave precision at auto: the model's own is taken",
        );
    }
    if options.build == BuildChoice::Only {
        return refuse("build only".to_owned(), "leave build at auto: there is nothing to build");
    }
    Ok(())
}
