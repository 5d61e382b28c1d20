//! A loaded model and its contract.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rave_core::{Error, Extent, ModelContract, Result, Size, Status, TensorShape};

use crate::preflight;
use crate::probe::{self, Settled};
use crate::runtime::{LoadOptions, Runtime};
use crate::session::OnnxSession;

/// An ONNX model, checked, loaded and tried. Share it in an [`Arc`]; its sessions may run on several threads.
pub struct OnnxModel {
    name: String,
    contract: ModelContract,
    description: String,
    runtime: Runtime,
    /// What sides are rounded up to, by [`probe::residue_size`].
    multiples: Mutex<HashMap<Size, u32>>,
}

impl OnnxModel {
    /// Loads the model in `bytes`; `name` is what messages call it.
    ///
    /// The model is run a few times at small sizes (at its own size if that is fixed) to find its scale.
    ///
    /// # Errors
    /// [`Status::Untrusted`] for a model that refers to other files; [`Status::ModelLoadFailed`] for one that is
    /// damaged, cannot be run, or does not turn one RGB or luma image into one;
    /// [`Status::RuntimeLibraryMissing`] when the runtime that was asked for is not there; [`Status::OutOfMemory`].
    // RV-ONNX-1007
    pub fn from_bytes(bytes: &[u8], name: &str, options: &LoadOptions) -> Result<Self> {
        let in_model = |error: Error| error.context(format_args!("model {name}"));
        let declared = preflight::inspect(bytes).map_err(in_model)?;
        let runtime = Runtime::load(bytes, &declared, options).map_err(|error| match error.status() {
            // The library's error is not about this model.
            Status::RuntimeLibraryMissing => error,
            _ => in_model(error),
        })?;
        let settled = probe::settle(&declared, &|input| runtime.probe(input)).map_err(in_model)?;
        let contract = ModelContract {
            input: declared.input.name,
            output: declared.output.name,
            channels: settled.channels,
            // RV-ONNX-1207
            input_type: declared.input.element,
            output_type: declared.output.element,
            width: probe::extent(declared.input.width),
            height: probe::extent(declared.input.height),
            scale: settled.scale,
        };
        let description = runtime.describe();
        Ok(OnnxModel { name: name.to_string(), contract, description, runtime, multiples: Mutex::default() })
    }

    /// What the model takes and gives. The element types are those of the file; a session's may differ, see
    /// [`OnnxSession::input`].
    #[must_use]
    pub fn contract(&self) -> &ModelContract {
        &self.contract
    }

    /// The name that the model was loaded under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The runtime that computes, for people: `ONNX Runtime 1.23.2 (libonnxruntime.so.1)` or
    /// `rten 0.27.0 (embedded)`.
    #[must_use]
    pub fn runtime(&self) -> &str {
        &self.description
    }

    /// The runtime and its version, as `ONNX Runtime 1.23.2`, and the library's file; `None` where it is built in.
    #[must_use]
    pub fn library(&self) -> (String, Option<&Path>) {
        self.runtime.library()
    }

    /// The smallest size that the model takes and that holds `frame`: the frame's own, or its dynamic sides rounded up
    /// to a multiple of 2, 4, ... 64 (times the denominator of a fractional scale). A fixed side is always that of the
    /// model, also where the frame is larger.
    ///
    /// The first call for a kind of frame runs the model at small sizes; later ones only look the answer up.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a size that no frame has, [`Status::UnsupportedFormat`] when the model takes
    /// no such size, [`Status::OutOfMemory`].
    pub fn padded_size(&self, frame: Size) -> Result<Size> {
        self.find_padded_size(frame).map_err(|error| error.context(format_args!("model {}", self.name)))
    }

    fn find_padded_size(&self, frame: Size) -> Result<Size> {
        frame.checked("the frame")?;
        if let Some(size) = self.contract.fixed_size() {
            return Ok(size);
        }
        let extents = self.extents();
        let residue = probe::residue_size(frame, extents, self.contract.scale);
        // Held while probing, so that two threads do not try the same.
        let mut multiples = self.multiples.lock().unwrap_or_else(PoisonError::into_inner);
        let multiple = match multiples.get(&residue) {
            Some(&multiple) => multiple,
            None => {
                let multiple = probe::multiple_for(residue, extents, self.settled(), &|input| {
                    self.runtime.probe(input)
                })?;
                multiples.insert(residue, multiple);
                multiple
            }
        };
        probe::round_up(frame, extents, multiple).checked("the padded frame")
    }

    /// A session at the size `input`, which must be the model's own size or what [`padded_size`](Self::padded_size)
    /// returned. Its tensors are allocated here.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for another size, [`Status::OutOfMemory`].
    pub fn session(self: &Arc<Self>, input: Size) -> Result<OnnxSession> {
        let in_model = |error: Error| error.context(format_args!("model {}", self.name));
        let padded = self.padded_size(input)?;
        let output = probe::scaled(input, self.contract.scale);
        let (true, Some(output)) = (padded == input, output) else {
            return Err(in_model(
                Error::new(Status::InvalidParameter, format!("a session of {input} was asked for"))
                    .expected(format!("{padded}, and an output that is a possible frame")),
            ));
        };
        let channels = self.contract.channels;
        let input = TensorShape { channels, size: input };
        let output = TensorShape { channels, size: output };
        let tensors = self.runtime.session(input, output).map_err(in_model)?;
        Ok(OnnxSession::new(Arc::clone(self), tensors, input, output))
    }

    pub(crate) fn loaded(&self) -> &Runtime {
        &self.runtime
    }

    fn extents(&self) -> (Extent, Extent) {
        (self.contract.width, self.contract.height)
    }

    fn settled(&self) -> Settled {
        Settled { channels: self.contract.channels, scale: self.contract.scale }
    }
}

impl fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxModel")
            .field("name", &self.name)
            .field("contract", &self.contract)
            .field("runtime", &self.description)
            .finish_non_exhaustive()
    }
}
