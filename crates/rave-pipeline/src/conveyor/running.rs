//! A pipeline in motion.

use std::convert::Infallible;
use std::sync::Arc;

use rave_core::{Error, Result, Status};

use super::ending::Ending;
use super::metrics::{Board, Metrics};
use crate::sync::{Builder, JoinHandle, Receiver, Sender, queue};

/// A pipeline in motion. Dropping it cancels it and waits for its threads.
#[derive(Debug)]
#[must_use = "a pipeline that is dropped is cancelled"]
pub struct Running {
    ending: Ending,
    board: Arc<Board>,
    threads: Vec<JoinHandle<()>>,
    /// What each thread has a clone of while it runs; `None` when all have been started.
    alive: Option<Sender<Infallible>>,
    /// Ends with the last thread.
    all_ended: Receiver<Infallible>,
}

impl Running {
    pub(super) fn new(ending: Ending, board: Arc<Board>) -> Self {
        let (alive, all_ended) = queue(1);
        Running { ending, board, threads: Vec::new(), alive: Some(alive), all_ended }
    }

    /// Starts the thread of a stage.
    pub(super) fn add(&mut self, name: &str, work: impl FnOnce(&Ending) + Send + 'static) -> Result<()> {
        let (ending, alive) = (self.ending.clone(), self.alive.clone());
        let thread = Builder::new().name(format!("rave-{name}")).spawn(move || {
            work(&ending);
            drop(alive);
        });
        let thread = thread.map_err(|error| {
            Error::new(Status::OutOfMemory, format!("the thread of stage {name} cannot be started: {error}"))
        })?;
        self.threads.push(thread);
        Ok(())
    }

    pub(super) fn all_started(&mut self) {
        self.alive = None;
    }

    /// What was done so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.board.read()
    }

    /// Whether every thread has ended, so that [`Running::wait`] returns at once.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.all_ended.is_closed()
    }

    /// Asks every thread to end after the frame that it works on. The output will not be complete.
    pub fn cancel(&self) {
        self.ending.cancel();
    }

    /// Blocks until every thread has ended.
    ///
    /// # Errors
    /// The first error of a stage; [`Status::Cancelled`] when it was cancelled before the output was complete.
    pub fn wait(mut self) -> Result<Metrics> {
        self.join();
        self.ending.result()?;
        Ok(self.metrics())
    }

    /// As [`Running::wait`], without blocking the thread: for programs with an async runtime, whichever it is. When the
    /// future is dropped, so is the pipeline.
    ///
    /// # Errors
    /// As [`Running::wait`].
    // RV-PIPE-1107
    pub async fn finished(mut self) -> Result<Metrics> {
        // Nobody gives anything: this returns when the last thread has ended.
        self.all_ended.receive_async().await;
        self.wait()
    }

    // RV-PIPE-1102
    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // What panics in a stage is an error already; what is left is a panic while one was dropped.
            if thread.join().is_err() {
                self.ending.fail(Error::new(Status::Panic, "a stage panicked when it was dropped"));
            }
        }
    }
}

impl Drop for Running {
    // RV-PIPE-1102
    fn drop(&mut self) {
        self.cancel();
        self.join();
    }
}
