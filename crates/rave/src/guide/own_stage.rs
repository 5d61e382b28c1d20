//! A stage of your own, before or behind the model.
//!
//! A closure that changes each picture in its place is enough for most:
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let brighter = in_place(|picture: &mut Picture| {
//!     let mut view = picture.view_mut()?;
//!     let [Some(mut luma), ..] = view.planes_mut() else { return Ok(()) };
//!     for y in 0..luma.height() {
//!         luma.row_mut(y).iter_mut().for_each(|sample| *sample = sample.saturating_add(10));
//!     }
//!     Ok(())
//! });
//! Upscale::new("in.mp4", "model.onnx").after("brighter", brighter).output("out.mp4").run()?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`FrameStage`](crate::prelude::FrameStage) has a thread of its own and may keep state, keep pictures back, and give
//! more or fewer than it takes. This one leaves out every second picture:
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! struct Half(u64);
//!
//! impl FrameStage<Picture> for Half {
//!     fn process(&mut self, picture: Picture, out: &mut Outlet<Picture>) -> Result<()> {
//!         self.0 += 1;
//!         if self.0 % 2 == 1 { out.send(picture) } else { Ok(out.recycle(picture)) }
//!     }
//! }
//!
//! let done = Upscale::new("in.mp4", "model.onnx").before("half", Half(0)).output("out.mp4").run()?;
//! assert_eq!(done.frames, 6);
//! # Ok(())
//! # }
//! ```
//!
//! Where the model runs on a GPU, pictures are there. A stage in CUDA C++ is compiled when the program runs; it is called
//! for each plane, with a thread for each sample. This example needs a GPU, and is only compiled here:
//!
//! ```no_run
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let engine = Engine::load("model.onnx", DeviceChoice::Gpu(0), &ModelOptions::default())?;
//! let source = r#"
//! extern "C" __global__ void negative(RavePlane plane) {
//!     unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
//!     if (x < plane.width && y < plane.height && plane.sample_bytes == 1)
//!         plane.data[y * plane.pitch + x] = ~plane.data[y * plane.pitch + x];
//! }"#;
//! // SAFETY: the kernel reads and writes the samples of the plane that it is given, and nothing else.
//! let stage = unsafe { engine.kernel_stage("negative", source) }?;
//! engine.upscale("in.mp4").after("negative", stage).output("out.mp4").run()?;
//! # Ok(())
//! # }
//! ```
