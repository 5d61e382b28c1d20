//! Device memory, host memory that kernels write to, and copies.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use rave_core::{Error, Result, Status};

use crate::{Device, Stream, sys};

/// Device memory of its own, freed when dropped.
#[derive(Debug)]
pub struct DeviceBuffer {
    device: Device,
    address: u64,
    bytes: usize,
}

impl DeviceBuffer {
    /// Allocates `bytes` of device memory, aligned to 256 bytes at least. Its content is undefined.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], saying how much was asked for and how much is free; [`Status::InvalidParameter`] for 0
    /// bytes; [`Status::DeviceLost`].
    pub fn new(device: &Device, bytes: usize) -> Result<Self> {
        Ok(DeviceBuffer { device: device.clone(), address: allocate(device, bytes)?, bytes })
    }

    /// The device address.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn checked(&self, offset: usize, bytes: usize) -> Result<u64> {
        if offset.checked_add(bytes).is_some_and(|end| end <= self.bytes) {
            return Ok(self.address + offset as u64);
        }
        Err(Error::new(
            Status::InvalidParameter,
            format!("{bytes} bytes at {offset} of a device buffer of {} bytes", self.bytes),
        ))
    }

    /// Copies `data` to `offset` and waits until it is there.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when it does not fit, [`Status::DeviceLost`].
    pub fn upload(&self, stream: &Stream, offset: usize, data: &[u8]) -> Result<()> {
        let to = self.checked(offset, data.len())?;
        let bound = stream.device().bind()?;
        // SAFETY: `to` and the length lie inside this buffer, checked above; `data` outlives the copy, because the
        // stream is synchronised before it can be given up.
        let result = unsafe {
            (bound.driver.cuMemcpyHtoDAsync_v2)(to, data.as_ptr().cast(), data.len(), stream.handle())
        };
        bound.check("cuMemcpyHtoDAsync", result)?;
        stream.synchronize()
    }

    /// Copies from `offset` into `data` and waits until it is there.
    ///
    /// # Errors
    /// As [`DeviceBuffer::upload`].
    pub fn download(&self, stream: &Stream, offset: usize, data: &mut [u8]) -> Result<()> {
        let from = self.checked(offset, data.len())?;
        let bound = stream.device().bind()?;
        // SAFETY: as in `upload`; nobody else writes `data`, which is borrowed mutably until the stream is done.
        let result = unsafe {
            (bound.driver.cuMemcpyDtoHAsync_v2)(data.as_mut_ptr().cast(), from, data.len(), stream.handle())
        };
        let copied = bound.check("cuMemcpyDtoHAsync", result);
        // Also after an error: a copy that did start must not outlive the borrow.
        stream.synchronize()?;
        copied
    }

    /// Enqueues setting every byte to `value`.
    ///
    /// # Errors
    /// [`Status::DeviceLost`].
    pub fn fill(&self, stream: &Stream, value: u8) -> Result<()> {
        let bound = stream.device().bind()?;
        // SAFETY: the whole of this buffer, which is freed only after the device is done with it (see `Drop`).
        let result =
            unsafe { (bound.driver.cuMemsetD8Async)(self.address, value, self.bytes, stream.handle()) };
        bound.check("cuMemsetD8Async", result)
    }

    /// Enqueues a copy of `bytes` from the start of `source` to the start of this buffer.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when either is smaller, [`Status::DeviceLost`].
    pub fn copy_from(&self, stream: &Stream, source: &DeviceBuffer, bytes: usize) -> Result<()> {
        let (to, from) = (self.checked(0, bytes)?, source.checked(0, bytes)?);
        let bound = stream.device().bind()?;
        // SAFETY: both ranges lie inside their buffers, checked above, which are freed only after the device is done
        // with them (see `Drop`).
        let result = unsafe { (bound.driver.cuMemcpyDtoDAsync_v2)(to, from, bytes, stream.handle()) };
        bound.check("cuMemcpyDtoDAsync", result)
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        free(&self.device, self.address);
    }
}

/// `cuMemAlloc`.
pub(crate) fn allocate(device: &Device, bytes: usize) -> Result<u64> {
    let bound = device.bind()?;
    let mut address = 0;
    // SAFETY: the context is current while `bound` lives; `address` outlives the call.
    match unsafe { (bound.driver.cuMemAlloc_v2)(&mut address, bytes) } {
        crate::sys::CUresult::SUCCESS => Ok(address),
        result => Err(bound.driver.allocation_error("cuMemAlloc", result, bytes)),
    }
}

/// `cuMemFree`, which waits until the device is done with the memory.
pub(crate) fn free(device: &Device, address: u64) {
    // SAFETY: `address` came from `allocate` with this device and its owner gives it up. cuMemFree synchronises with all
    // work of the context, so that nothing enqueued earlier can touch the memory later.
    device.destroy("cuMemFree", |driver| unsafe { (driver.cuMemFree_v2)(address) });
}

/// A `u32` in page-locked host memory that kernels can write to: a result of a word reaches the host without a copy.
///
/// What work has written is seen by the host once an event recorded after that work has passed, or its stream was
/// synchronised.
#[derive(Debug)]
pub(crate) struct MappedWord {
    device: Device,
    host: NonNull<AtomicU32>,
    address: u64,
}

// SAFETY: the memory belongs to this value alone and may be freed from any thread; the host accesses it atomically.
unsafe impl Send for MappedWord {}
// SAFETY: as for Send.
unsafe impl Sync for MappedWord {}

impl MappedWord {
    /// A word that is 0.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub(crate) fn new(device: &Device) -> Result<Self> {
        let bound = device.bind()?;
        let mut memory: *mut c_void = ptr::null_mut();
        // SAFETY: the context is current while `bound` lives; `memory` outlives the call.
        let result = unsafe {
            (bound.driver.cuMemHostAlloc)(&mut memory, size_of::<u32>(), sys::HOST_ALLOC_DEVICE_MAP)
        };
        bound.check("cuMemHostAlloc", result)?;
        let host = NonNull::new(memory.cast::<AtomicU32>())
            .ok_or_else(|| Error::new(Status::OutOfMemory, "page-locked host memory at address 0"))?;
        // SAFETY: the allocation has room for a u32, is aligned to a page, and nobody else knows of it.
        unsafe { host.write(AtomicU32::new(0)) };
        // From here on dropped, and so freed, when something fails.
        let mut word = MappedWord { device: device.clone(), host, address: 0 };
        // SAFETY: the memory was just allocated with the flag that this needs; the address outlives the call.
        let result = unsafe { (bound.driver.cuMemHostGetDevicePointer_v2)(&mut word.address, memory, 0) };
        bound.check("cuMemHostGetDevicePointer", result)?;
        Ok(word)
    }

    /// The word's address for kernels.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// The word, which becomes 0. Work that may write it must have ended.
    pub(crate) fn take(&self) -> u32 {
        // SAFETY: the word lives as long as this value, and the host accesses it atomically only.
        let word = unsafe { self.host.as_ref() };
        match word.load(Ordering::Acquire) {
            0 => 0,
            _ => word.swap(0, Ordering::AcqRel),
        }
    }
}

impl Drop for MappedWord {
    fn drop(&mut self) {
        let memory = self.host.as_ptr().cast();
        // SAFETY: the memory is ours. Like cuMemFree, cuMemFreeHost returns once the work of the context is done, so that
        // no kernel writes to it later (checkkernel shows it).
        self.device.destroy("cuMemFreeHost", |driver| unsafe { (driver.cuMemFreeHost)(memory) });
    }
}
