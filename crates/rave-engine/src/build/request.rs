//! What engine is wanted, of which model.

use std::path::PathBuf;

use rave_core::{Log, Result, Size, ValueRange};
use rave_tensorrt::{BatchRange, BuildOptions, Precision, SizeRange};

use super::PreparedBuild;
use crate::model_file;

/// The frame sizes that an engine is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineSizes {
    /// What `rave=model.onnx` builds for frames of this size, or, without one, for any: every size from 64x64 to the one
    /// given, rounded up so that similar sizes share an engine. A side that the model fixes stays as it is.
    Automatic(Option<Size>),
    /// One size, settled in the network itself.
    One(Size),
    /// Every size in a range.
    Range(SizeRange),
}

/// An engine that is wanted.
#[derive(Clone, Debug)]
pub struct EngineRequest {
    /// The file of the ONNX model.
    pub model: PathBuf,
    /// What the engine computes in.
    pub precision: Precision,
    /// What stands for black and white in the model's tensors, when its engine is run once to see whether it overflows.
    pub values: ValueRange,
    /// The frame sizes.
    pub sizes: EngineSizes,
    /// Frames at once.
    pub batch: BatchRange,
    /// Bytes of scratch memory that a layer may use; all of the GPU's by default.
    pub workspace: Option<u64>,
    /// How long TensorRT looks for something faster: 0 to 5. TensorRT's own default is 3.
    pub level: u8,
    /// A plan that later versions of TensorRT run, too.
    pub version_compatible: bool,
    /// TensorRT-RTX only: the GPUs to build for, as major and minor; none is the GPU of this machine.
    pub compute_capabilities: Vec<(u32, u32)>,
    /// The TensorRT library; searched for when `None`.
    pub runtime_lib: Option<PathBuf>,
    /// The library of the ONNX parser; searched for when `None`.
    pub parser_lib: Option<PathBuf>,
    /// Where messages go.
    pub log: Log,
}

impl EngineRequest {
    /// An engine of `model` with everything at its default.
    #[must_use]
    pub fn new(model: impl Into<PathBuf>) -> Self {
        let BuildOptions { precision, batch, workspace, level, version_compatible, .. } =
            BuildOptions::default();
        EngineRequest {
            model: model.into(),
            precision,
            values: ValueRange::default(),
            sizes: EngineSizes::Automatic(None),
            batch,
            workspace,
            level,
            version_compatible,
            compute_capabilities: Vec::new(),
            runtime_lib: None,
            parser_lib: None,
            log: Log::default(),
        }
    }

    /// Reads and checks the model, and finds a library that builds it. Needs no GPU.
    ///
    /// # Errors
    /// - [`Status::FileNotFound`](rave_core::Status::FileNotFound),
    ///   [`Status::PermissionDenied`](rave_core::Status::PermissionDenied) or
    ///   [`Status::Io`](rave_core::Status::Io): the model cannot be read.
    /// - [`Status::ModelLoadFailed`](rave_core::Status::ModelLoadFailed),
    ///   [`Status::Untrusted`](rave_core::Status::Untrusted): it is no model, none that takes and gives one image, or
    ///   one that refers to another file.
    /// - [`Status::RuntimeLibraryMissing`](rave_core::Status::RuntimeLibraryMissing): no TensorRT with a builder and an
    ///   ONNX parser; the message says what to install or name.
    pub fn prepare(&self) -> Result<PreparedBuild> {
        let bytes = model_file::read(&self.model)?.bytes;
        PreparedBuild::new(self, bytes)
    }
}
