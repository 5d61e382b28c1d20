//! The run itself: the program's stages, progress, and its end.

use std::time::Duration;

use rave_core::Result;

use super::Upscale;
use crate::video::job;
use crate::{CancellationToken, FrameStage, Job, Picture, Progress, Summary};

impl Upscale {
    /// How many pictures each queue between stages may hold.
    #[must_use]
    pub fn capacity(mut self, pictures: usize) -> Self {
        self.capacity = pictures;
        self
    }

    /// Adds a stage before the model. Where the model runs on a GPU, pictures are there, unless GPUs have no frames of their
    /// format: gray, and RGB of more than 8 bits.
    #[must_use]
    pub fn before(mut self, name: &str, stage: impl FrameStage<Picture> + 'static) -> Self {
        self.before.push((name.to_owned(), Box::new(stage)));
        self
    }

    /// Adds a stage after the model. Pictures are where those before the model are.
    #[must_use]
    pub fn after(mut self, name: &str, stage: impl FrameStage<Picture> + 'static) -> Self {
        self.after.push((name.to_owned(), Box::new(stage)));
        self
    }

    /// Calls `tell` after a picture is written, when `every` has passed since the last time, and when the output is complete.
    #[must_use]
    pub fn on_progress(mut self, every: Duration, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.listener = Some((every, Box::new(tell)));
        self
    }

    /// A token that ends the run when it is cancelled.
    #[must_use]
    pub fn cancelled_by(mut self, token: &CancellationToken) -> Self {
        self.cancelled_by = token.clone();
        self
    }

    /// Opens everything, and starts.
    ///
    /// # Errors
    /// What is wrong with the input, the model, the output or an option; nothing is left behind then.
    pub fn begin(self) -> Result<Job> {
        job::begin(self)
    }

    /// Runs, and returns when the output is complete.
    ///
    /// # Errors
    /// As [`Upscale::begin`], and the first error of the run: the output is not there then.
    pub fn run(self) -> Result<Summary> {
        self.begin()?.wait()
    }
}
