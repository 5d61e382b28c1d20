//! Images: one, numbered ones of a video, a video of numbered ones.
//!
//! A pattern such as `%04d` stands for the numbers of a sequence, from 1 on. Images are in their places together when all are
//! complete. Those of PNG lose nothing:
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! Upscale::new("in.mp4", "model.onnx").output("frame-%04d.png").run()?;
//! assert!(std::path::Path::new("frame-0001.png").exists() && std::path::Path::new("frame-0012.png").exists());
//!
//! // One image is a video of one picture.
//! Upscale::new("frame-0001.png", "model.onnx").output("large.png").run()?;
//!
//! // Images have no rate of their own: it is said, or 25 a second.
//! let rate = [("framerate".to_owned(), "50".to_owned())];
//! let done =
//!     Upscale::new("frame-%04d.png", "model.onnx").input_format(None, &rate).output("out.mp4").run()?;
//! assert_eq!(done.frames, 12);
//! # Ok(())
//! # }
//! ```
//!
//! Images that are in memory need no file: [frames of your own](super::frames_of_your_own).
