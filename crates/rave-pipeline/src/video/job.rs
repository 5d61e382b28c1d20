//! From what is asked for to a pipeline that runs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rave_core::{Error, Result, Size, Status};
use rave_ffmpeg::Damage;

use super::results::Counts;
use super::setup;
use super::source::Remains;
use super::upscale::Upscale;
use crate::{Metrics, Running};

/// How far a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Pictures that are written, those of an earlier run that this one goes on with included.
    pub frames: u64,
    /// How many there will be, as far as the input says: an estimate, for people.
    pub total: Option<u64>,
    /// What the stages have done.
    pub metrics: Metrics,
}

impl Progress {
    /// How long it will go on, once that can be guessed.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.total?.saturating_sub(self.frames);
        let per_frame = self.metrics.elapsed.as_secs_f64() / self.metrics.frames as f64;
        Duration::try_from_secs_f64(per_frame * left as f64).ok()
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Pictures that were written, those of an earlier run that this one went on with included.
    pub frames: u64,
    /// Of these, pictures that repeat the one before and did not go through the model; 0 where nobody asked for it.
    pub repeats: u64,
    /// Pictures that have no result and were left out, in hardened mode; they are not among those that were written.
    pub lost: u64,
    /// What the decoder made of the input.
    pub damage: Damage,
    /// Packets of the input that its container knows to be damaged.
    pub corrupt_packets: u64,
    /// Whether the input ends before its content does.
    pub cut_short: bool,
    /// What was settled before the first picture.
    pub facts: Facts,
    /// What the stages did.
    pub metrics: Metrics,
}

/// What is settled before the first picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The size of the input's pictures.
    pub input_size: Size,
    /// The size of the output's.
    pub output_size: Size,
    /// FFmpeg's name of the encoder; `None` where pictures go to the program.
    pub encoder: Option<String>,
    /// What runs the model.
    pub model: String,
    /// How many pictures there will be, as far as the input says.
    pub total: Option<u64>,
    /// How many of them an earlier run has left, with which this one goes on.
    pub resumed: u64,
}

/// A run. Dropping it cancels it and waits for its threads.
#[derive(Debug)]
#[must_use = "a run that is dropped is cancelled"]
pub struct Job {
    pub(super) running: Running,
    pub(super) facts: Facts,
    pub(super) remains: Remains,
    pub(super) counts: Arc<Counts>,
}

impl Job {
    /// What was settled before the first picture.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let metrics = self.running.metrics();
        Progress { frames: self.facts.resumed + metrics.frames, total: self.facts.total, metrics }
    }

    /// Whether it has ended, so that [`Job::wait`] returns at once.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.running.is_over()
    }

    /// Asks it to end without a complete output.
    pub fn cancel(&self) {
        self.running.cancel();
    }

    /// Blocks until the output is complete.
    ///
    /// # Errors
    /// The first error of the run, [`Status::Cancelled`] when it was cancelled: the output is not there then.
    pub fn wait(self) -> Result<Summary> {
        let Job { running, facts, remains, counts } = self;
        let metrics = running.wait()?;
        Ok(summary(metrics, facts, &remains, &counts))
    }

    /// As [`Job::wait`], without blocking the thread.
    ///
    /// # Errors
    /// As [`Job::wait`].
    pub async fn finished(self) -> Result<Summary> {
        let Job { running, facts, remains, counts } = self;
        let metrics = running.finished().await?;
        Ok(summary(metrics, facts, &remains, &counts))
    }
}

fn summary(metrics: Metrics, facts: Facts, remains: &Remains, counts: &Counts) -> Summary {
    let left = remains.lock();
    Summary {
        frames: facts.resumed + metrics.frames,
        repeats: counts.repeats.load(Ordering::Relaxed),
        lost: counts.lost.load(Ordering::Relaxed),
        damage: left.damage,
        corrupt_packets: left.corrupt_packets,
        cut_short: left.cut_short,
        facts,
        metrics,
    }
}

/// Starts what is asked for.
pub(super) fn begin(mut upscale: Upscale) -> Result<Job> {
    let to = upscale.to.take().ok_or_else(|| {
        Error::new(Status::InvalidParameter, "no output was named").help("name one, or give a sink")
    })?;
    setup::begin(upscale, to)
}
