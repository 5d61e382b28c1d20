//! A user's own CUDA kernel, as a stage.

use rave_core::{Error, Result, Status};
use rave_engine::{CudaDevice, UserKernel};

use super::cuda_inference::describe;
use super::engine::Engine;
use super::picture::Picture;
use crate::{FrameStage, Outlet};

/// Runs a kernel on every picture, in its place.
#[derive(Debug)]
struct KernelStage {
    kernel: UserKernel,
    device: CudaDevice,
}

impl FrameStage<Picture> for KernelStage {
    fn process(&mut self, picture: Picture, out: &mut Outlet<Picture>) -> Result<()> {
        if !picture.frame.is_writable() {
            return Err(Error::new(Status::Busy, "a kernel would change a picture that others use, too")
                .expected("one that the model has made, without dedup")
                .help("put the stage after the model"));
        }
        self.device.launch(&self.kernel, &describe(&picture.frame)?)?;
        out.send(picture)
    }
}

impl Engine {
    /// A stage that runs the kernel `name` of a user's own CUDA C++ on every picture that the model has made. Nothing is
    /// copied, and nothing waits for it but the GPU. [`UserKernel::compile`] says what `source` must look like.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`] for an engine on the CPU; those of [`UserKernel::compile`].
    ///
    /// # Safety
    /// As [`UserKernel::compile`].
    pub unsafe fn kernel_stage(&self, name: &str, source: &str) -> Result<impl FrameStage<Picture> + use<>> {
        let device = self.device().cloned().ok_or_else(|| {
            Error::new(Status::DeviceNotFound, format!("kernel `{name}`: the engine is on the CPU"))
                .help("use a closure there: in_place")
        })?;
        // SAFETY: the caller's promise.
        let kernel = unsafe { device.compile(name, source) }?;
        Ok(KernelStage { kernel, device })
    }
}
