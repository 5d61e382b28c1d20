//! Many files, one model.
//!
//! Loading a model takes its time, on a GPU the more. An [`Engine`](crate::prelude::Engine) is loaded once and shared by
//! all runs; its clones are the same engine. A file that fails does not keep the others from being done:
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! std::fs::copy("in.mp4", "more.mp4").unwrap();
//! std::fs::write("torn.mp4", "no video").unwrap();
//!
//! let engine = Engine::load("model.onnx", DeviceChoice::Auto, &ModelOptions::default())?;
//! let mut failed = Vec::new();
//! for name in ["in.mp4", "more.mp4", "torn.mp4"] {
//!     if let Err(error) = engine.upscale(name).output(format!("large-{name}")).run() {
//!         failed.push((name, error));
//!     }
//! }
//!
//! assert_eq!(failed.len(), 1);
//! assert!(failed[0].1.to_string().contains("torn.mp4"));
//! assert!(std::path::Path::new("large-in.mp4").exists() && std::path::Path::new("large-more.mp4").exists());
//! # Ok(())
//! # }
//! ```
//!
//! The example `batch_directory` is a whole program that does this for a folder of videos and images.
