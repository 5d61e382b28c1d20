//! A whole video through a model, into a file.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let done = Upscale::new("in.mp4", "model.onnx").output("out.mp4").run()?;
//!
//! assert_eq!(done.frames, 12);
//! assert_eq!((done.facts.input_size, done.facts.output_size), (Size::new(64, 36), Size::new(128, 72)));
//! # Ok(())
//! # }
//! ```
//!
//! Sound, subtitles, chapters, attachments and metadata are copied, and every picture keeps its time. The ending of the
//! output tells the container, and that the encoder. The file is in its place when it is complete: before, and after a
//! run that failed, nothing of it is there.
//!
//! What is asked for otherwise is a method of [`Upscale`](crate::prelude::Upscale):
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! use std::time::Duration;
//!
//! Upscale::new("in.mp4", "model.onnx")
//!     .output("part.mkv")
//!     .start(Duration::from_millis(120))      // a part of the video
//!     .length(Duration::from_millis(200))
//!     .codec("ffv1")                          // FFmpeg's name of an encoder
//!     .pixel_format(PixelFormat::Yuv420p)     // or the nearest that it takes
//!     .tile(Size::new(32, 32), Some(8))       // less memory for large pictures
//!     .max_output(Size::new(3840, 2160))      // refuses what would be larger
//!     .overwrite(true)
//!     .run()?;
//! # Ok(())
//! # }
//! ```
//!
//! An error has a [`Status`](crate::prelude::Status) for programs and a sentence for people, which names what was found,
//! what was expected and what to do:
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let error = Upscale::new("none.mp4", "model.onnx").output("out.mp4").run().unwrap_err();
//!
//! assert_eq!(error.status(), Status::FileNotFound);
//! assert!(error.to_string().contains("none.mp4"));
//! # Ok(())
//! # }
//! ```
//!
//! A video whose pictures change their size or format in the middle is refused with the number of the first that differs:
//! such a one goes through `ffmpeg -vf rave`, or is cut there.
//!
//! A damaged video is an error. With [`Mode::Hardened`](crate::prelude::Mode::Hardened) the damage is counted, what can be
//! decoded is upscaled, and [`Summary`](crate::prelude::Summary) has the counts.
