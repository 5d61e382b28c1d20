//! What the conveyor's threads meet in. It is named here so that the model of the shutdown in `tests/shutdown_model.rs` can
//! run the same source on threads and channels whose interleaving it chooses.

use tokio::sync::mpsc;

pub(crate) use std::sync::Mutex;
pub(crate) use std::thread::{Builder, JoinHandle};
pub use tokio_util::sync::CancellationToken;

/// The giving end of a queue.
#[derive(Debug)]
pub(crate) struct Sender<T>(mpsc::Sender<T>);

/// The taking end of a queue.
#[derive(Debug)]
pub(crate) struct Receiver<T>(mpsc::Receiver<T>);

/// A queue of at most `bound` items, 1 or more.
// RV-PIPE-1001
pub(crate) fn queue<T>(bound: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel(bound);
    (Sender(sender), Receiver(receiver))
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(self.0.clone())
    }
}

impl<T> Sender<T> {
    /// Blocks while the queue is full. `false` when nobody takes from it any more; the item is dropped then.
    pub(crate) fn send(&self, item: T) -> bool {
        self.0.blocking_send(item).is_ok()
    }

    /// How many items the queue holds, places that are being filled included: never more than its bound.
    pub(crate) fn depth(&self) -> usize {
        self.0.max_capacity() - self.0.capacity()
    }
}

impl<T> Receiver<T> {
    /// Blocks while the queue is empty. `None` when it is, and nobody gives to it any more.
    pub(crate) fn receive(&mut self) -> Option<T> {
        self.0.blocking_recv()
    }

    /// How many items the queue holds.
    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody gives to it any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.sender_strong_count() == 0
    }

    /// [`Receiver::receive`], for who must not block.
    pub(crate) async fn receive_async(&mut self) -> Option<T> {
        self.0.recv().await
    }
}
