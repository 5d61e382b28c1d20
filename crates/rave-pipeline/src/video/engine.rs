//! A model, and where it runs.

use std::ffi::c_void;
use std::path::Path;

use rave_core::{LogLevel, PixelFormat, Result, Size, Status};
use rave_engine::{BackendChoice, CudaDevice, Model, ModelOptions, Owner};
use rave_ffmpeg::{HardwareDevice, HardwareFrames};

/// Where a model is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// On the first GPU, if there is one that can, otherwise on the CPU.
    #[default]
    Auto,
    /// On the CPU.
    Cpu,
    /// On the GPU with CUDA's number.
    Gpu(u32),
}

/// A model that is loaded, and the device that it runs on: for as many videos as there are. Clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) model: Model,
    pub(crate) gpu: Option<Gpu>,
}

/// A GPU that decodes, runs the model and, if it can, encodes.
#[derive(Clone, Debug)]
pub(crate) struct Gpu {
    pub(crate) cuda: CudaDevice,
    pub(crate) hardware: HardwareDevice,
}

impl Engine {
    /// Loads the model at `path`. What `options` say of a device does not count.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`] when there is no such GPU, or none for a TensorRT engine; those of [`Model::load`].
    pub fn load(path: impl AsRef<Path>, device: DeviceChoice, options: &ModelOptions) -> Result<Self> {
        let path = path.as_ref();
        let on_cpu = || {
            let options = ModelOptions { device: None, ..options.clone() };
            Ok(Engine { model: Model::load(path, &options)?, gpu: None })
        };
        let on_gpu = |number| {
            let gpu = Gpu::open(number)?;
            let options = ModelOptions { device: Some(gpu.cuda.clone()), ..options.clone() };
            Ok(Engine { model: Model::load(path, &options)?, gpu: Some(gpu) })
        };
        match device {
            DeviceChoice::Cpu => on_cpu(),
            DeviceChoice::Gpu(number) => on_gpu(number),
            DeviceChoice::Auto if options.backend == BackendChoice::Onnx => on_cpu(),
            // RV-PIPE-2301
            DeviceChoice::Auto => on_gpu(0).or_else(|error| match error.status() {
                // Without a GPU, or without what builds an engine for it, an ONNX model runs on the CPU. A TensorRT engine
                // does not, and says so.
                Status::DeviceNotFound | Status::InvalidDevice | Status::RuntimeLibraryMissing => {
                    options.log.write(LogLevel::Verbose, format_args!("on the CPU: {}", error.message()));
                    on_cpu()
                }
                _ => Err(error),
            }),
        }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The GPU that it runs on; `None` is the CPU.
    #[must_use]
    pub fn device(&self) -> Option<&CudaDevice> {
        self.gpu.as_ref().map(|gpu| &gpu.cuda)
    }
}

impl Gpu {
    fn open(number: u32) -> Result<Self> {
        let hardware = HardwareDevice::cuda(number)?;
        let address = |address: usize| std::ptr::with_exposed_provenance_mut::<c_void>(address);
        let kept = hardware.clone();
        let mut owner = Some(Owner::new(move || drop(kept)));
        // SAFETY: both are of libavutil's device, which is alive for as long as `kept` refers to it: until the owner is
        // dropped. The stream is one of the context, or null.
        let cuda = unsafe {
            CudaDevice::adopt(
                address(hardware.context_address()),
                address(hardware.stream_address()),
                &mut owner,
            )
        };
        Ok(Gpu { cuda: cuda?, hardware })
    }

    /// Whether there are frames of a format on GPUs.
    pub(crate) fn has_frames_of(&self, format: PixelFormat, size: Size) -> bool {
        HardwareFrames::new(&self.hardware, format, size).is_ok()
    }
}
