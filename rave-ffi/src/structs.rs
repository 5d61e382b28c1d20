//! The structures that cross the boundary, and how they are read and written by their `struct_size`.
//!
//! All are `#[repr(C)]` without implicit padding; their sizes and offsets are asserted in [`crate::layout`] and again
//! in C by `tests/abi/layout.rs`.

use std::ffi::{c_char, c_void};

/// A device and its settings. Opaque.
pub struct RaveContext {
    _opaque: [u8; 0],
}

/// A loaded model. Opaque.
pub struct RaveModel {
    _opaque: [u8; 0],
}

/// A model bound to one frame geometry. Opaque.
pub struct RaveSession {
    _opaque: [u8; 0],
}

/// Receives a message. Called from any thread, also from several at once, but only during calls into the library.
/// `level` is a RAVE_LOG_ constant. `message` is one line without a line feed, valid during the call. The callback
/// must return, without an exception or a jump. Within it only functions that ask or destroy may be called: those that
/// load, create or process return RAVE_ERROR_BUSY.
pub type RaveLogCallback =
    Option<unsafe extern "C" fn(opaque: *mut c_void, level: i32, message: *const c_char)>;

/// Gives back what kept a CUDA context alive. Must not call the library, and must return.
pub type RaveReleaseCallback = Option<unsafe extern "C" fn(owner: *mut c_void)>;

/// Whether what takes long is to be broken off: 0 is no. Called several times a second, from any thread but from one at a
/// time, and only during the call that it was given to. It must return at once, and may call the library as a
/// RaveLogCallback may.
pub type RaveCancelCallback = Option<unsafe extern "C" fn(opaque: *mut c_void) -> i32>;

/// What rave_context_create() needs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RaveContextConfig {
    /// sizeof(RaveContextConfig).
    pub struct_size: u32,
    /// A RAVE_DEVICE_ constant.
    pub device: i32,
    /// With RAVE_DEVICE_CUDA: the CUcontext to work in. It must stay until `cuda_release` is called, or, when that is
    /// NULL, until the context and everything made from it are destroyed. Otherwise NULL.
    pub cuda_context: *mut c_void,
    /// With RAVE_DEVICE_CUDA: the CUstream of that context in whose order frames are valid; NULL is the legacy default
    /// stream. It must stay as long as `cuda_context`. Otherwise NULL.
    pub cuda_stream: *mut c_void,
    /// Where messages go, or NULL to discard them. Must stay callable until the context and everything made from it are
    /// destroyed.
    pub log: RaveLogCallback,
    /// Passed to `log` as it is.
    pub log_opaque: *mut c_void,
    /// The most verbose RAVE_LOG_ level that `log` wants; 0 means RAVE_LOG_INFO.
    pub log_level: i32,
    /// Of every how many frames in host memory one is taken down in the ledger with the SHA-256 of its input and output; 1
    /// is every frame. 0 is 1 with a `ledger`, and none without one. Frames in GPU memory are taken down without hashes:
    /// they are not copied for them.
    pub ledger_every: u32,
    /// With RAVE_DEVICE_CUDA: called once, with `cuda_owner`, when the library needs `cuda_context` and `cuda_stream` no
    /// more, on any thread that is in a call into the library; NULL when nobody needs to know. With it, models stay
    /// loaded on the GPU for a while after their last use, as a filter graph that is built anew needs them again.
    /// When rave_context_create() fails it is not called.
    pub cuda_release: RaveReleaseCallback,
    /// Passed to `cuda_release` as it is, for example a reference that keeps the CUcontext alive.
    pub cuda_owner: *mut c_void,
    /// Path of the file that gets the ledger: what the context and everything made from it decide that can change results, a
    /// line of JSON each, hash-chained; NULL keeps the last lines in memory only. A file that is there is replaced, unless
    /// this process has written it: then it goes on. A symbolic link is refused. A file that cannot be written any more is
    /// warned of and fails nothing.
    pub ledger: *const c_char,
}

