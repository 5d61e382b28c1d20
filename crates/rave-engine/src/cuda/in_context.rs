//! TensorRT's objects, which want their CUDA context current also when they end.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use rave_cuda::Device;

/// A value that is dropped with the device's context current, and leaked once the device is lost: ending it would call
/// CUDA.
pub(super) struct InContext<T> {
    device: Device,
    value: ManuallyDrop<T>,
}

impl<T> InContext<T> {
    pub(super) fn new(device: &Device, value: T) -> Self {
        InContext { device: device.clone(), value: ManuallyDrop::new(value) }
    }
}

impl<T> Deref for InContext<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for InContext<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for InContext<T> {
    fn drop(&mut self) {
        // RV-ENG-1312
        // The first attempt may only return what an earlier destructor met.
        if let Ok(_bound) = self.device.bind().or_else(|_| self.device.bind()) {
            // SAFETY: the value was not dropped before, and nothing can see it after this.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for InContext<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
