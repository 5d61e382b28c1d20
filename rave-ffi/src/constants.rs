//! The numbers of the header that are not pixel formats. A test holds each to the Rust enum that it mirrors.

/// Success.
pub const RAVE_OK: i32 = 0;
/// The device handle or index does not name a usable device.
pub const RAVE_ERROR_INVALID_DEVICE: i32 = 1;
/// An allocation failed, on the host or on the device.
pub const RAVE_ERROR_OUT_OF_MEMORY: i32 = 2;
/// The model's content cannot be used: not a model, damaged, or outside the model contract.
pub const RAVE_ERROR_MODEL_LOAD_FAILED: i32 = 3;
/// Inference ran and failed, or its output is not finite.
pub const RAVE_ERROR_INFERENCE_FAILED: i32 = 4;
/// An argument is outside its documented range, or NULL.
pub const RAVE_ERROR_INVALID_PARAMETER: i32 = 5;
/// A pixel kernel could not be launched.
pub const RAVE_ERROR_KERNEL_LAUNCH_FAILED: i32 = 6;
/// A frame that must stay on the device would have to leave it.
pub const RAVE_ERROR_VRAM_RESIDENCY_FAILED: i32 = 7;
/// There is no GPU, or no driver for it.
pub const RAVE_ERROR_DEVICE_NOT_FOUND: i32 = 8;
/// The caller was compiled against another version of this header.
pub const RAVE_ERROR_ABI_MISMATCH: i32 = 9;
/// The pixel format, colour description or frame geometry is not supported here.
pub const RAVE_ERROR_UNSUPPORTED_FORMAT: i32 = 10;
/// A library that is loaded at run time was not found or cannot be used.
pub const RAVE_ERROR_RUNTIME_LIBRARY_MISSING: i32 = 11;
/// The engine was built for another GPU or another TensorRT.
pub const RAVE_ERROR_ENGINE_MISMATCH: i32 = 12;
/// The device reported an error after which the process cannot use it again.
pub const RAVE_ERROR_DEVICE_LOST: i32 = 13;
/// Another call on the same handle is still running.
pub const RAVE_ERROR_BUSY: i32 = 14;
/// A file was refused because of where it comes from, who may write it, or what it refers to.
pub const RAVE_ERROR_UNTRUSTED: i32 = 15;
/// A file does not exist.
pub const RAVE_ERROR_FILE_NOT_FOUND: i32 = 16;
/// A file may not be read.
pub const RAVE_ERROR_PERMISSION_DENIED: i32 = 17;
/// Reading or writing a file failed for another reason.
pub const RAVE_ERROR_IO: i32 = 18;
/// The caller cancelled the operation.
pub const RAVE_ERROR_CANCELLED: i32 = 19;
/// RAVE panicked; the handle cannot be used again.
pub const RAVE_ERROR_PANIC: i32 = 20;
/// The handle is not one of ours, or was destroyed already.
pub const RAVE_ERROR_INVALID_HANDLE: i32 = 21;
/// The frame has no result and is to be left out; the session goes on with the next. With RAVE_MODE_HARDENED only.
pub const RAVE_ERROR_FRAME_LOST: i32 = 22;
/// None of the above.
pub const RAVE_ERROR_UNKNOWN: i32 = 99;

/// Inference on the CPU; frames in host memory.
pub const RAVE_DEVICE_CPU: i32 = 0;
/// Inference on an NVIDIA GPU; frames in its memory.
pub const RAVE_DEVICE_CUDA: i32 = 1;

/// Choose the backend by the file's content and the device.
pub const RAVE_BACKEND_AUTO: i32 = 0;
/// ONNX models on the CPU.
pub const RAVE_BACKEND_ONNX: i32 = 1;
/// TensorRT engines on the GPU.
pub const RAVE_BACKEND_TENSORRT: i32 = 2;

/// The model's tensors hold 0 for black and 1 for white.
pub const RAVE_VALUES_UNIT: i32 = 0;
/// The model's tensors hold 0 for black and 255 for white.
pub const RAVE_VALUES_BYTE: i32 = 1;

/// Ordered dither where the output has 8 bits, none elsewhere.
pub const RAVE_DITHER_AUTO: i32 = 0;
/// Round to nearest.
pub const RAVE_DITHER_NONE: i32 = 1;

/// Any deviation is an error.
pub const RAVE_MODE_STRICT: i32 = 0;
/// What can be gone on from is logged, counted, and a line of the ledger: memory that runs out is tried for once more after
/// what nobody uses was freed; one frame without a result is left out (RAVE_ERROR_FRAME_LOST), and a second one in a row an
/// error; on a GPU, a model's output that is not finite is passed on. The pixels of sound frames are the same.
pub const RAVE_MODE_HARDENED: i32 = 1;

/// The library decides.
pub const RAVE_GRAPH_AUTO: i32 = 0;
/// Frames are launched one call after the other.
pub const RAVE_GRAPH_OFF: i32 = 1;
/// Frames are launched as a CUDA graph where the engine lets itself be captured.
pub const RAVE_GRAPH_ON: i32 = 2;

/// What the model was saved in, without TF32.
pub const RAVE_PRECISION_AUTO: i32 = 0;
/// fp32 in every bit.
pub const RAVE_PRECISION_FP32: i32 = 1;
/// fp16. TensorRT 11 and TensorRT-RTX: if the model is saved in it.
pub const RAVE_PRECISION_FP16: i32 = 2;
/// bf16. TensorRT 11 and TensorRT-RTX: if the model is saved in it.
pub const RAVE_PRECISION_BF16: i32 = 3;
/// fp32, with products of 10-bit mantissas.
pub const RAVE_PRECISION_TF32: i32 = 4;

/// An engine is built unless it is in the cache.
pub const RAVE_BUILD_AUTO: i32 = 0;
/// An engine that is not in the cache is an error.
pub const RAVE_BUILD_NEVER: i32 = 1;
/// An engine is built unless it is in the cache, and loading ends there, as RAVE_ERROR_CANCELLED.
pub const RAVE_BUILD_ONLY: i32 = 2;

/// Pixels in host memory.
pub const RAVE_MEMORY_HOST: i32 = 0;
/// Pixels in the memory of the context's GPU, valid in order on its stream.
pub const RAVE_MEMORY_CUDA: i32 = 1;

/// Something failed.
pub const RAVE_LOG_ERROR: i32 = 1;
/// Something is not as the user may think.
pub const RAVE_LOG_WARNING: i32 = 2;
/// What a user wants to know once.
pub const RAVE_LOG_INFO: i32 = 3;
/// What helps to understand a run.
pub const RAVE_LOG_VERBOSE: i32 = 4;
/// What helps to find a fault in RAVE.
pub const RAVE_LOG_DEBUG: i32 = 5;

/// The longest string that is taken, in bytes, without its NUL.
pub const RAVE_MAX_STRING: usize = 4096;
