//! Asking NVDEC, through libnvcuvid.

use std::path::Path;

use rave_core::{Error, Result, Size, Status};

use crate::library::DriverLibrary;
use crate::sys::nvcuvid::{CUVIDDECODECAPS, CUresult, GetDecoderCaps, cudaVideoChromaFormat};
use crate::{Chroma, DecodeLimits, DecodeMode, DecoderCaps, Surfaces};

/// The library's name for the dynamic linker.
const LIBRARY: &str = "libnvcuvid.so.1";

/// The first Linux driver whose library can be asked at all, by the release notes of Video Codec SDK 8.0.
const FIRST_DRIVER: &str = "378.13";

/// `CUDA_ERROR_INVALID_VALUE` and `CUDA_ERROR_NOT_SUPPORTED`: a driver from before a codec may refuse its number rather
/// than answer no.
const REFUSALS: [CUresult; 2] = [1, 801];

/// The decoder's interface of the driver.
#[derive(Debug)]
pub struct Decoder {
    gpu: String,
    get_caps: GetDecoderCaps,
}

impl Decoder {
    /// Opens the driver's library. `gpu` is what to call the GPU in tables and messages.
    ///
    /// Needs no GPU. The library stays loaded until the process ends.
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`] if the library is not there or too old.
    pub fn open(gpu: impl Into<String>) -> Result<Decoder> {
        Decoder::open_library(gpu, Path::new(LIBRARY))
    }

    /// As [`Decoder::open`], with the library at `path`, for drivers outside the dynamic linker's reach.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn open_library(gpu: impl Into<String>, path: &Path) -> Result<Decoder> {
        let library = DriverLibrary::open(path, "NVDEC")?;
        // SAFETY: the type is the function's in dynlink_cuviddec.h.
        let get_caps = unsafe { library.function::<GetDecoderCaps>("cuvidGetDecoderCaps", FIRST_DRIVER) }?;
        Ok(Decoder { gpu: gpu.into(), get_caps })
    }

    /// What the device of the CUDA context decodes that is current on this thread.
    ///
    /// # Errors
    /// [`Status::InvalidDevice`] if no context is current or the device does not answer.
    pub fn capabilities(&self) -> Result<DecoderCaps> {
        // RV-NVC-1101
        let mut modes = Vec::new();
        for mode in DecodeMode::all() {
            if let Some(limits) = self.ask(mode)? {
                modes.push((mode, limits));
            }
        }
        Ok(DecoderCaps { gpu: self.gpu.clone(), modes })
    }

    fn ask(&self, mode: DecodeMode) -> Result<Option<DecodeLimits>> {
        let mut caps = CUVIDDECODECAPS {
            eCodecType: mode.codec.foreign(),
            eChromaFormat: match mode.chroma {
                Chroma::Monochrome => cudaVideoChromaFormat::MONOCHROME,
                Chroma::Yuv420 => cudaVideoChromaFormat::YUV420,
                Chroma::Yuv422 => cudaVideoChromaFormat::YUV422,
                Chroma::Yuv444 => cudaVideoChromaFormat::YUV444,
            },
            nBitDepthMinus8: mode.depth - 8,
            reserved1: [0; 3],
            bIsSupported: 0,
            nNumNVDECs: 0,
            nOutputFormatMask: 0,
            nMaxWidth: 0,
            nMaxHeight: 0,
            nMaxMBCount: 0,
            nMinWidth: 0,
            nMinHeight: 0,
            bIsHistogramSupported: 0,
            nCounterBitDepth: 0,
            nMaxHistogramBins: 0,
            reserved3: [0; 10],
        };
        // SAFETY: the pointer is to a live struct of the header's layout, with the reserved parts zero. The function
        // takes the thread's current context from the driver and fails without one.
        match unsafe { (self.get_caps)(&mut caps) } {
            0 if caps.bIsSupported != 0 => Ok(Some(DecodeLimits {
                min: Size::new(caps.nMinWidth.into(), caps.nMinHeight.into()),
                max: Size::new(caps.nMaxWidth, caps.nMaxHeight),
                max_macroblocks: caps.nMaxMBCount,
                engines: caps.nNumNVDECs.into(),
                surfaces: Surfaces(caps.nOutputFormatMask),
            })),
            0 => Ok(None),
            // RV-NVC-1102
            code if REFUSALS.contains(&code) => Ok(None),
            code => Err(self.failure(mode, code)),
        }
    }

    fn failure(&self, mode: DecodeMode, code: CUresult) -> Error {
        let found = format!("NVDEC of {}: asking about {mode} gave CUDA error {code}", self.gpu);
        match code {
            3 | 201 => Error::new(Status::InvalidDevice, format!("{found} (no CUDA context)"))
                .expected("a CUDA context that is current on the calling thread"),
            _ => Error::new(Status::InvalidDevice, found),
        }
    }
}
