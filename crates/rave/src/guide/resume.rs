//! Runs that go on after they were stopped, in whatever way: a signal, a crash, a power cut.
//!
//! A run that is [`resumable`](crate::prelude::Upscale::resumable) keeps what it has finished in a folder beside the
//! output, which is removed when the output is in its place. `resumable(true)` goes on with such a folder, and begins if
//! there is none: a program that is started again can always say it.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/setup.rs"));
//! use rave::prelude::*;
//!
//! # fn main() -> Result<()> {
//! # let _folder = in_a_folder();
//! let stop = CancellationToken::new();
//! let stopper = stop.clone();
//! let upscale = |resume| Upscale::new("in.mp4", "model.onnx").output("out.mp4").segment(4).resumable(resume);
//!
//! // Stopped after six pictures: four are in a segment that is complete.
//! let stopped = upscale(false)
//!     .cancelled_by(&stop)
//!     .on_progress(std::time::Duration::ZERO, move |progress| {
//!         if progress.frames == 6 {
//!             stopper.cancel();
//!         }
//!     })
//!     .run();
//! assert_eq!(stopped.unwrap_err().status(), Status::Cancelled);
//!
//! let done = upscale(true).run()?;
//! assert_eq!((done.frames, done.facts.resumed), (12, 4));
//! assert!(!std::path::Path::new("out.mp4.rave-unfinished").exists());
//! # Ok(())
//! # }
//! ```
//!
//! The output is that of a run that was never stopped, byte for byte. A run of another input, model or option than the
//! unfinished one is refused by name, as is one that begins anew without being told to
//! ([`overwrite`](crate::prelude::Upscale::overwrite)).
//!
//! Of numbered images by an encoder without loss, such as PNG, each one that is complete is kept. What goes through a
//! pipe cannot be gone on with, and says so.
