//! One context with its memory: what runs a frame.

use half::f16;
use rave_core::{Error, Result, Status};
use rave_tensorrt::{Context, DataType, Engine, Plan, Runtime, Shape};
use sha2::{Digest, Sha256};

use crate::cuda::{Buffer, Graph, Stream};

pub(crate) fn load(runtime: &Runtime, path: &std::path::Path) -> Result<Engine> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, &error))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Engine::deserialize(runtime, &Plan::check(&name, &bytes, None)?)
}

pub(crate) struct Session {
    context: Context,
    pub(crate) stream: Stream,
    pub(crate) input: Buffer,
    pub(crate) output: Buffer,
    pub(crate) input_type: DataType,
    pub(crate) output_type: DataType,
    pub(crate) input_shape: Shape,
    pub(crate) output_shape: Shape,
    _scratch: Buffer,
}

impl Session {
    /// A session for one input shape of an engine with one input and one output.
    pub(crate) fn new(engine: &Engine, input_shape: &Shape) -> Result<Session> {
        let place = |input| engine.tensors().iter().position(|tensor| tensor.input == input).unwrap();
        let (from, to) = (place(true), place(false));
        let mut context = engine.context(0)?;
        context.set_input_shape(from, input_shape)?;
        let output_shape = context.tensor_shape(to)?;
        let bytes = |shape: &Shape, data_type| {
            let size = if data_type == DataType::F16 { 2 } else { 4 };
            shape
                .elements()
                .map(|elements| elements * size)
                .ok_or_else(|| Error::new(Status::Unknown, format!("shape {shape} is not settled")))
        };
        let (input_type, output_type) = (engine.tensors()[from].data_type, engine.tensors()[to].data_type);
        let input = Buffer::new(bytes(input_shape, input_type)?)?;
        let output = Buffer::new(bytes(&output_shape, output_type)?)?;
        let scratch = Buffer::new(engine.scratch_size(0))?;
        // SAFETY: the buffers have the tensors' sizes and are dropped after the context (field order).
        unsafe {
            context.set_scratch(scratch.address, scratch.size)?;
            context.set_tensor_address(from, input.address)?;
            context.set_tensor_address(to, output.address)?;
        }
        Ok(Session {
            context,
            stream: Stream::new()?,
            input,
            output,
            input_type,
            output_type,
            input_shape: *input_shape,
            output_shape,
            _scratch: scratch,
        })
    }

    pub(crate) fn enqueue(&mut self) -> Result<()> {
        // SAFETY: the context's memory and the stream live in self, work goes to one stream only, and every caller
        // waits for it before dropping self.
        unsafe { self.context.enqueue(self.stream.0.cast()) }
    }

    /// One inference on a poisoned output; returns the output's bytes.
    pub(crate) fn run(&mut self) -> Result<Vec<u8>> {
        self.output.poison()?;
        self.enqueue()?;
        self.stream.synchronize()?;
        self.output.download()
    }

    /// The enqueue of a frame as a graph. TensorRT wants one uncaptured run after a change of shapes.
    pub(crate) fn graph(&mut self) -> Result<Graph> {
        self.enqueue()?;
        self.stream.synchronize()?;
        let context = &mut self.context;
        let stream = &self.stream;
        // SAFETY: as in enqueue; callers drop the graph before self.
        stream.capture(|| unsafe { context.enqueue(stream.0.cast()) })
    }

    /// Fills the input with values in [0, 1) from a fixed sequence.
    pub(crate) fn fill(&self, seed: u64) -> Result<()> {
        let count = self.input_shape.elements().unwrap();
        let mut state = seed | 1;
        let values = (0..count).map(|_| {
            // xorshift64*, Vigna 2016
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1 << 24) as f32
        });
        self.input.upload(&encode(values, self.input_type))
    }
}

pub(crate) fn encode(values: impl Iterator<Item = f32>, data_type: DataType) -> Vec<u8> {
    if data_type == DataType::F16 {
        values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect()
    } else {
        values.flat_map(f32::to_le_bytes).collect()
    }
}

pub(crate) fn decode(bytes: &[u8], data_type: DataType) -> Vec<f32> {
    if data_type == DataType::F16 {
        bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
    } else {
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
