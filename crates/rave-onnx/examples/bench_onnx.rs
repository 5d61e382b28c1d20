//! Runs a model on zeros and prints what it is and how long a frame takes: MODEL WIDTH HEIGHT RUNTIME THREADS FRAMES.

use std::sync::Arc;
use std::time::Instant;

use rave_core::{Log, Size};
use rave_onnx::{LoadOptions, OnnxModel, RuntimeChoice};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, width, height, runtime, threads, frames] = args.as_slice() else {
        return Err("usage: bench_onnx MODEL WIDTH HEIGHT auto|ort|embedded THREADS FRAMES".into());
    };
    let options = LoadOptions {
        runtime: match runtime.as_str() {
            "ort" => RuntimeChoice::OnnxRuntime,
            "embedded" => RuntimeChoice::Embedded,
            _ => RuntimeChoice::Auto,
        },
        threads: threads.parse()?,
        log: Log::new(|level, message| eprintln!("{level:?}: {message}")),
        ..LoadOptions::default()
    };
    let start = Instant::now();
    let model = Arc::new(OnnxModel::from_bytes(&std::fs::read(path)?, path, &options)?);
    println!("{} in {}, loaded in {:.2?}", model.contract(), model.runtime(), start.elapsed());
    let start = Instant::now();
    let size = model.padded_size(Size::new(width.parse()?, height.parse()?))?;
    println!("padded size {size}, found in {:.2?}", start.elapsed());
    let mut session = model.session(size)?;
    session.run()?;
    let mut times = Vec::new();
    for _ in 0..frames.parse()? {
        let start = Instant::now();
        session.run()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("{} -> {}", session.input_shape(), session.output_shape());
    println!("median {:.2?}, best {:.2?}", times[times.len() / 2], times[0]);
    Ok(())
}
