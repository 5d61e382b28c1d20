//! A loaded model and the backend that runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rave_core::{Error, Log, LogLevel, ModelContract, Result, Status, ValueRange};
use rave_onnx::{LoadOptions, OnnxModel, RuntimeChoice};

use crate::cache::{Cache, Key};
use crate::model_file::{self, Kind};

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
    /// The inference library to use; searched for when `None`. [`EMBEDDED`] chooses the runtime that is built in.
    pub runtime_lib: Option<PathBuf>,
    /// Where messages go.
    pub log: Log,
}

/// A loaded model; clones share it. Any thread may use it.
#[derive(Clone, Debug)]
pub struct Model {
    backend: Backend,
    values: ValueRange,
    threads: usize,
    name: Arc<str>,
}

#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Onnx(Arc<OnnxModel>),
}

static ONNX_MODELS: Cache<OnnxModel> = Cache::new();

impl Model {
    /// Loads the model in the file at `path`, or finds it loaded already.
    ///
    /// # Errors
    /// [`Status::FileNotFound`], [`Status::PermissionDenied`] or [`Status::Io`] when the file cannot be read,
    /// [`Status::ModelLoadFailed`] or [`Status::Untrusted`] when its content is refused,
    /// [`Status::DeviceNotFound`] for a TensorRT engine where there are only frames in host memory, and
    /// [`Status::RuntimeLibraryMissing`] when the library named in `options` cannot be used.
    pub fn load(path: &Path, options: &ModelOptions) -> Result<Self> {
        let bytes = model_file::read(path)?;
        let kind = model_file::kind(path, &bytes)?;
        check_backend(path, kind, options.backend)?;
        let name = path.display().to_string();
        let load = || {
            let embedded = options.runtime_lib.as_deref() == Some(Path::new(EMBEDDED));
            let options = LoadOptions {
                runtime: if embedded { RuntimeChoice::Embedded } else { RuntimeChoice::Auto },
                library: options.runtime_lib.clone().filter(|_| !embedded),
                threads: options.threads,
                log: options.log.clone(),
            };
            OnnxModel::from_bytes(&bytes, &name, &options)
        };
        let (model, loaded_before) = ONNX_MODELS.get(Key::new(&bytes, options), load)?;
        let how = if loaded_before { "already loaded" } else { "loaded" };
        let model = Model {
            backend: Backend::Onnx(model),
            values: options.values,
            threads: options.threads,
            name: name.as_str().into(),
        };
        options.log.write(LogLevel::Verbose, format_args!("model {name} {how}: {}", model.description()));
        Ok(model)
    }

    /// What the model takes and gives.
    #[must_use]
    pub fn contract(&self) -> &ModelContract {
        match &self.backend {
            Backend::Onnx(model) => model.contract(),
        }
    }

    /// One line for people: the contract and what runs it.
    #[must_use]
    pub fn description(&self) -> String {
        match &self.backend {
            Backend::Onnx(model) => format!("{}; {}", model.contract(), model.runtime()),
        }
    }

    /// The path that the model was loaded from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
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

fn check_backend(path: &Path, kind: Kind, choice: BackendChoice) -> Result<()> {
    let file = path.display();
    match (kind, choice) {
        (Kind::Onnx, BackendChoice::Auto | BackendChoice::Onnx) => Ok(()),
        (Kind::Onnx, BackendChoice::TensorRt) => Err(Error::new(
            Status::InvalidParameter,
            format!("backend tensorrt with {file}, which is no engine"),
        )
        .expected("a TensorRT engine (.engine or .plan)")
        .help("leave backend at auto")),
        (Kind::TensorRtPlan, BackendChoice::Onnx) => {
            Err(Error::new(Status::InvalidParameter, format!("backend onnx with {file}, a TensorRT engine"))
                .expected("an ONNX model")
                .help("leave backend at auto"))
        }
        (Kind::TensorRtPlan, BackendChoice::Auto | BackendChoice::TensorRt) => Err(Error::new(
            Status::DeviceNotFound,
            format!(
                "file {file} is a TensorRT engine, which needs an NVIDIA GPU; these frames are in host memory"
            ),
        )
        .help("use the .onnx model that the engine was built from, which runs on the CPU")),
    }
}
