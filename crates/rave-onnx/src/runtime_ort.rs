//! A model in ONNX Runtime, through the crate `ort`.

use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use half::f16;
use ort::AsPointer;
use ort::logging::LogLevel as OrtLevel;
use ort::memory::Allocator;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{IoBinding, Session};
use ort::value::{Tensor, ValueType};
use rave_core::{ElementType, Elements, ElementsMut, Log, LogLevel, Result, Status, TensorShape};

use crate::library::Library;
use crate::preflight::Declared;
use crate::runtime::{LoadOptions, dims, out_of_memory, runtime_error};

/// A loaded model.
pub(crate) struct OrtModel {
    /// One run at a time: ONNX Runtime allows more, but `ort` reports faults when two share an execution provider's
    /// allocator.
    // RV-ONNX-1204
    session: Mutex<Session>,
    input: (String, ElementType),
    output: (String, ElementType),
    library: &'static Library,
}

impl OrtModel {
    pub(crate) fn load(
        bytes: &[u8],
        declared: &Declared,
        options: &LoadOptions,
        library: &'static Library,
    ) -> Result<Self> {
        let failed = |error: ort::Error| {
            runtime_error(Status::ModelLoadFailed, "ONNX Runtime refuses it", error.message())
        };
        let session = contained(Status::ModelLoadFailed, || {
            builder(options, library)
                .and_then(|mut builder| builder.commit_from_memory(bytes))
                .map_err(failed)
        })?;
        Ok(OrtModel {
            session: Mutex::new(session),
            input: (declared.input.name.clone(), declared.input.element),
            output: (declared.output.name.clone(), declared.output.element),
            library,
        })
    }

    pub(crate) fn library(&self) -> &'static Library {
        self.library
    }

    pub(crate) fn probe(&self, input: TensorShape) -> Result<Vec<i64>> {
        contained(Status::InferenceFailed, || self.output_dims(input))
    }

    fn output_dims(&self, input: TensorShape) -> Result<Vec<i64>> {
        let value = OrtTensor::new(self.input.1, input)?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = match &value {
            OrtTensor::F32(tensor, _) => session.run(ort::inputs![self.input.0.as_str() => tensor]),
            OrtTensor::F16(tensor, _) => session.run(ort::inputs![self.input.0.as_str() => tensor]),
        }
        .map_err(|error| run_failed(&error))?;
        match outputs[0].dtype() {
            ValueType::Tensor { shape, .. } => Ok(shape.to_vec()),
            other => {
                Err(runtime_error(Status::InferenceFailed, "the output is not a tensor", &other.to_string()))
            }
        }
    }

    pub(crate) fn session(&self, input: TensorShape, output: TensorShape) -> Result<OrtSession> {
        contained(Status::InferenceFailed, || self.bound(input, output))
    }

    fn bound(&self, input: TensorShape, output: TensorShape) -> Result<OrtSession> {
        let input = OrtTensor::new(self.input.1, input)?;
        let mut output = OrtTensor::new(self.output.1, output)?;
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bind = || -> ort::Result<IoBinding> {
            let mut binding = session.create_binding()?;
            match &input {
                OrtTensor::F32(tensor, _) => binding.bind_input(&*self.input.0, tensor)?,
                OrtTensor::F16(tensor, _) => binding.bind_input(&*self.input.0, tensor)?,
            }
            match &mut output {
                OrtTensor::F32(tensor, _) => binding.bind_output(&*self.output.0, tensor)?,
                OrtTensor::F16(tensor, _) => binding.bind_output(&*self.output.0, tensor)?,
            }
            Ok(binding)
        };
        let binding = bind().map_err(|error| run_failed(&error))?;
        Ok(OrtSession { binding, input, output })
    }

    // RV-ONNX-1206
    pub(crate) fn run(&self, session: &mut OrtSession) -> Result<()> {
        let shared = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        // `Session::run_binding` would wrap the bound outputs in new values, allocating for each frame.
        // SAFETY: both pointers come from live objects; the binding was made from this very session (`OrtModel::run`
        // is only reached with sessions of the same model); the lock makes this the session's only run, and `&mut`
        // the binding's only user; the run options may be null (onnxruntime_c_api.h, RunWithBinding).
        let status = unsafe {
            (ort::api().RunWithBinding)(shared.ptr().cast_mut(), ptr::null(), session.binding.ptr())
        };
        // SAFETY: the status is fresh from the API and is given away here.
        unsafe { ort::Error::result_from_status(status) }.map_err(|error| run_failed(&error))
    }
}

