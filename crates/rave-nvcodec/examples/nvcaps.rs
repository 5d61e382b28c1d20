//! Prints what a GPU decodes and encodes, as tables or as JSON: `nvcaps [--json] [DEVICE]`.
//!
//! Makes a CUDA context of its own. The exit status is 1 if there is none, or if the decoder or the encoder cannot be
//! asked; a GPU without one is an answer.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::process::ExitCode;
use std::ptr;

use libloading::Library;
use rave_core::{PixelFormat, Size};
use rave_nvcodec::{
    ApiVersion, Decoder, DecoderCaps, EncodeCodec, EncodeRequest, Encoder, EncoderSupport, preflight_encode,
};
use serde_json::{Value, json};

/// A CUDA context, current on the thread that made it until it is dropped.
struct Context {
    cuda: Library,
    handle: *mut c_void,
    /// The device's name.
    gpu: String,
    /// The newest CUDA that the driver supports, as 1000 * major + 10 * minor.
    version: c_int,
}

impl Context {
    fn create(device: c_int) -> Result<Context, String> {
        // SAFETY: libcuda's initialisers have no requirements; it is the machine's own driver.
        let cuda = unsafe { Library::new("libcuda.so.1") }.map_err(why)?;
        let done = |name: &str, code: c_int| match code {
            0 => Ok(()),
            code => Err(format!("{name} gave CUDA error {code}")),
        };
        let (mut version, mut ordinal, mut handle, mut name) = (0, 0, ptr::null_mut(), [0 as c_char; 256]);
        // SAFETY: the types are the functions' in cuda.h; each pointer is to a live variable, `name` has the 256 bytes
        // that are said; the device comes from cuDeviceGet and cuInit came first.
        unsafe {
            let init = function::<unsafe extern "C" fn(c_uint) -> c_int>(&cuda, "cuInit")?;
            let get_version =
                function::<unsafe extern "C" fn(*mut c_int) -> c_int>(&cuda, "cuDriverGetVersion")?;
            let get = function::<unsafe extern "C" fn(*mut c_int, c_int) -> c_int>(&cuda, "cuDeviceGet")?;
            let get_name = function::<unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int>(
                &cuda,
                "cuDeviceGetName",
            )?;
            let create = function::<unsafe extern "C" fn(*mut *mut c_void, c_uint, c_int) -> c_int>(
                &cuda,
                "cuCtxCreate_v2",
            )?;
            done("cuInit", init(0))?;
            done("cuDriverGetVersion", get_version(&mut version))?;
            done("cuDeviceGet", get(&mut ordinal, device))?;
            done("cuDeviceGetName", get_name(name.as_mut_ptr(), 256, ordinal))?;
            done("cuCtxCreate", create(&mut handle, 0, ordinal))?;
        }
        // SAFETY: cuDeviceGetName wrote a NUL-terminated string.
        let gpu = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
        Ok(Context { cuda, handle, gpu, version })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the type is the function's in cuda.h; the context is ours, and nothing uses it after this.
        unsafe {
            if let Ok(destroy) =
                function::<unsafe extern "C" fn(*mut c_void) -> c_int>(&self.cuda, "cuCtxDestroy_v2")
            {
                destroy(self.handle);
            }
        }
    }
}

/// # Safety
/// `T` is the type of a pointer to the function called `name`.
unsafe fn function<T: Copy>(library: &Library, name: &str) -> Result<T, String> {
    // SAFETY: by this function's own precondition.
    unsafe { library.get::<T>(name) }.map(|symbol| *symbol).map_err(why)
}

