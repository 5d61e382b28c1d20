//! An engine, run on tensors of the host's to be compared with its model.

use std::path::Path;

use rave_core::{ElementType, Error, Result, Status, ValueRange};
use rave_cuda::{Device, DeviceBuffer, DeviceInfo, Stream, element_bytes};

use super::TensorRtModel;
use crate::check::{Accuracy, Picture, Reference, Run};
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
    /// middle as the engine takes whole. Also tells, for people, what the model ran in.
    ///
    /// # Errors
    /// As [`Model::load`](crate::Model::load) for both, and those of running them: [`Status::InferenceFailed`],
    /// [`Status::UnsupportedFormat`], [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn compare_built(
        &self,
        prepared: &PreparedBuild,
        plan: Vec<u8>,
        pictures: &[Picture],
    ) -> Result<(Accuracy, String)> {
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
    ) -> Result<(Accuracy, String)> {
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
    ) -> Result<(Accuracy, String)> {
        let reference = Reference::load(name, onnx, options.log.clone())?;
        let engine = TensorRtModel::load(&self.device, name, plan, options)?;
        let mut accuracy = Accuracy::default();
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
            accuracy.add(&run.output, &found, self.values);
        }
        Ok((accuracy, reference.runtime().to_owned()))
    }

    /// What `engine` makes of the input of `run`.
    fn run(&self, engine: &TensorRtModel, run: &Run) -> Result<Vec<f32>> {
        let contract = engine.contract();
        let stream = Stream::create(&self.device)?;
        let mut context = engine.bind(engine.profile_for(run.size)?, run.size, 1)?;
        if context.input.size != run.size {
            return Err(Error::new(
                Status::UnsupportedFormat,
                format!("the engine takes {} where the model takes {}", context.input.size, run.size),
            )
            .help("check with a frame of another size, or build for this one"));
        }
        let bytes = |elements: usize, element| elements * element_bytes(element);
        let scratch = DeviceBuffer::new(&self.device, context.scratch_bytes.max(1))?;
        let input = DeviceBuffer::new(&self.device, bytes(context.input.elements(), contract.input_type))?;
        let made = bytes(context.output.elements(), contract.output_type);
        let output = DeviceBuffer::new(&self.device, made)?;
        input.upload(&stream, 0, &encoded(&run.input, contract.input_type))?;
        let mut result = vec![0; made];
        // SAFETY: the three buffers have the sizes of what the context was bound for, belong to it alone, and are dropped
        // after the stream was waited for; the context is run once, on this stream.
        unsafe {
            context.set_scratch(scratch.address())?;
            context.set_tensors(input.address(), output.address())?;
            let enqueued = context.enqueue(&stream);
            // Also after an error: what was begun works in the buffers.
            stream.synchronize()?;
            enqueued?;
        }
        output.download(&stream, 0, &mut result)?;
        Ok(decoded(&result, contract.output_type))
    }
}

/// The elements as they lie in a tensor of that type.
fn encoded(elements: &[f32], element: ElementType) -> Vec<u8> {
    match element {
        ElementType::F32 => elements.iter().flat_map(|number| number.to_le_bytes()).collect(),
        ElementType::F16 => {
            elements.iter().flat_map(|&number| half::f16::from_f32(number).to_le_bytes()).collect()
        }
    }
}

/// The elements of a tensor of that type.
fn decoded(bytes: &[u8], element: ElementType) -> Vec<f32> {
    match element {
        ElementType::F32 => bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect(),
        ElementType::F16 => {
            bytes.as_chunks().0.iter().map(|&number| half::f16::from_le_bytes(number).to_f32()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_both_types_lie_in_memory_as_on_the_gpu() {
        let numbers = [0.0, 1.0, -0.5, 65504.0, f32::INFINITY];
        for (element, size) in [(ElementType::F32, 4), (ElementType::F16, 2)] {
            let bytes = encoded(&numbers, element);
            assert_eq!(bytes.len(), numbers.len() * size);
            assert_eq!(decoded(&bytes, element), numbers);
        }
        assert_eq!(encoded(&[1.0], ElementType::F16), [0x00, 0x3c]);
    }

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