/// The session options: the CPU alone, one operator after another on `threads` threads.
// RV-FILT-1002, RV-ONNX-1203
fn builder(options: &LoadOptions, library: &Library) -> ort::Result<SessionBuilder> {
    Ok(Session::builder(&library.environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(options.thread_count())?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        // Results must not depend on whether a weight or pixel is a subnormal number.
        .with_config_entry("session.set_denormal_as_zero", "0")?
        .with_log_level(OrtLevel::Warning)?
        .with_logger(logger(options.log.clone()))?)
}

/// Passes ONNX Runtime's messages on. Its errors come back as errors too, so none of them is more than verbose here.
fn logger(log: Log) -> ort::logging::LoggerFunction {
    Arc::new(move |level, _category, _id, _location, message| {
        let level = match level {
            OrtLevel::Error | OrtLevel::Fatal => LogLevel::Verbose,
            _ => LogLevel::Debug,
        };
        log.write(level, format_args!("ONNX Runtime: {message}"));
    })
}

fn run_failed(error: &ort::Error) -> rave_core::Error {
    runtime_error(Status::InferenceFailed, "ONNX Runtime", error.message())
}

/// Turns a panic of `ort` into an error: it has them where ONNX Runtime fails at what it takes for infallible. What the
/// call had made so far is released on the way out, and nothing of the model is left half-done.
// RV-ONNX-1208
fn contained<T>(status: Status, call: impl FnOnce() -> Result<T>) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        let said = payload.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        Err(runtime_error(status, "ONNX Runtime", said))
    })
}

/// Where a tensor's elements lie, as it was told when the tensor was made.
struct Place<T> {
    first: NonNull<T>,
    count: usize,
}

// SAFETY: it stands for the elements that the tensor beside it owns, which are plain numbers without a thread of their
// own; `OrtTensor` gives them out by its own borrow.
unsafe impl<T: Send> Send for Place<T> {}
// SAFETY: as above; shared, they are only read.
unsafe impl<T: Sync> Sync for Place<T> {}

impl<T> Place<T> {
    fn of(elements: &mut [T]) -> Self {
        let count = elements.len();
        Place { first: NonNull::from(elements).cast(), count }
    }
}

/// A tensor in ONNX Runtime's memory, zeroed. Its elements stay where they are as long as it lives, so it is asked for them
/// once: no call of ONNX Runtime stands between a frame and its elements.
enum OrtTensor {
    F32(Tensor<f32>, Place<f32>),
    F16(Tensor<f16>, Place<f16>),
}

impl OrtTensor {
    // RV-ONNX-1207
    fn new(element: ElementType, shape: TensorShape) -> Result<Self> {
        let allocator = Allocator::default();
        let dims = dims(shape);
        match element {
            ElementType::F32 => Tensor::new(&allocator, dims).map(|mut tensor: Tensor<f32>| {
                let place = Place::of(tensor.extract_tensor_mut().1);
                OrtTensor::F32(tensor, place)
            }),
            ElementType::F16 => Tensor::new(&allocator, dims).map(|mut tensor: Tensor<f16>| {
                let place = Place::of(tensor.extract_tensor_mut().1);
                OrtTensor::F16(tensor, place)
            }),
        }
        .map_err(|_: ort::Error| out_of_memory(element, shape))
    }
}

/// The tensors of one session, bound to the model's input and output.
pub(crate) struct OrtSession {
    binding: IoBinding,
    input: OrtTensor,
    output: OrtTensor,
}

impl OrtSession {
    pub(crate) fn input(&mut self) -> ElementsMut<'_> {
        match &mut self.input {
            OrtTensor::F32(_, place) => {
                // SAFETY: the place is that of the live tensor beside it, of so many elements, which were zeroed when it
                // was made; `&mut self` is the session's only borrow, and ONNX Runtime reads them only in
                // `OrtModel::run`, which takes one too.
                ElementsMut::F32(unsafe { slice::from_raw_parts_mut(place.first.as_ptr(), place.count) })
            }
            OrtTensor::F16(_, place) => {
                // SAFETY: as above.
                ElementsMut::F16(unsafe { slice::from_raw_parts_mut(place.first.as_ptr(), place.count) })
            }
        }
    }

    pub(crate) fn output(&self) -> Elements<'_> {
        // The same holds of the output: ONNX Runtime writes it only in `OrtModel::run`, by `&mut` of the session.
        match &self.output {
            OrtTensor::F32(_, place) => {
                // SAFETY: the place is that of the live tensor beside it, of so many elements, all of them initialised.
                Elements::F32(unsafe { slice::from_raw_parts(place.first.as_ptr(), place.count) })
            }
            OrtTensor::F16(_, place) => {
                // SAFETY: as above.
                Elements::F16(unsafe { slice::from_raw_parts(place.first.as_ptr(), place.count) })
            }
        }
    }
}
