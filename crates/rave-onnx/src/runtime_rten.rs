//! A model in rten, the runtime that is compiled in.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rave_core::{ElementType, Elements, ElementsMut, Error, Result, Status, TensorShape};
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueView};

use crate::preflight::Declared;
use crate::runtime::{dims, out_of_memory, runtime_error};

/// The runtime's name. The version is the one that the workspace's Cargo.toml pins.
pub(crate) const VERSION: &str = "rten 0.27.0";

/// A loaded model. rten turns fp16 tensors into fp32 as it loads them, so its input and output are always fp32.
pub(crate) struct RtenModel {
    model: Model,
    input: NodeId,
    output: NodeId,
    pool: Arc<ThreadPool>,
}

impl RtenModel {
    pub(crate) fn load(bytes: &[u8], declared: &Declared, threads: usize) -> Result<Self> {
        // RV-FFI-1013
        let mut copy = Vec::new();
        copy.try_reserve_exact(bytes.len()).map_err(|_| {
            Error::new(Status::OutOfMemory, format!("no memory for a model of {} bytes", bytes.len()))
        })?;
        copy.extend_from_slice(bytes);
        let pool = Arc::new(ThreadPool::with_num_threads(threads));
        // Constants are folded while loading, so that too happens on the pool.
        let load = || {
            pool.run(|| {
                let mut options = ModelOptions::with_all_ops();
                options.prepack_weights(true);
                options.load(copy)
            })
        };
        let model = contain(Status::ModelLoadFailed, load)?.map_err(|error| {
            runtime_error(Status::ModelLoadFailed, "the embedded runtime refuses it", &error.to_string())
        })?;
        let node = |name: &str| {
            model.find_node(name).ok_or_else(|| {
                Error::new(Status::ModelLoadFailed, format!("the embedded runtime finds no tensor `{name}`"))
            })
        };
        Ok(RtenModel {
            input: node(&declared.input.name)?,
            output: node(&declared.output.name)?,
            model,
            pool,
        })
    }

    pub(crate) fn probe(&self, input: TensorShape) -> Result<Vec<i64>> {
        let output = self.infer(&zeros(input)?, input)?;
        let (shape, _) = image(output)?;
        Ok(shape.map(|dim| dim as i64).to_vec())
    }

    pub(crate) fn run(&self, session: &mut RtenSession) -> Result<()> {
        let output = self.infer(&session.input, session.input_shape)?;
        let (shape, elements) = image(output)?;
        if shape != dims(session.output_shape) {
            let found = shape.map(|dim| dim.to_string()).join("x");
            return Err(Error::new(Status::InferenceFailed, format!("the output has shape {found}"))
                .expected(session.output_shape.to_string()));
        }
        session.output = elements;
        Ok(())
    }

    fn infer(&self, input: &[f32], shape: TensorShape) -> Result<Value> {
        let view = ValueView::from_shape(dims(shape), input).map_err(|error| {
            runtime_error(Status::InferenceFailed, "embedded runtime", &error.to_string())
        })?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let run = || self.model.run(vec![(self.input, view.into())], &[self.output], Some(options));
        let outputs = contain(Status::InferenceFailed, run)?.map_err(|error| {
            runtime_error(Status::InferenceFailed, "embedded runtime", &error.to_string())
        })?;
        outputs
            .into_iter()
            .next()
            .ok_or_else(|| Error::new(Status::InferenceFailed, "the embedded runtime gave no output"))
    }
}

/// Turns a panic inside rten into an error. rten checks shapes as it computes, and where it does not foresee one it
/// panics; that is the model's fault and must not take the host program down.
// RV-ONNX-1007
fn contain<T>(status: Status, call: impl FnOnce() -> T) -> Result<T> {
    // What a panic may leave half done is rten's own state: its caches are behind mutexes that poison.
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        runtime_error(status, "the embedded runtime gave up", message)
    })
}

/// The shape and elements of an output.
fn image(output: Value) -> Result<([usize; 4], Vec<f32>)> {
    output.into_shape_vec().map_err(|error| {
        runtime_error(Status::InferenceFailed, "the output is not an image", &error.to_string())
    })
}

fn zeros(shape: TensorShape) -> Result<Vec<f32>> {
    let mut elements = Vec::new();
    elements.try_reserve_exact(shape.elements()).map_err(|_| out_of_memory(ElementType::F32, shape))?;
    elements.resize(shape.elements(), 0.0);
    Ok(elements)
}

/// The tensors of one session. rten allocates the output of each run itself; it takes the last one's place.
pub(crate) struct RtenSession {
    input: Vec<f32>,
    input_shape: TensorShape,
    output: Vec<f32>,
    output_shape: TensorShape,
}

impl RtenSession {
    pub(crate) fn new(input: TensorShape, output: TensorShape) -> Result<Self> {
        Ok(RtenSession {
            input: zeros(input)?,
            input_shape: input,
            output: zeros(output)?,
            output_shape: output,
        })
    }

    pub(crate) fn input(&mut self) -> ElementsMut<'_> {
        ElementsMut::F32(&mut self.input)
    }

    pub(crate) fn output(&self) -> Elements<'_> {
        Elements::F32(&self.output)
    }
}
