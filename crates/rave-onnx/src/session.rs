//! A model at one size.

use std::fmt;
use std::sync::Arc;

use rave_core::{Elements, ElementsMut, Result, TensorShape};

use crate::model::OnnxModel;
use crate::runtime::RuntimeSession;

/// A model bound to one input size, with its tensors. Fill [`input`](Self::input), [`run`](Self::run), read
/// [`output`](Self::output).
///
/// Sessions are independent. Those of one model in ONNX Runtime wait for each other to run.
pub struct OnnxSession {
    // The binding inside is dropped before the model that it belongs to.
    tensors: RuntimeSession,
    // RV-ONNX-1205
    model: Arc<OnnxModel>,
    input: TensorShape,
    output: TensorShape,
}

impl OnnxSession {
    pub(crate) fn new(
        model: Arc<OnnxModel>,
        tensors: RuntimeSession,
        input: TensorShape,
        output: TensorShape,
    ) -> Self {
        OnnxSession { tensors, model, input, output }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<OnnxModel> {
        &self.model
    }

    /// The shape of the input tensor.
    #[must_use]
    pub fn input_shape(&self) -> TensorShape {
        self.input
    }

    /// The shape of the output tensor.
    #[must_use]
    pub fn output_shape(&self) -> TensorShape {
        self.output
    }

    /// The input tensor, to be filled. It keeps its elements from run to run, and is zero at first.
    ///
    /// ONNX Runtime takes and gives the element types of the file; the embedded runtime always fp32.
    pub fn input(&mut self) -> ElementsMut<'_> {
        self.tensors.input()
    }

    /// Computes the output. In ONNX Runtime this allocates nothing outside of the runtime's own arena.
    ///
    /// # Errors
    /// [`rave_core::Status::InferenceFailed`] or [`rave_core::Status::OutOfMemory`]; the output is then undefined, and
    /// the session can be run again.
    pub fn run(&mut self) -> Result<()> {
        self.model
            .loaded()
            .run(&mut self.tensors)
            .map_err(|error| error.context(format_args!("model {}", self.model.name())))
    }

    /// The output of the last run; zero before the first.
    #[must_use]
    pub fn output(&self) -> Elements<'_> {
        self.tensors.output()
    }
}

impl fmt::Debug for OnnxSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxSession")
            .field("model", &self.model.name())
            .field("input", &self.input)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

// A session moves between the threads of a pipeline, and a model is shared by them.
const _: () = {
    const fn send<T: Send>() {}
    const fn share<T: Send + Sync>() {}
    send::<OnnxSession>();
    share::<OnnxModel>();
};
