//! Frames that come from a program, or go to it.
//!
//! **One frame.** A [`Session`](crate::prelude::Session) is a model bound to one size and format. It reads and writes the
//! program's own memory, described by a [`Frame`](crate::prelude::Frame) and a [`FrameMut`](crate::prelude::FrameMut):
//! format, size, and of each plane the bytes and their stride.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let model = Model::load("model.onnx".as_ref(), &ModelOptions::default())?;
//! let size = Size::new(64, 36);
//! let mut session = Session::new(&model, &SessionOptions::new(PixelFormat::Rgb24, size), Log::default())?;
//!
//! let larger = session.output_size();
//! let (pixels, mut upscaled) = (vec![128; 64 * 36 * 3], vec![0; larger.pixels() as usize * 3]);
//! let input = Frame::new(PixelFormat::Rgb24, size, ColorTags::default(), &[(&pixels, 64 * 3)])?;
//! let mut output = FrameMut::new(PixelFormat::Rgb24, larger, vec![(&mut upscaled, 128 * 3)])?;
//! session.process(&input, &mut output)?;
//! assert!(upscaled.iter().all(|&sample| sample == 128));
//! # Ok(())
//! # }
//! ```
//!
//! **A video's pictures, to the program.** A [`FrameSink`](crate::prelude::FrameSink) takes the place of the output. One
//! that keeps them in memory is there; one of your own gets each picture as it comes.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let upscaled = MemorySink::default();
//! Upscale::new("in.mp4", "model.onnx").sink(upscaled.clone()).run()?;
//! for picture in upscaled.take() {
//!     println!("{:?} s: {}", picture.seconds(), picture.view()?.size());
//! }
//!
//! struct Count(u64);
//!
//! impl FrameSink<Picture> for Count {
//!     fn write(&mut self, _: &Picture) -> Result<()> {
//!         self.0 += 1;
//!         Ok(())
//!     }
//!
//!     // Called when nothing went wrong anywhere: what is written is complete.
//!     fn finish(&mut self) -> Result<()> {
//!         assert_eq!(self.0, 12);
//!         Ok(())
//!     }
//! }
//!
//! Upscale::new("in.mp4", "model.onnx").sink(Count(0)).run()?;
//! # Ok(())
//! # }
//! ```
//!
//! **Pictures of the program, into a video.** A [`FrameSource`](crate::prelude::FrameSource) takes the place of the
//! input; one that takes them from an iterator is there.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let engine = Engine::load("model.onnx", DeviceChoice::Auto, &ModelOptions::default())?;
//! let gray = |number: i64| {
//!     Picture::new(PixelFormat::Yuv420p, Size::new(64, 36), (number, Rational::new(1, 25)), |frame| {
//!         for plane in frame.planes_mut().iter_mut().flatten() {
//!             (0..plane.height()).for_each(|y| plane.row_mut(y).fill(128));
//!         }
//!         Ok(())
//!     })
//!     .unwrap()
//! };
//! let source = MemorySource::new((0..25).map(gray));
//! assert_eq!(Upscale::from_source(source, &engine).output("gray.mp4").run()?.frames, 25);
//! # Ok(())
//! # }
//! ```
