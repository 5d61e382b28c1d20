//! Upscales a video on a real GPU with a kernel of the user's own behind the model, compiled by NVRTC, or without.
//!
//! ```console
//! $ stagecheck IN ENGINE LEAN_RUNTIME|- OUT negative|none
//! ```
//!
//! OUT gets raw video and is replaced. With `negative` each of its samples is turned around: what `-vf negate` of FFmpeg makes
//! of the other. tests/gpu/run/videos.py compares the two. Prints how many frames there were, on which GPU.

use rave_core::{Error, Result, Status};
use rave_engine::ModelOptions;
use rave_pipeline::{DeviceChoice, Engine};

/// With a test of bounds that is part of it, and a helper: what a user's source has beyond one function.
const NEGATIVE: &str = r#"
template <typename Sample>
__device__ void turn(RavePlane plane, unsigned x, unsigned y)
{
    Sample &sample = ((Sample *)(plane.data + y * plane.pitch))[x];
    sample = ~sample;
}

extern "C" __global__ void negative(RavePlane plane)
{
    unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= plane.width || y >= plane.height)
        return;
    if (plane.sample_bytes == 1)
        turn<unsigned char>(plane, x, y);
    else
        turn<unsigned short>(plane, x, y);
}
"#;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let usage =
        || Error::new(Status::InvalidParameter, "IN ENGINE LEAN_RUNTIME|- OUT negative|none are expected");
    let words: [String; 5] = words.try_into().map_err(|_| usage())?;
    let [input, engine, lean, output, stage] = words;
    let options =
        ModelOptions { lean_runtime: (lean != "-").then(|| lean.into()), ..ModelOptions::default() };
    let engine = Engine::load(&engine, DeviceChoice::Gpu(0), &options)?;
    let mut run = engine.upscale(input).output(output).codec("rawvideo").overwrite(true).copy_streams(false);
    if stage == "negative" {
        // SAFETY: the kernel reads and writes the samples of the plane that it is given, and nothing else.
        run = run.after("negative", unsafe { engine.kernel_stage("negative", NEGATIVE) }?);
    } else if stage != "none" {
        return Err(usage());
    }
    let done = run.run()?;
    let gpu = engine.device().map_or("the CPU", |device| &device.info().name);
    println!("{} frames on {gpu}", done.frames);
    Ok(())
}
