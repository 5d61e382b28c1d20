//! What the GPU's encoder takes, said before an encoder says "No capable devices found".

use rave_core::{Error, PixelFormat, Result, Size, Status};
use rave_cuda::Device;
use rave_nvcodec::{ApiVersion, EncodeCodec, EncodeRequest, Encoder, EncoderSupport, preflight_encode};

use super::device::CudaDevice;

impl CudaDevice {
    /// Whether FFmpeg's `encoder` (h264_nvenc, hevc_nvenc or av1_nvenc) takes frames of this size and format on this GPU.
    /// The encoder is taken to be that of the FFmpeg of `scripts/build-ffmpeg.sh`: one that was built with other headers needs
    /// another driver, and takes 4:2:2 from interface 13.0 on. The first call opens a session of the encoder to ask, later ones remember the answer.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for another encoder, [`Status::InvalidDevice`] for a GPU without NVENC,
    /// [`Status::RuntimeLibraryMissing`] without the driver's encoder library, [`Status::UnsupportedFormat`] for a size or
    /// a format that the encoder does not take. The message says what to use in its place.
    pub fn check_encoder(&self, encoder: &str, size: Size, format: PixelFormat) -> Result<()> {
        let codec =
            EncodeCodec::ALL.into_iter().find(|codec| codec.encoder() == encoder).ok_or_else(|| {
                Error::new(Status::InvalidParameter, format!("encoder `{encoder}`"))
                    .expected("h264_nvenc, hevc_nvenc or av1_nvenc")
            })?;
        let support = self.encoder_support().get_or_init(|| ask(self.device())).as_ref();
        // RV-NVC-1206
        let request = EncodeRequest { codec, size, format, api: ApiVersion::FFMPEG };
        preflight_encode(support.map_err(Clone::clone)?, &request)
    }
}

/// What the NVENC of a GPU encodes, asked of the driver.
pub(super) fn ask(device: &Device) -> Result<EncoderSupport> {
    let _bound = device.bind()?;
    // SAFETY: the context is alive as long as the device, which outlives the encoder, and is current while `_bound` lives.
    unsafe { Encoder::open(device.info().name.as_str(), device.context()) }?.capabilities()
}
