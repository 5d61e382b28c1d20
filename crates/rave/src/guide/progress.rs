//! How far a run is, how to stop it, and what its stages do.
//!
//! A callback is called after a picture is written, as often as is asked for, and once when the output is complete:
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
//!     .output("out.mp4")
//!     .on_progress(Duration::from_millis(200), |progress| {
//!         let total = progress.total.map_or_else(|| "?".to_owned(), |total| total.to_string());
//!         println!("{} of {total}, {:?} left", progress.frames, progress.time_left());
//!     })
//!     .run()?;
//! # Ok(())
//! # }
//! ```
//!
//! It is called by the thread that writes: what takes long there holds the run up. A program that rather asks begins the
//! run and keeps the [`Job`](crate::prelude::Job):
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let job = Upscale::new("in.mp4", "model.onnx").output("out.mp4").begin()?;
//! println!("{} -> {} on {}", job.facts().input_size, job.facts().output_size, job.facts().model);
//! while !job.is_over() {
//!     println!("{} pictures", job.progress().frames);
//!     std::thread::sleep(std::time::Duration::from_millis(10));
//! }
//! assert_eq!(job.wait()?.frames, 12);
//! # Ok(())
//! # }
//! ```
//!
//! `job.finished().await` waits in any async runtime. A run ends early by [`Job::cancel`](crate::prelude::Job::cancel),
//! by dropping the job, or by a token that others have, too; nothing of its output is left then:
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let stop = CancellationToken::new();
//! stop.cancel();
//! let error = Upscale::new("in.mp4", "model.onnx").output("out.mp4").cancelled_by(&stop).run().unwrap_err();
//!
//! assert_eq!(error.status(), Status::Cancelled);
//! assert!(!std::path::Path::new("out.mp4").exists());
//! # Ok(())
//! # }
//! ```
//!
//! [`Metrics`](crate::prelude::Metrics) tell where the time goes: of each stage its 50th, 95th and 99th percentile and
//! how long it waited, of each queue how full it was.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let done = Upscale::new("in.mp4", "model.onnx").output("out.mp4").run()?;
//!
//! for stage in &done.metrics.stages {
//!     println!("{}: {:?} a picture, {:?} of waiting", stage.name, stage.p50, stage.starved + stage.blocked);
//! }
//! assert!(done.metrics.queues.iter().all(|queue| queue.most <= queue.bound));
//! # Ok(())
//! # }
//! ```
