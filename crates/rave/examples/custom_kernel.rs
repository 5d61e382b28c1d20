//! A stage of your own behind the model: CUDA C++, compiled when the program runs, where there is a GPU, and a closure where
//! there is none. Both turn every sample around, so that the video comes out as its negative:
//! `cargo run --release --example custom_kernel -- IN MODEL OUT`

use rave::prelude::*;

/// `RavePlane` is declared for it; it is called for each plane, with a thread for each sample.
const NEGATIVE: &str = r#"
extern "C" __global__ void negative(RavePlane plane) {
    unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= plane.width || y >= plane.height)
        return;
    unsigned char *row = plane.data + y * plane.pitch;
    if (plane.sample_bytes == 1)
        row[x] = ~row[x];
    else
        ((unsigned short *)row)[x] = ~((unsigned short *)row)[x];
}
"#;

/// The same on the CPU.
fn negative(picture: &mut Picture) -> Result<()> {
    for plane in picture.view_mut()?.planes_mut().iter_mut().flatten() {
        for y in 0..plane.height() {
            plane.row_mut(y).iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, model, output] = &arguments[..] else { panic!("usage: custom_kernel IN MODEL OUT") };
    let engine = Engine::load(model, DeviceChoice::Auto, &ModelOptions::default())?;
    let upscale = engine.upscale(input).output(output).quality(0.0);
    let (upscale, place) = match engine.device() {
        Some(device) => {
            // SAFETY: the kernel reads and writes the samples of the plane that it is given, and nothing else.
            let stage = unsafe { engine.kernel_stage("negative", NEGATIVE) }?;
            (upscale.after("negative", stage), device.info().name.clone())
        }
        None => (upscale.after("negative", in_place(negative)), "the CPU".to_owned()),
    };
    let summary = upscale.run()?;
    println!("{} frames on {place}", summary.frames);
    Ok(())
}
