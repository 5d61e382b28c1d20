//! An engine, run on tensors of the host's to be compared with its model.

use std::path::Path;

use rave_core::{Error, Result, Status, ValueRange};
use rave_cuda::{Device, DeviceInfo, Stream};

use super::TensorRtModel;
use super::run_once::run_once;
use crate::check::{Accuracy, Comparison, Picture, Reference, Run};
use crate::model_file::{self, Kind};
use crate::{ModelOptions, PreparedBuild};

/// A GPU to run engines on, to see how close they come to their models.
#[derive(Debug)]
pub struct EngineCheck {
    device: Device,
    /// What stands for black and white in the tensors.
    values: ValueRange,
}

impl EngineCheck {
    /// Takes the first GPU, with a CUDA context of its own.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`], naming what is missing, and [`Status::OutOfMemory`].
    // RV-ENG-1704
    pub fn open(values: ValueRange) -> Result<Self> {
        let device = Device::create(0).map_err(|error| {
            error.context("to compare an engine with its model, it has to be run on a GPU")
        })?;
        Ok(EngineCheck { device, values })
    }

    /// The GPU.
    #[must_use]
    pub fn gpu(&self) -> &DeviceInfo {
        self.device.info()
    }

    /// Runs the model of `prepared` on the CPU and `plan`, its engine, on the GPU, with each of `pictures`: as much of its
    /// middle as the engine takes whole. Without one it is the [self-test picture](Picture::self_test), of the size that the
    /// engine is tuned for.
    ///
    /// # Errors
    /// As [`Model::load`](crate::Model::load) for both, and those of running them: [`Status::InferenceFailed`],
    /// [`Status::UnsupportedFormat`], [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn compare_built(
        &self,
        prepared: &PreparedBuild,
        plan: Vec<u8>,
        pictures: &[Picture],
    ) -> Result<Comparison> {
        let options = ModelOptions {
            runtime_lib: Some(prepared.library().name().to_owned()),
            log: prepared.log().clone(),
            ..ModelOptions::default()
        };
        self.compare(prepared.name(), prepared.onnx(), plan, &options, pictures)
    }

    /// As [`EngineCheck::compare_built`], of the files of an engine and of its model. Of `options` those that load an engine
    /// matter.
    ///
    /// # Errors
    /// As [`EngineCheck::compare_built`].
    pub fn compare_files(
        &self,
        engine: &Path,
        model: &Path,
        options: &ModelOptions,
        pictures: &[Picture],
    ) -> Result<Comparison> {
        let plan = model_file::read(engine)?;
        plan.check_origin(engine)?;
        let onnx = model_file::read(model)?;
        if onnx.kind(model)? != Kind::Onnx {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("file {} is an engine", model.display()),
            )
            .expected("the ONNX model that the engine was built of"));
        }
        self.compare(&engine.display().to_string(), &onnx.bytes, plan.bytes, options, pictures)
    }

    // RV-ENG-1703
    fn compare(
        &self,
        name: &str,
        onnx: &[u8],
        plan: Vec<u8>,
        options: &ModelOptions,
        pictures: &[Picture],
    ) -> Result<Comparison> {
        let reference = Reference::load(name, onnx, options.log.clone())?;
        let engine = TensorRtModel::load(&self.device, name, plan, options)?;
        let built_in;
        let pictures = if pictures.is_empty() {
            let (_, profile) = engine.first_profile()?;
            built_in = [Picture::self_test(profile.sizes.best)];
            &built_in
        } else {
            pictures
        };
        let mut compared = Vec::with_capacity(pictures.len());
        for picture in pictures {
            let (_, profile) = engine.profile_for(picture.size())?;
            let run = reference.run(picture, profile.sizes, self.values)?;
            let found = self.run(&engine, &run)?;
            if found.len() != run.output.len() {
                return Err(Error::new(
                    Status::ModelLoadFailed,
                    format!(
                        "engine {name} gives {} elements where the model gives {}",
                        found.len(),
                        run.output.len()
                    ),
                )
                .expected("the engine of this model"));
            }
            let mut accuracy = Accuracy::default();
            accuracy.add(&run.output, &found, self.values);
            compared.push(accuracy);
        }
        Ok(Comparison { pictures: compared, reference: reference.runtime().to_owned() })
    }

    /// What `engine` makes of the input of `run`.
    fn run(&self, engine: &TensorRtModel, run: &Run) -> Result<Vec<f32>> {
        let stream = Stream::create(&self.device)?;
        let context = engine.bind(engine.profile_for(run.size)?, run.size, 1)?;
        if context.input.size != run.size {
            return Err(Error::new(
                Status::UnsupportedFormat,
                format!("the engine takes {} where the model takes {}", context.input.size, run.size),
            )
            .help("check with a frame of another size, or build for this one"));
        }
        run_once(&stream, engine, context, &run.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1704
    #[test]
    fn without_a_gpu_it_is_said_what_is_missing() {
        match EngineCheck::open(ValueRange::Unit) {
            Ok(check) => eprintln!("skipped: this machine has a GPU: {}", check.gpu().name),
            Err(error) => {
                assert_eq!(error.status(), Status::DeviceNotFound, "{error}");
                assert!(error.to_string().contains("run on a GPU"), "{error}");
            }
        }
    }
}
