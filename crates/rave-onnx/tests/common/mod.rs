//! Models and helpers that the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate that uses a part of this")]

pub mod models;
pub mod proto;

use std::io::Write;
use std::sync::{Arc, Mutex};

use half::f16;
use rave_core::{Elements, ElementsMut, Log, LogLevel, Size, Status};
use rave_onnx::{LoadOptions, OnnxModel, OnnxSession, RuntimeChoice};

/// Options that name a runtime and a number of threads.
pub fn options(runtime: RuntimeChoice, threads: usize) -> LoadOptions {
    LoadOptions { runtime, threads, ..LoadOptions::default() }
}

/// The runtimes of this machine: the embedded one, and ONNX Runtime if it is found. Says so when it is not, and fails
/// where `RAVE_REQUIRE_ONNXRUNTIME=1` asks for it.
pub fn runtimes(test: &str) -> Vec<RuntimeChoice> {
    let mut found = vec![RuntimeChoice::Embedded];
    match OnnxModel::from_bytes(
        &models::double(3).encode(),
        "double",
        &options(RuntimeChoice::OnnxRuntime, 1),
    ) {
        Ok(_) => found.push(RuntimeChoice::OnnxRuntime),
        Err(error) if error.status() == Status::RuntimeLibraryMissing => {
            assert_ne!(std::env::var("RAVE_REQUIRE_ONNXRUNTIME").as_deref(), Ok("1"), "{error}");
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "skipped: {test} in ONNX Runtime: {error}");
        }
        Err(error) => panic!("{error}"),
    }
    found
}

/// Loads a model on two threads.
pub fn load(model: &proto::Model, runtime: RuntimeChoice) -> rave_core::Result<Arc<OnnxModel>> {
    OnnxModel::from_bytes(&model.encode(), "test.onnx", &options(runtime, 2)).map(Arc::new)
}

/// The error of a model that is refused by its bytes alone, so that the runtime does not matter.
pub fn refusal(bytes: &[u8]) -> rave_core::Error {
    OnnxModel::from_bytes(bytes, "bad.onnx", &options(RuntimeChoice::Embedded, 1))
        .expect_err("the model is refused")
}

/// Fills the input from a function of channel, row and column.
pub fn fill(session: &mut OnnxSession, value: impl Fn(u32, u32, u32) -> f32) {
    let shape = session.input_shape();
    let Size { width, height } = shape.size;
    let pixels = (0..shape.channels)
        .flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x))))
        .map(|(c, y, x)| value(c, y, x));
    match session.input() {
        ElementsMut::F32(elements) => {
            elements.iter_mut().zip(pixels).for_each(|(element, pixel)| *element = pixel)
        }
        ElementsMut::F16(elements) => {
            elements.iter_mut().zip(pixels).for_each(|(element, pixel)| *element = f16::from_f32(pixel))
        }
    }
}

/// The output as fp32.
pub fn output(session: &OnnxSession) -> Vec<f32> {
    match session.output() {
        Elements::F32(elements) => elements.to_vec(),
        Elements::F16(elements) => elements.iter().map(|element| element.to_f32()).collect(),
    }
}

/// A picture with a different integer, 0 to 255, in almost every place.
pub fn picture(c: u32, y: u32, x: u32) -> f32 {
    ((c * 83 + y * 31 + x * 7) % 256) as f32
}

/// What was logged.
pub type Lines = Arc<Mutex<Vec<(LogLevel, String)>>>;

/// A log that keeps its lines.
pub fn recorder() -> (Log, Lines) {
    let lines = Lines::default();
    let sink = Arc::clone(&lines);
    let log = Log::new(move |level, message| sink.lock().unwrap().push((level, message.to_string())));
    (log, lines)
}