/// How rave_model_load() loads a model.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RaveModelConfig {
    /// sizeof(RaveModelConfig).
    pub struct_size: u32,
    /// A RAVE_BACKEND_ constant.
    pub backend: i32,
    /// A RAVE_VALUES_ constant.
    pub values: i32,
    /// CPU threads for inference and pixel conversion, at most 1024; 0 means all cores.
    pub threads: u32,
    /// Path of the inference library (libonnxruntime.so, or libnvinfer.so for engines) to use, or NULL to search for it.
    /// "embedded" chooses the runtime for ONNX that is built in, which is slower and always there.
    pub runtime_lib: *const c_char,
    /// For engines: path of the lean runtime library of an older TensorRT (libnvinfer_lean.so), which runs
    /// version-compatible engines that it built; or NULL.
    pub lean_runtime: *const c_char,
    /// For engines: 1 lets them bring host code of their own, which can do whatever the process can; 0 refuses it.
    pub allow_host_code: u32,
    /// For an ONNX model on a GPU: what its engine computes in, a RAVE_PRECISION_ constant. Where no engine is built it must
    /// be RAVE_PRECISION_AUTO.
    pub precision: i32,
    /// For an ONNX model on a GPU: the folder that keeps its engine, or "off" to keep none. NULL is $XDG_CACHE_HOME/rave, or
    /// ~/.cache/rave. The folder must be the user's own, and no one else may write it.
    pub cache: *const c_char,
    /// For an ONNX model on a GPU: path of the command rave of this version, which builds the engine in a process of its
    /// own. NULL takes the one beside the running program; where there is none, the engine is built in this process.
    pub builder: *const c_char,
    /// For an ONNX model on a GPU: asked while its engine is built, or waited for while another process builds it, whether
    /// to break off; NULL never does. rave_model_load() then ends with RAVE_ERROR_CANCELLED: within a second, unless the
    /// engine is built in this process, where TensorRT ends its step at hand first.
    pub cancel: RaveCancelCallback,
    /// Passed to `cancel` as it is.
    pub cancel_opaque: *mut c_void,
    /// For an ONNX model on a GPU: a RAVE_BUILD_ constant. Where no engine is built it must not be RAVE_BUILD_ONLY.
    pub build: i32,
    /// A RAVE_MODE_ constant. With RAVE_MODE_HARDENED memory that runs out is tried for once more, after what nobody uses was
    /// freed; for an ONNX model on a GPU, a damaged engine in the cache is put aside and built again, and a cache that cannot
    /// be written is done without. All are warned of.
    pub mode: i32,
    /// For an ONNX model on a GPU: width of the frames, or 0 when it is not known. The engine is built for frames up to a
    /// size near this one, and larger ones are cut into tiles.
    pub width: u32,
    /// Height of the frames, as `width`. Set both or neither.
    pub height: u32,
}

/// A model bound to a geometry, for rave_session_create().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RaveSessionConfig {
    /// sizeof(RaveSessionConfig).
    pub struct_size: u32,
    /// Pixel format of the input, a RAVE_PIX_FMT_ constant.
    pub format: i32,
    /// Pixel format of the output; 0 means that of the input.
    pub output_format: i32,
    /// Width of the visible part of the input, in pixels: 1 to 32768.
    pub width: u32,
    /// Height of the visible part of the input, in pixels: 1 to 32768.
    pub height: u32,
    /// Tile width in pixels, 16 or more; 0 lets the model decide (a model of fixed size is tiled when the frame is
    /// larger, any other takes the frame whole).
    pub tile_width: u32,
    /// Tile height in pixels, as `tile_width`. Set both or neither.
    pub tile_height: u32,
    /// Pixels that neighbouring tiles share at least, up to half a tile; 0 means 32, or less where tiles are small.
    pub overlap: u32,
    /// A RAVE_DITHER_ constant.
    pub dither: i32,
    /// A RAVE_MODE_ constant.
    pub mode: i32,
    /// On a GPU: how many frames are computed at a time, at most 16; 0 lets the library choose, and it chooses one.
    pub streams: u32,
    /// On a GPU: how many frames go through the model together; 0 means 1, and more than the engine takes is an error.
    /// Where frames are cut into tiles, how many of these, and 0 and 1 mean as many as the engine takes.
    pub batch: u32,
    /// On a GPU: a RAVE_GRAPH_ constant.
    pub graph: i32,
}

