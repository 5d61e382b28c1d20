//! Asking NVENC: the library, the handshake on a version, and the questions.

use std::ffi::c_void;
use std::path::Path;

use rave_core::{Error, Result, Size, Status};

use crate::library::DriverLibrary;
use crate::session::{Functions, OpenError, Session, failure};
use crate::sys::nvenc::{
    CreateInstance, GetMaxSupportedVersion, NV_ENC_CAPS, NV_ENCODE_API_FUNCTION_LIST, NVENCSTATUS,
};
use crate::{ApiVersion, CodecCaps, EncodeCodec, EncoderCaps, EncoderSupport, Profile};

/// The library's name for the dynamic linker.
const LIBRARY: &str = "libnvidia-encode.so.1";

/// The encoder's interface of the driver, on one CUDA context.
#[derive(Debug)]
pub struct Encoder {
    gpu: String,
    context: *mut c_void,
    /// The newest interface that the driver has.
    newest: ApiVersion,
    functions: Functions,
}

impl Encoder {
    /// Opens the driver's library and agrees with it on a version of the interface: the newest that both know.
    /// `gpu` is what to call the GPU in tables and messages.
    ///
    /// The library stays loaded until the process ends.
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`] if the library is not there, or older than [`ApiVersion::OLDEST`];
    /// [`Status::InvalidDevice`] if `context` is null.
    ///
    /// # Safety
    /// `context` is a CUcontext that stays alive as long as the encoder, and is current on the thread that calls
    /// [`Encoder::capabilities`].
    pub unsafe fn open(gpu: impl Into<String>, context: *mut c_void) -> Result<Encoder> {
        // SAFETY: by this function's own precondition.
        unsafe { Encoder::open_library(gpu, context, Path::new(LIBRARY)) }
    }

    /// As [`Encoder::open`], with the library at `path`, for drivers outside the dynamic linker's reach.
    ///
    /// # Errors
    /// As [`Encoder::open`].
    ///
    /// # Safety
    /// As [`Encoder::open`].
    pub unsafe fn open_library(gpu: impl Into<String>, context: *mut c_void, path: &Path) -> Result<Encoder> {
        let gpu = gpu.into();
        // RV-NVC-1004
        if context.is_null() {
            return Err(Error::new(
                Status::InvalidDevice,
                format!("NVENC of {gpu}: the CUDA context is null"),
            ));
        }
        let library = DriverLibrary::open(path, "NVENC")?;
        let since = ApiVersion::OLDEST.driver().unwrap_or_default();
        // SAFETY: the type is the function's in nvEncodeAPI.h.
        let get_maximum = unsafe {
            library.function::<GetMaxSupportedVersion>("NvEncodeAPIGetMaxSupportedVersion", since)
        }?;
        // SAFETY: the type is the function's in nvEncodeAPI.h.
        let create = unsafe { library.function::<CreateInstance>("NvEncodeAPICreateInstance", since) }?;

        let mut maximum = 0;
        // SAFETY: the pointer is to a live u32.
        let status = unsafe { get_maximum(&mut maximum) };
        if status != NVENCSTATUS::SUCCESS {
            return Err(failure(&gpu, "NvEncodeAPIGetMaxSupportedVersion", status, ""));
        }
        // RV-NVC-1002
        let newest = ApiVersion::from_maximum(maximum);
        if newest < ApiVersion::OLDEST {
            return Err(Error::new(
                Status::RuntimeLibraryMissing,
                format!("NVENC of {gpu}: the driver is too old, its encoder interface is {newest}"),
            )
            .expected(format!("{} or newer", ApiVersion::OLDEST))
            .help(ApiVersion::OLDEST.how_to_get()));
        }
        let spoken = newest.min(ApiVersion::NEWEST);
        let mut list = NV_ENCODE_API_FUNCTION_LIST::empty(spoken.number());
        // SAFETY: the pointer is to a live list of the layout that its version names, with everything else zero.
        let status = unsafe { create(&mut list) };
        if status != NVENCSTATUS::SUCCESS {
            return Err(failure(&gpu, "NvEncodeAPICreateInstance", status, ""));
        }
        let functions = Functions::of(&list, spoken).ok_or_else(|| {
            Error::new(
                Status::RuntimeLibraryMissing,
                format!("NVENC of {gpu}: {} lacks functions of interface {spoken}", path.display()),
            )
        })?;
        Ok(Encoder { gpu, context, newest, functions })
    }

    /// The newest interface that the driver has. FFmpeg's encoders need the one that they were built with.
    #[must_use]
    pub fn api(&self) -> ApiVersion {
        self.newest
    }

    /// What the GPU encodes. Opens a session for the questions and closes it; that counts against the number of
    /// sessions that some GPUs allow at a time.
    ///
    /// # Errors
    /// A GPU without NVENC is not an error. [`Status::Busy`] if the driver allows no more sessions,
    /// [`Status::InvalidDevice`] if the session fails otherwise.
    pub fn capabilities(&self) -> Result<EncoderSupport> {
        // SAFETY: the context is alive and current, by what `open` asks of its caller.
        let session = match unsafe { Session::open(&self.gpu, &self.functions, self.context) } {
            Ok(session) => session,
            Err(OpenError::NoNvenc(answer)) => {
                return Ok(EncoderSupport::NoNvenc { gpu: self.gpu.clone(), api: self.newest, answer });
            }
            Err(OpenError::Failed(error)) => return Err(error),
        };
        let offered = session.codecs()?;
        let codecs = EncodeCodec::ALL
            .into_iter()
            .filter(|codec| offered.contains(&codec.guid()))
            .map(|codec| self.ask(&session, codec))
            .collect::<Result<_>>()?;
        Ok(EncoderSupport::Nvenc(EncoderCaps { gpu: self.gpu.clone(), api: self.newest, codecs }))
    }

    fn ask(&self, session: &Session<'_>, codec: EncodeCodec) -> Result<CodecCaps> {
        // RV-NVC-1101
        let guid = codec.guid();
        let profiles = session.profiles(guid)?.into_iter().filter_map(Profile::from_guid).collect();
        let ask = |question| session.cap(guid, question);
        let has = |question| ask(question).map(|answer| answer.is_some_and(|answer| answer > 0));
        let side = |question, name| {
            ask(question)?.ok_or_else(|| {
                Error::new(
                    Status::InvalidDevice,
                    format!("NVENC of {}: {} has no answer to {name}", self.gpu, codec.encoder()),
                )
            })
        };
        Ok(CodecCaps {
            codec,
            profiles,
            min: Size::new(
                ask(NV_ENC_CAPS::WIDTH_MIN)?.unwrap_or(1),
                ask(NV_ENC_CAPS::HEIGHT_MIN)?.unwrap_or(1),
            ),
            max: Size::new(
                side(NV_ENC_CAPS::WIDTH_MAX, "NV_ENC_CAPS_WIDTH_MAX")?,
                side(NV_ENC_CAPS::HEIGHT_MAX, "NV_ENC_CAPS_HEIGHT_MAX")?,
            ),
            max_macroblocks: ask(NV_ENC_CAPS::MB_NUM_MAX)?.filter(|&number| number > 0),
            ten_bit: has(NV_ENC_CAPS::SUPPORT_10BIT_ENCODE)?,
            yuv422: if self.functions.api >= ApiVersion::WITH_YUV422 {
                ask(NV_ENC_CAPS::SUPPORT_YUV422_ENCODE)?.map(|answer| answer > 0)
            } else {
                None
            },
            yuv444: has(NV_ENC_CAPS::SUPPORT_YUV444_ENCODE)?,
            lossless: has(NV_ENC_CAPS::SUPPORT_LOSSLESS_ENCODE)?,
            b_frames: ask(NV_ENC_CAPS::NUM_MAX_BFRAMES)?.unwrap_or(0),
            engines: ask(NV_ENC_CAPS::NUM_ENCODER_ENGINES)?.filter(|&number| number > 0),
        })
    }
}
