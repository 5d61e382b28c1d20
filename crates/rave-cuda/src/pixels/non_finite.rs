//! Counting elements that are NaN or infinite, without waiting for the device.

use rave_core::{Error, Result, Status};

use crate::memory::{DeviceBuffer, PinnedWord};
use crate::{Device, Event, Stream};

/// Counts the elements that are not finite in what [`PackKernel`](super::PackKernel) packs.
///
/// The count stays on the device; [`NonFiniteCounter::read_later`] enqueues a copy of 4 bytes to the host, which
/// [`NonFiniteCounter::poll`] looks at once it has arrived, some frames later.
#[derive(Debug)]
pub struct NonFiniteCounter {
    count: DeviceBuffer,
    copy: PinnedWord,
    copied: Event,
    pending: bool,
}

impl NonFiniteCounter {
    /// Allocates a counter and enqueues setting it to 0 on `stream`.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn new(device: &Device, stream: &Stream) -> Result<Self> {
        let counter = NonFiniteCounter {
            count: DeviceBuffer::new(device, size_of::<u32>())?,
            copy: PinnedWord::new(device)?,
            copied: Event::new(device)?,
            pending: false,
        };
        counter.reset(stream)?;
        Ok(counter)
    }

    /// The address of the count, a `u32`.
    pub(super) fn address(&self) -> u64 {
        self.count.address()
    }

    /// Enqueues setting the count to 0.
    ///
    /// # Errors
    /// [`Status::DeviceLost`].
    pub fn reset(&self, stream: &Stream) -> Result<()> {
        self.count.fill(stream, 0)
    }

    /// Enqueues copying the count to the host. Does nothing while the last copy is under way.
    ///
    /// # Errors
    /// [`Status::DeviceLost`].
    pub fn read_later(&mut self, stream: &Stream) -> Result<()> {
        if self.pending && !self.copied.is_done()? {
            return Ok(());
        }
        // SAFETY: the count has 4 bytes, and both it and the copy are freed only after the device is done with them.
        unsafe { self.copy.copy_from(stream, self.count.address()) }?;
        self.copied.record(stream)?;
        self.pending = true;
        Ok(())
    }

    /// The count as of the last [`NonFiniteCounter::read_later`], once it is here; `None` before. Never waits.
    ///
    /// # Errors
    /// The first error of the work before the copy.
    pub fn poll(&mut self) -> Result<Option<u32>> {
        if !self.pending || !self.copied.is_done()? {
            return Ok(None);
        }
        self.pending = false;
        Ok(Some(self.copy.read()))
    }

    /// [`NonFiniteCounter::poll`] as an error where elements were not finite.
    ///
    /// # Errors
    /// [`Status::InferenceFailed`], with the count.
    pub fn check(&mut self) -> Result<()> {
        match self.poll()? {
            None | Some(0) => Ok(()),
            Some(count) => Err(Error::new(
                Status::InferenceFailed,
                format!("{count} elements of the model's output are NaN or infinite"),
            )
            .expected("finite numbers")
            .help("run the model in fp32 if it overflows fp16")),
        }
    }
}