/// A frame. The caller owns the pixels; the library keeps no pointer after the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RaveFrame {
    /// sizeof(RaveFrame).
    pub struct_size: u32,
    /// Pixel format, a RAVE_PIX_FMT_ constant.
    pub format: i32,
    /// Where the pixels are, a RAVE_MEMORY_ constant.
    pub memory: i32,
    /// Width of the stored picture in pixels, before cropping.
    pub width: u32,
    /// Height of the stored picture in pixels, before cropping.
    pub height: u32,
    /// Columns to leave out at the left. 0 in an output frame.
    pub crop_left: u32,
    /// Columns to leave out at the right. 0 in an output frame.
    pub crop_right: u32,
    /// Rows to leave out at the top. 0 in an output frame.
    pub crop_top: u32,
    /// Rows to leave out at the bottom. 0 in an output frame.
    pub crop_bottom: u32,
    /// Matrix coefficients, an ITU-T H.273 code point (equal to FFmpeg's AVColorSpace); 2 is unspecified, and so is 0
    /// but in Y'CbCr without subsampling, where it says that the planes hold G, B and R, which is refused.
    pub matrix: i32,
    /// 0 unspecified, 1 limited, 2 full (FFmpeg's AVColorRange). Without effect in RGB, which is always full.
    pub range: i32,
    /// Chroma siting: 0 unspecified, 1 left, 2 centre, 3 top left, 4 top, 5 bottom left, 6 bottom (AVChromaLocation).
    pub siting: i32,
    /// The planes, as FFmpeg's AVFrame.data. Unused ones are NULL.
    pub data: [*mut u8; 4],
    /// Bytes from one row to the next, as FFmpeg's AVFrame.linesize; negative for a picture stored bottom-up, whose
    /// `data` then points at its top row.
    pub linesize: [i64; 4],
}

/// What rave_model_info() tells.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RaveModelInfo {
    /// sizeof(RaveModelInfo).
    pub struct_size: u32,
    /// 3 (RGB) or 1 (luma).
    pub channels: u32,
    /// Output size over input size, as a reduced fraction.
    pub scale_numerator: u32,
    /// See `scale_numerator`.
    pub scale_denominator: u32,
    /// The only width that the model takes, or 0 when it takes any.
    pub fixed_width: u32,
    /// The only height that the model takes, or 0 when it takes any.
    pub fixed_height: u32,
    /// Bits of an element of the input tensor: 32 or 16, both floating point.
    pub input_bits: u32,
    /// Bits of an element of the output tensor: 32 or 16, both floating point.
    pub output_bits: u32,
}

/// What rave_session_stats() tells. Times are sums over all frames, in nanoseconds of wall clock.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RaveStats {
    /// sizeof(RaveStats).
    pub struct_size: u32,
    /// How many tiles a frame is made of; 1 when it is processed whole.
    pub tiles: u32,
    /// Frames processed with success.
    pub frames: u64,
    /// Frames refused or failed.
    pub failed_frames: u64,
    /// Time spent turning frames into tensors.
    pub unpack_ns: u64,
    /// Time spent in the model.
    pub inference_ns: u64,
    /// Time spent turning tensors into frames.
    pub pack_ns: u64,
    /// On a GPU, where the three above are 0: time that calling threads spent on giving frames to the GPU, without those
    /// in which they slept because it had enough to do.
    pub submit_ns: u64,
    /// On a GPU: frames that were launched as a CUDA graph.
    pub graph_frames: u64,
    /// On a GPU: elements of the model's output that were NaN or infinite.
    pub non_finite: u64,
    /// On a GPU: device memory that the context's pool holds, in bytes; its sessions share it.
    pub pool_bytes: u64,
    /// On a GPU: requests of device memory that the pool served without an allocation.
    pub pool_hits: u64,
    /// On a GPU: requests of device memory that took an allocation.
    pub pool_misses: u64,
    /// On a GPU: how many frames are computed at a time.
    pub streams: u32,
    /// 0.
    pub reserved: u32,
    /// With RAVE_MODE_HARDENED: frames that were left out because they have no result.
    pub lost_frames: u64,
}

/// What rave_context_ledger_counts() tells: how many lines of each kind the context, and what was made from it, have had in
/// the ledger. What hardened mode does is counted by its line, so that there is never one without the other.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RaveLedgerCounts {
    /// sizeof(RaveLedgerCounts).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Lines of any kind.
    pub lines: u64,
    /// Frames that were taken down.
    pub frames: u64,
    /// Frames that were found to repeat the one before.
    pub repeats: u64,
    /// What took the place of something better that was missing.
    pub fallbacks: u64,
    /// With RAVE_MODE_HARDENED: damaged engines that were put aside in the cache.
    pub cache_entries_put_aside: u64,
    /// With RAVE_MODE_HARDENED: times that the cache was done without.
    pub without_cache: u64,
    /// With RAVE_MODE_HARDENED: times that memory was tried for once more.
    pub allocations_retried: u64,
    /// With RAVE_MODE_HARDENED: frames that were left out because they have no result.
    pub frames_lost: u64,
    /// With RAVE_MODE_HARDENED, on a GPU: launches with output that was not finite.
    pub not_finite: u64,
    /// Loads, sessions and frames that failed.
    pub failures: u64,
    /// Sessions that found their GPU lost.
    pub devices_lost: u64,
}
