//! How a pipeline ends.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use rave_core::{Error, Result, Status};

use crate::sync::{CancellationToken, Mutex};

/// The end of a pipeline, known to all its threads: the first error, a wish to stop, or an output that is complete.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// A child of the user's token, so that an error here does not stop what else the user's token stands for.
    stop: CancellationToken,
    outcome: Arc<Mutex<Option<Result<()>>>>,
}

impl Ending {
    // RV-PIPE-1106
    pub(super) fn new(cancelled_by: &CancellationToken) -> Self {
        Ending { stop: cancelled_by.child_token(), outcome: Arc::new(Mutex::new(None)) }
    }

    /// Whether there is nothing more to be done.
    // RV-PIPE-1106
    pub(super) fn is_near(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Asks every thread to end.
    pub(super) fn cancel(&self) {
        self.stop.cancel();
    }

    /// Leaves an error. That of the first stays.
    // RV-PIPE-1103
    pub(super) fn fail(&self, error: Error) {
        self.outcome().get_or_insert(Err(error));
        self.stop.cancel();
    }

    /// Notes that the output is complete.
    pub(super) fn complete(&self) {
        self.outcome().get_or_insert(Ok(()));
    }

    /// What came of the pipeline, once all its threads have ended.
    pub(super) fn result(&self) -> Result<()> {
        self.outcome().take().unwrap_or_else(|| {
            Err(Error::new(Status::Cancelled, "the pipeline was cancelled, its output is not complete"))
        })
    }

    /// Does the work of the stage `name`, and leaves what goes wrong with it, panics included.
    ///
    /// The queues of the stage must outlive this call: others may see them end only when the error is there.
    // RV-PIPE-1104
    pub(super) fn attend(&self, name: &str, work: impl FnOnce() -> Result<()>) {
        let done = catch_unwind(AssertUnwindSafe(work));
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fail(error),
            Err(panic) => {
                let text = text_of(&*panic);
                self.fail(Error::new(Status::Panic, format!("stage {name} panicked: {text}")));
            }
        }
    }

    fn outcome(&self) -> impl std::ops::DerefMut<Target = Option<Result<()>>> + '_ {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `panic!` was given.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
