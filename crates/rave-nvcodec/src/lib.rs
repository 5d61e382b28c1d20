//! What a GPU's decoder (NVDEC) and encoder (NVENC) can do, asked of the driver, and a check in words before FFmpeg
//! is left to find out.
//!
//! ```no_run
//! use rave_core::{PixelFormat, Size};
//! use rave_nvcodec::{ApiVersion, EncodeCodec, EncodeRequest, Encoder, preflight_encode};
//!
//! # fn check(context: *mut std::ffi::c_void) -> rave_core::Result<()> {
//! // SAFETY: `context` is a live CUcontext, current on this thread.
//! let support = unsafe { Encoder::open("NVIDIA GeForce RTX 4090", context) }?.capabilities()?;
//! println!("{support}");
//! let request = EncodeRequest {
//!     codec: EncodeCodec::H264,
//!     size: Size::new(7680, 4320),
//!     format: PixelFormat::Nv12,
//!     api: ApiVersion::new(12, 1),
//! };
//! // [UNSUPPORTED_FORMAT] output 7680x4320 is over the h264_nvenc limit of NVIDIA GeForce RTX 4090;
//! // expected at most 4096x4096; use hevc_nvenc or av1_nvenc, or scale down
//! preflight_encode(&support, &request)?;
//! # Ok(()) }
//! ```
//!
//! The driver's libraries (`libnvcuvid.so.1`, `libnvidia-encode.so.1`) are opened at run time; nothing of NVIDIA's is
//! linked, and no header of NVIDIA's is needed to build. Contexts are the caller's: the decoder answers for the device of
//! the CUDA context that is current on the calling thread, the encoder for that of the context that it is given, which
//! must be current too.
//!
//! Checks know what FFmpeg's `*_nvenc` encoders and `-hwaccel cuda` ask of the driver; what else an encoder is told to
//! do (B-frames, look-ahead, rate control) is FFmpeg's to check.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("rave-nvcodec knows the driver's libraries for 64-bit Linux only");

mod api_version;
mod chroma;
mod decode_preflight;
mod decoder;
mod decoder_caps;
mod encode_preflight;
mod encoder;
mod encoder_caps;
mod library;
mod session;
#[doc(hidden)]
pub mod sys;
mod table;

pub use api_version::ApiVersion;
pub use chroma::Chroma;
pub use decode_preflight::{DecodeRequest, preflight_decode};
pub use decoder::Decoder;
pub use decoder_caps::{DecodeCodec, DecodeLimits, DecodeMode, DecoderCaps, Surfaces};
pub use encode_preflight::{EncodeRequest, preflight_encode};
pub use encoder::Encoder;
pub use encoder_caps::{CodecCaps, EncodeCodec, EncoderCaps, EncoderSupport, Profile};
