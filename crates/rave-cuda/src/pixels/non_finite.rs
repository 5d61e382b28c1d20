//! Counting elements that are NaN or infinite, without waiting for the device.

use rave_core::{Error, Result, Status};

use crate::Device;
use crate::memory::MappedWord;

/// Counts the elements that are not finite in what [`PackKernel`](super::PackKernel) packs.
///
/// The count lies in host memory that the device writes to, and does only where an element is not finite: nothing is
/// copied and nothing waits. Work that is in flight at once needs a counter each.
#[derive(Debug)]
pub struct NonFiniteCounter {
    count: MappedWord,
}

impl NonFiniteCounter {
    /// A counter that stands at 0.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn new(device: &Device) -> Result<Self> {
        Ok(NonFiniteCounter { count: MappedWord::new(device)? })
    }

    /// The address of the count, a `u32`.
    pub(super) fn address(&self) -> u64 {
        self.count.address()
    }

    /// The count, which starts again at 0. Call it only after the work that counts has ended, that is once an event
    /// recorded after it [is done](crate::Event::is_done): before, what is counted meanwhile may be lost.
    #[must_use]
    pub fn take(&self) -> u32 {
        self.count.take()
    }

    /// [`NonFiniteCounter::take`] as an error where elements were not finite.
    ///
    /// # Errors
    /// [`Status::InferenceFailed`], with the count.
    pub fn check(&self) -> Result<()> {
        match self.take() {
            0 => Ok(()),
            count => Err(Error::new(
                Status::InferenceFailed,
                format!("{count} elements of the model's output are NaN or infinite"),
            )
            .expected("finite numbers")
            .help("run the model in fp32 if it overflows fp16")),
        }
    }
}
