//! What TensorRT tells of an engine, for people who want to know.

use std::path::Path;

use rave_core::Result;
use rave_cuda::Device;
use rave_tensorrt::{Plan, TensorInfo};

use super::model::{deserialize, what_runs};
use crate::{ModelOptions, model_file};

/// What is in an engine: what only TensorRT tells, once it has loaded it.
#[derive(Debug)]
pub struct EngineContents {
    /// Its inputs and outputs, in TensorRT's order; inputs with their range in each optimisation profile.
    pub tensors: Vec<TensorInfo>,
    /// What RAVE makes of them and what runs it, as [`Model::description`](crate::Model::description); an error, which
    /// names the tensor, of an engine that RAVE cannot feed.
    pub description: Result<String>,
}

impl EngineContents {
    /// Loads the engine in the file at `path` onto the first GPU, with a CUDA context of its own, asks it, and lets it go.
    /// Of `options` those that load an engine matter.
    ///
    /// # Errors
    /// Those of [`Model::load`](crate::Model::load) with an engine, but for one that is no image model; and
    /// [`Status::DeviceNotFound`](rave_core::Status::DeviceNotFound) without a GPU.
    // RV-CLI-1207
    pub fn read(path: &Path, options: &ModelOptions) -> Result<Self> {
        let file = model_file::read(path)?;
        file.check_origin(path)?;
        let name = path.display().to_string();
        let plan = Plan::check(&name, &file.bytes, None)?;
        let device = Device::create(0)?;
        let (runtime, engine) = deserialize(&device, &plan, options, options.log.clone())?;
        let _bound = device.bind()?;
        let description = engine
            .contract()
            .map(|contract| format!("{contract}; {}", what_runs(&runtime, &device, &plan.builder())));
        Ok(EngineContents { tensors: engine.tensors().to_vec(), description })
    }
}
