//! The GPUs of this machine and what their decoders and encoders do, for people who want to know.

use rave_core::{Error, Result};
use rave_cuda::{Device, DeviceInfo, check_driver};
use rave_nvcodec::{Decoder, DecoderCaps, EncoderSupport};
use rave_tensorrt::Driver;

use super::encoders;

/// One GPU.
#[derive(Debug)]
pub struct Gpu {
    /// What the driver tells of it.
    pub info: DeviceInfo,
    /// Free device memory in bytes.
    pub free_memory: usize,
    /// What its NVDEC decodes.
    pub decoder: Result<DecoderCaps>,
    /// What its NVENC encodes.
    pub encoder: Result<EncoderSupport>,
}

/// The driver, and the GPUs that it lets this process see.
#[derive(Debug)]
pub struct Gpus {
    /// The newest CUDA that the driver supports, such as "13.0".
    pub cuda_version: String,
    /// The GPUs by their numbers; an error for one that cannot be used.
    pub gpus: Vec<Result<Gpu>>,
}

impl Gpus {
    /// Asks the driver, with a CUDA context on each GPU for the time of the question.
    ///
    /// # Errors
    /// [`Status::DeviceNotFound`](rave_core::Status::DeviceNotFound), naming what is missing: the driver's library, a
    /// driver that starts and is new enough, or a GPU.
    // RV-CLI-1203
    pub fn find() -> Result<Self> {
        let driver = Driver::get()?;
        // The devices of one that is too old are not asked anything.
        check_driver()?;
        let count = u32::try_from(driver.devices()).unwrap_or_default();
        Ok(Gpus { cuda_version: driver.cuda_version(), gpus: (0..count).map(ask).collect() })
    }
}

fn ask(ordinal: u32) -> Result<Gpu> {
    let named = |error: Error| error.context(format!("GPU {ordinal}"));
    let device = Device::create(ordinal)?;
    let (free_memory, _) = device.memory().map_err(named)?;
    let encoder = encoders::ask(&device);
    let _bound = device.bind().map_err(named)?;
    let decoder = Decoder::open(device.info().name.as_str()).and_then(|decoder| decoder.capabilities());
    Ok(Gpu { info: device.info().clone(), free_memory, decoder, encoder })
}