/// The dynamic linker's own words, without libloading's around them.
fn why(error: libloading::Error) -> String {
    std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn decoder_json(caps: &DecoderCaps) -> Value {
    let modes = caps.modes().iter().map(|(mode, limits)| {
        json!({
            "codec": mode.codec.name(),
            "chroma": mode.chroma.to_string(),
            "depth": mode.depth,
            "min": limits.min.to_string(),
            "max": limits.max.to_string(),
            "max_macroblocks": limits.max_macroblocks,
            "engines": limits.engines,
            "surfaces": limits.surfaces.formats().map(PixelFormat::name).collect::<Vec<_>>(),
        })
    });
    Value::Array(modes.collect())
}

fn encoder_json(support: &EncoderSupport) -> Value {
    match support {
        EncoderSupport::NoNvenc { api, answer, .. } => {
            json!({ "nvenc": false, "api": api.to_string(), "answer": answer })
        }
        EncoderSupport::Nvenc(caps) => {
            let codecs = caps.codecs.iter().map(|codec| {
                json!({
                    "encoder": codec.codec.encoder(),
                    "profiles": codec.profiles.iter().map(|profile| profile.name()).collect::<Vec<_>>(),
                    "min": codec.min.to_string(),
                    "max": codec.max.to_string(),
                    "max_macroblocks": codec.max_macroblocks,
                    "ten_bit": codec.ten_bit,
                    "yuv422": codec.yuv422,
                    "yuv444": codec.yuv444,
                    "lossless": codec.lossless,
                    "b_frames": codec.b_frames,
                    "engines": codec.engines,
                })
            });
            json!({ "nvenc": true, "api": caps.api.to_string(), "codecs": codecs.collect::<Vec<_>>() })
        }
    }
}

/// What the check says to a 1080p nv12 output from an FFmpeg of RAVE's own build, for each encoder.
fn verdicts(support: &EncoderSupport) -> Vec<(EncodeCodec, String)> {
    EncodeCodec::ALL
        .into_iter()
        .map(|codec| {
            let request = EncodeRequest {
                codec,
                size: Size::new(1920, 1080),
                format: PixelFormat::Nv12,
                api: ApiVersion::FFMPEG,
            };
            (codec, preflight_encode(support, &request).map_or_else(|e| e.to_string(), |()| "yes".into()))
        })
        .collect()
}

// RV-NVC-1105
fn main() -> ExitCode {
    let (flags, rest): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg == "--json");
    let device = match rest.as_slice() {
        [] => 0,
        [number] if number.parse::<c_int>().is_ok() => number.parse().unwrap_or_default(),
        _ => {
            eprintln!("usage: nvcaps [--json] [DEVICE]");
            return ExitCode::FAILURE;
        }
    };
    let context = match Context::create(device) {
        Ok(context) => context,
        Err(error) => {
            eprintln!("nvcaps: no CUDA context: {error}");
            return ExitCode::FAILURE;
        }
    };
    let decoder = Decoder::open(&context.gpu).and_then(|decoder| decoder.capabilities());
    // SAFETY: the context was made above, is current on this thread, and outlives the encoder.
    let encoder =
        unsafe { Encoder::open(&context.gpu, context.handle) }.and_then(|encoder| encoder.capabilities());
    if flags.is_empty() {
        match &decoder {
            Ok(caps) => print!("{caps}"),
            Err(error) => println!("{error}"),
        }
        println!();
        match &encoder {
            Ok(support) => {
                println!("{support}\n1920x1080 nv12:");
                for (codec, verdict) in verdicts(support) {
                    println!("{:10}  {verdict}", codec.encoder());
                }
            }
            Err(error) => println!("{error}"),
        }
    } else {
        let error = |error: &rave_core::Error| json!({ "error": error.to_string() });
        let verdicts: Value = encoder.as_ref().map_or(Value::Null, |support| {
            verdicts(support)
                .into_iter()
                .map(|(codec, verdict)| (codec.encoder().to_string(), Value::String(verdict)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        });
        let report = json!({
            "gpu": context.gpu,
            "cuda": format!("{}.{}", context.version / 1000, context.version % 1000 / 10),
            "decoder": decoder.as_ref().map_or_else(error, decoder_json),
            "encoder": encoder.as_ref().map_or_else(error, encoder_json),
            "preflight_1920x1080_nv12": verdicts,
        });
        println!("{report:#}");
    }
    if decoder.is_ok() && encoder.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
