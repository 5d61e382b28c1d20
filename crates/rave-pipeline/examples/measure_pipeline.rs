//! Measures a whole video on the CPU: decoding, inference and encoding at the same time.
//!
//! ```console
//! $ cargo run --release -p rave-pipeline --example measure_pipeline -- MODEL RUNTIME IN OUT THREADS
//! ```
//!
//! RUNTIME is ONNX Runtime's library, or `embedded`; OUT is replaced. Prints a line of JSON: frames a second, milliseconds
//! of each stage, heap allocations of a frame, and the most frames that a queue held. scripts/bench.sh runs it; numbers of
//! a debug build mean nothing.

use std::time::Duration;

use rave_core::{Error, Result, Status};
use rave_engine::ModelOptions;
use rave_pipeline::{CountingAllocator, DeviceChoice, Metrics, Upscale};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::new(Status::InvalidParameter, "MODEL RUNTIME IN OUT THREADS are expected");
    let words: [String; 5] = words.try_into().map_err(|_| usage())?;
    let [model, runtime, input, output, threads] = words;
    let options = ModelOptions {
        threads: threads.parse().map_err(|_| usage())?,
        runtime_lib: Some(runtime.into()),
        ..ModelOptions::default()
    };
    let run = Upscale::new(input, model).output(output).overwrite(true).copy_streams(false);
    let done = run.device(DeviceChoice::Cpu).model_options(options).run()?;
    println!("{}", json(&done.metrics));
    Ok(())
}

fn json(metrics: &Metrics) -> String {
    let ms = |time: Duration| 1e3 * time.as_secs_f64();
    // Names of stages are words of RAVE's own.
    let stages: Vec<String> = metrics
        .stages
        .iter()
        .map(|stage| {
            let [p50, p95, p99] = [stage.p50, stage.p95, stage.p99].map(ms);
            format!(r#""{}": {{"p50": {p50}, "p95": {p95}, "p99": {p99}}}"#, stage.name)
        })
        .collect();
    let allocations = metrics.allocations.and_then(|counted| counted.per_frame);
    format!(
        r#"{{"frames": {}, "frames_per_second": {}, "stages_ms": {{{}}}, "allocations_per_frame": {}, "queue_depth": {}}}"#,
        metrics.frames,
        metrics.frames_per_second,
        stages.join(", "),
        allocations.map_or_else(|| "null".to_owned(), |count| count.to_string()),
        metrics.queues.iter().map(|queue| queue.most).max().unwrap_or(0),
    )
}
