/*
 * RAVE: AI video models on frames in memory, by a C interface.
 *
 * Handles. RaveContext is a device with its settings, RaveModel a loaded model, RaveSession a model bound to one
 * frame geometry. Creating functions return the handle, or NULL and a status in *error. Each handle is destroyed by
 * its own function, in any order: a session keeps what it needs of its model and context. A destroyed handle is
 * recognised: using it again gives RAVE_ERROR_INVALID_HANDLE.
 *
 * Errors. Functions return a status: RAVE_OK (0) or a positive RAVE_ERROR_ code. Codes are never renumbered; treat an
 * unknown one as RAVE_ERROR_UNKNOWN. rave_error_message() gives a code's meaning, rave_last_error() the particulars of
 * the last failure on the calling thread. Outputs are written on success only. No pointer may be NULL unless its
 * function says so; a NULL is answered with RAVE_ERROR_INVALID_PARAMETER. Beside the codes that it names, any function
 * may return RAVE_ERROR_PANIC, and any that does not only ask RAVE_ERROR_BUSY.
 *
 * Threads. Any thread may call with any handle, one call at a time for one handle: a second one meanwhile returns
 * RAVE_ERROR_BUSY at once. Functions that only ask (rave_model_info, rave_session_output_size, rave_session_stats ...)
 * may run beside others. Different handles are independent.
 *
 * Structures begin with struct_size, which the RAVE_..._INIT macros set. A zero in every other field is its default.
 * Structures only ever grow at their end; a larger one than the library knows is accepted when the rest is zero.
 *
 * Frames in GPU memory. A context of RAVE_DEVICE_CUDA adopts a CUcontext and a CUstream; its frames have
 * RAVE_MEMORY_CUDA, and what is in them is valid in order on that stream, as FFmpeg has it. No call waits for the GPU
 * but where it says so. rave_session_submit() enqueues a frame, rave_session_finish() makes the stream wait for it.
 *
 * Strings are UTF-8, end with NUL and have at most RAVE_MAX_STRING bytes. Strings given out belong to the library.
 *
 *     int32_t error;
 *     RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
 *     RaveContext *context = rave_context_create(&device, &error);
 *     RaveModel *model = context ? rave_model_load(context, "model.onnx", NULL, &error) : NULL;
 *     RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
 *     geometry.format = rave_pixel_format_from_name("rgb24");
 *     geometry.width = 320;
 *     geometry.height = 180;
 *     RaveSession *session = model ? rave_session_create(model, &geometry, &error) : NULL;
 *     if (!session)
 *         fprintf(stderr, "%s\n", rave_last_error(NULL));
 *     else
 *         error = rave_session_process(session, &input, &output);
 *     rave_session_destroy(&session);
 *     rave_model_destroy(&model);
 *     rave_context_destroy(&context);
 */

#ifndef RAVE_H
#define RAVE_H

/* Generated from rave-ffi by scripts/bless.sh header; the tests hold it to the sources. Do not edit. */

#include <stddef.h>
#include <stdint.h>

/* The version of this header. rave_version() gives that of the library in use. */
#define RAVE_VERSION_MAJOR 0
#define RAVE_VERSION_MINOR 1
#define RAVE_VERSION_PATCH 0
/* As one number: major * 10000 + minor * 100 + patch. */
#define RAVE_VERSION_NUMBER (RAVE_VERSION_MAJOR * 10000 + RAVE_VERSION_MINOR * 100 + RAVE_VERSION_PATCH)

/* Initialisers: every field at its default. */
#define RAVE_CONTEXT_CONFIG_INIT {sizeof(RaveContextConfig), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define RAVE_MODEL_CONFIG_INIT {sizeof(RaveModelConfig), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define RAVE_SESSION_CONFIG_INIT {sizeof(RaveSessionConfig), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define RAVE_FRAME_INIT {sizeof(RaveFrame), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0, 0, 0, 0}, {0, 0, 0, 0}}
#define RAVE_MODEL_INFO_INIT {sizeof(RaveModelInfo), 0, 0, 0, 0, 0, 0, 0}
#define RAVE_STATS_INIT {sizeof(RaveStats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define RAVE_LEDGER_COUNTS_INIT {sizeof(RaveLedgerCounts), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}


// Success.
#define RAVE_OK 0

// The device handle or index does not name a usable device.
#define RAVE_ERROR_INVALID_DEVICE 1

// An allocation failed, on the host or on the device.
#define RAVE_ERROR_OUT_OF_MEMORY 2

// The model's content cannot be used: not a model, damaged, or outside the model contract.
#define RAVE_ERROR_MODEL_LOAD_FAILED 3

// Inference ran and failed, or its output is not finite.
#define RAVE_ERROR_INFERENCE_FAILED 4

// An argument is outside its documented range, or NULL.
#define RAVE_ERROR_INVALID_PARAMETER 5

// A pixel kernel could not be launched.
#define RAVE_ERROR_KERNEL_LAUNCH_FAILED 6

// A frame that must stay on the device would have to leave it.
#define RAVE_ERROR_VRAM_RESIDENCY_FAILED 7

// There is no GPU, or no driver for it.
#define RAVE_ERROR_DEVICE_NOT_FOUND 8

// The caller was compiled against another version of this header.
#define RAVE_ERROR_ABI_MISMATCH 9

// The pixel format, colour description or frame geometry is not supported here.
#define RAVE_ERROR_UNSUPPORTED_FORMAT 10

// A library that is loaded at run time was not found or cannot be used.
#define RAVE_ERROR_RUNTIME_LIBRARY_MISSING 11

// The engine was built for another GPU or another TensorRT.
#define RAVE_ERROR_ENGINE_MISMATCH 12

// The device reported an error after which the process cannot use it again.
#define RAVE_ERROR_DEVICE_LOST 13

// Another call on the same handle is still running.
#define RAVE_ERROR_BUSY 14

// A file was refused because of where it comes from, who may write it, or what it refers to.
#define RAVE_ERROR_UNTRUSTED 15

// A file does not exist.
#define RAVE_ERROR_FILE_NOT_FOUND 16

// A file may not be read.
#define RAVE_ERROR_PERMISSION_DENIED 17

// Reading or writing a file failed for another reason.
#define RAVE_ERROR_IO 18

// The caller cancelled the operation.
#define RAVE_ERROR_CANCELLED 19

// RAVE panicked; the handle cannot be used again.
#define RAVE_ERROR_PANIC 20

// The handle is not one of ours, or was destroyed already.
#define RAVE_ERROR_INVALID_HANDLE 21

// The frame has no result and is to be left out; the session goes on with the next. With RAVE_MODE_HARDENED only.
#define RAVE_ERROR_FRAME_LOST 22

// None of the above.
#define RAVE_ERROR_UNKNOWN 99

// Inference on the CPU; frames in host memory.
#define RAVE_DEVICE_CPU 0

// Inference on an NVIDIA GPU; frames in its memory.
#define RAVE_DEVICE_CUDA 1

// Choose the backend by the file's content and the device.
#define RAVE_BACKEND_AUTO 0

// ONNX models on the CPU.
#define RAVE_BACKEND_ONNX 1

// TensorRT engines on the GPU.
#define RAVE_BACKEND_TENSORRT 2

// The model's tensors hold 0 for black and 1 for white.
#define RAVE_VALUES_UNIT 0

// The model's tensors hold 0 for black and 255 for white.
#define RAVE_VALUES_BYTE 1

// Ordered dither where the output has 8 bits, none elsewhere.
#define RAVE_DITHER_AUTO 0

// Round to nearest.
#define RAVE_DITHER_NONE 1

// Any deviation is an error.
#define RAVE_MODE_STRICT 0

// What can be gone on from is logged, counted, and a line of the ledger: memory that runs out is tried for once more after
// what nobody uses was freed; one frame without a result is left out (RAVE_ERROR_FRAME_LOST), and a second one in a row an
// error; on a GPU, a model's output that is not finite is passed on. The pixels of sound frames are the same.
#define RAVE_MODE_HARDENED 1

// The library decides.
#define RAVE_GRAPH_AUTO 0

// Frames are launched one call after the other.
#define RAVE_GRAPH_OFF 1

// Frames are launched as a CUDA graph where the engine lets itself be captured.
#define RAVE_GRAPH_ON 2

// What the model was saved in, without TF32.
#define RAVE_PRECISION_AUTO 0

// fp32 in every bit.
#define RAVE_PRECISION_FP32 1

// fp16. TensorRT 11 and TensorRT-RTX: if the model is saved in it.
#define RAVE_PRECISION_FP16 2

// bf16. TensorRT 11 and TensorRT-RTX: if the model is saved in it.
#define RAVE_PRECISION_BF16 3

// fp32, with products of 10-bit mantissas.
#define RAVE_PRECISION_TF32 4

// An engine is built unless it is in the cache.
#define RAVE_BUILD_AUTO 0

// An engine that is not in the cache is an error.
#define RAVE_BUILD_NEVER 1

// An engine is built unless it is in the cache, and loading ends there, as RAVE_ERROR_CANCELLED.
#define RAVE_BUILD_ONLY 2

// Pixels in host memory.
#define RAVE_MEMORY_HOST 0

// Pixels in the memory of the context's GPU, valid in order on its stream.
#define RAVE_MEMORY_CUDA 1

// Something failed.
#define RAVE_LOG_ERROR 1

// Something is not as the user may think.
#define RAVE_LOG_WARNING 2

// What a user wants to know once.
#define RAVE_LOG_INFO 3

// What helps to understand a run.
#define RAVE_LOG_VERBOSE 4

// What helps to find a fault in RAVE.
#define RAVE_LOG_DEBUG 5

// The longest string that is taken, in bytes, without its NUL.
#define RAVE_MAX_STRING 4096

// FFmpeg's `yuv420p`.
#define RAVE_PIX_FMT_YUV420P 1

// FFmpeg's `yuv422p`.
#define RAVE_PIX_FMT_YUV422P 2

// FFmpeg's `yuv444p`.
#define RAVE_PIX_FMT_YUV444P 3

// FFmpeg's `yuv420p10le`.
#define RAVE_PIX_FMT_YUV420P10 4

// FFmpeg's `yuv422p10le`.
#define RAVE_PIX_FMT_YUV422P10 5

// FFmpeg's `yuv444p10le`.
#define RAVE_PIX_FMT_YUV444P10 6

// FFmpeg's `yuv420p12le`.
#define RAVE_PIX_FMT_YUV420P12 7

// FFmpeg's `yuv422p12le`.
#define RAVE_PIX_FMT_YUV422P12 8

// FFmpeg's `yuv444p12le`.
#define RAVE_PIX_FMT_YUV444P12 9

// FFmpeg's `yuv420p16le`.
#define RAVE_PIX_FMT_YUV420P16 10

// FFmpeg's `yuv422p16le`.
#define RAVE_PIX_FMT_YUV422P16 11

// FFmpeg's `yuv444p16le`.
#define RAVE_PIX_FMT_YUV444P16 12

// FFmpeg's `nv12`.
#define RAVE_PIX_FMT_NV12 20

// FFmpeg's `nv16`.
#define RAVE_PIX_FMT_NV16 21

// FFmpeg's `p010le`.
#define RAVE_PIX_FMT_P010 22

// FFmpeg's `p012le`.
#define RAVE_PIX_FMT_P012 23

// FFmpeg's `p016le`.
#define RAVE_PIX_FMT_P016 24

// FFmpeg's `p210le`.
#define RAVE_PIX_FMT_P210 25

// FFmpeg's `p216le`.
#define RAVE_PIX_FMT_P216 26

// FFmpeg's `rgb24`.
#define RAVE_PIX_FMT_RGB24 40

// FFmpeg's `bgr24`.
#define RAVE_PIX_FMT_BGR24 41

// FFmpeg's `rgb0`.
#define RAVE_PIX_FMT_RGB0 42

// FFmpeg's `bgr0`.
#define RAVE_PIX_FMT_BGR0 43

// FFmpeg's `0rgb`.
#define RAVE_PIX_FMT_0RGB 44

// FFmpeg's `0bgr`.
#define RAVE_PIX_FMT_0BGR 45

// FFmpeg's `rgb48le`.
#define RAVE_PIX_FMT_RGB48 46

// FFmpeg's `gbrp`.
#define RAVE_PIX_FMT_GBRP 50

// FFmpeg's `gbrp10le`.
#define RAVE_PIX_FMT_GBRP10 51

// FFmpeg's `gbrp12le`.
#define RAVE_PIX_FMT_GBRP12 52

// FFmpeg's `gbrp14le`.
#define RAVE_PIX_FMT_GBRP14 53

// FFmpeg's `gbrp16le`.
#define RAVE_PIX_FMT_GBRP16 54

// FFmpeg's `gray`.
#define RAVE_PIX_FMT_GRAY8 60

// FFmpeg's `gray10le`.
#define RAVE_PIX_FMT_GRAY10 61

// FFmpeg's `gray12le`.
#define RAVE_PIX_FMT_GRAY12 62

// FFmpeg's `gray14le`.
#define RAVE_PIX_FMT_GRAY14 63

// FFmpeg's `gray16le`.
#define RAVE_PIX_FMT_GRAY16 64

// A device and its settings. Opaque.
typedef struct RaveContext RaveContext;

// A loaded model. Opaque.
typedef struct RaveModel RaveModel;

// A model bound to one frame geometry. Opaque.
typedef struct RaveSession RaveSession;

// What rave_context_ledger_counts() tells: how many lines of each kind the context, and what was made from it, have had in
// the ledger. What hardened mode does is counted by its line, so that there is never one without the other.
typedef struct RaveLedgerCounts {
    // sizeof(RaveLedgerCounts).
    uint32_t struct_size;
    // 0.
    uint32_t reserved;
    // Lines of any kind.
    uint64_t lines;
    // Frames that were taken down.
    uint64_t frames;
    // Frames that were found to repeat the one before.
    uint64_t repeats;
    // What took the place of something better that was missing.
    uint64_t fallbacks;
    // With RAVE_MODE_HARDENED: damaged engines that were put aside in the cache.
    uint64_t cache_entries_put_aside;
    // With RAVE_MODE_HARDENED: times that the cache was done without.
    uint64_t without_cache;
    // With RAVE_MODE_HARDENED: times that memory was tried for once more.
    uint64_t allocations_retried;
    // With RAVE_MODE_HARDENED: frames that were left out because they have no result.
    uint64_t frames_lost;
    // With RAVE_MODE_HARDENED, on a GPU: launches with output that was not finite.
    uint64_t not_finite;
    // Loads, sessions and frames that failed.
    uint64_t failures;
    // Sessions that found their GPU lost.
    uint64_t devices_lost;
} RaveLedgerCounts;

// Receives a message. Called from any thread, also from several at once, but only during calls into the library.
// `level` is a RAVE_LOG_ constant. `message` is one line without a line feed, valid during the call. The callback
// must return, without an exception or a jump. Within it only functions that ask or destroy may be called: those that
// load, create or process return RAVE_ERROR_BUSY.
typedef void (*RaveLogCallback)(void *opaque, int32_t level, const char *message);

// Gives back what kept a CUDA context alive. Must not call the library, and must return.
typedef void (*RaveReleaseCallback)(void *owner);

// What rave_context_create() needs.
typedef struct RaveContextConfig {
    // sizeof(RaveContextConfig).
    uint32_t struct_size;
    // A RAVE_DEVICE_ constant.
    int32_t device;
    // With RAVE_DEVICE_CUDA: the CUcontext to work in. It must stay until `cuda_release` is called, or, when that is
    // NULL, until the context and everything made from it are destroyed. Otherwise NULL.
    void *cuda_context;
    // With RAVE_DEVICE_CUDA: the CUstream of that context in whose order frames are valid; NULL is the legacy default
    // stream. It must stay as long as `cuda_context`. Otherwise NULL.
    void *cuda_stream;
    // Where messages go, or NULL to discard them. Must stay callable until the context and everything made from it are
    // destroyed.
    RaveLogCallback log;
    // Passed to `log` as it is.
    void *log_opaque;
    // The most verbose RAVE_LOG_ level that `log` wants; 0 means RAVE_LOG_INFO.
    int32_t log_level;
    // Of every how many frames in host memory one is taken down in the ledger with the SHA-256 of its input and output; 1
    // is every frame. 0 is 1 with a `ledger`, and none without one. Frames in GPU memory are taken down without hashes:
    // they are not copied for them.
    uint32_t ledger_every;
    // With RAVE_DEVICE_CUDA: called once, with `cuda_owner`, when the library needs `cuda_context` and `cuda_stream` no
    // more, on any thread that is in a call into the library; NULL when nobody needs to know. With it, models stay
    // loaded on the GPU for a while after their last use, as a filter graph that is built anew needs them again.
    // When rave_context_create() fails it is not called.
    RaveReleaseCallback cuda_release;
    // Passed to `cuda_release` as it is, for example a reference that keeps the CUcontext alive.
    void *cuda_owner;
    // Path of the file that gets the ledger: what the context and everything made from it decide that can change results, a
    // line of JSON each, hash-chained; NULL keeps the last lines in memory only. A file that is there is replaced, unless
    // this process has written it: then it goes on. A symbolic link is refused. A file that cannot be written any more is
    // warned of and fails nothing.
    const char *ledger;
} RaveContextConfig;

// Whether what takes long is to be broken off: 0 is no. Called several times a second, from any thread but from one at a
// time, and only during the call that it was given to. It must return at once, and may call the library as a
// RaveLogCallback may.
typedef int32_t (*RaveCancelCallback)(void *opaque);

// How rave_model_load() loads a model.
typedef struct RaveModelConfig {
    // sizeof(RaveModelConfig).
    uint32_t struct_size;
    // A RAVE_BACKEND_ constant.
    int32_t backend;
    // A RAVE_VALUES_ constant.
    int32_t values;
    // CPU threads for inference and pixel conversion, at most 1024; 0 means all cores.
    uint32_t threads;
    // Path of the inference library (libonnxruntime.so, or libnvinfer.so for engines) to use, or NULL to search for it.
    // "embedded" chooses the runtime for ONNX that is built in, which is slower and always there.
    const char *runtime_lib;
    // For engines: path of the lean runtime library of an older TensorRT (libnvinfer_lean.so), which runs
    // version-compatible engines that it built; or NULL.
    const char *lean_runtime;
    // For engines: 1 lets them bring host code of their own, which can do whatever the process can; 0 refuses it.
    uint32_t allow_host_code;
    // For an ONNX model on a GPU: what its engine computes in, a RAVE_PRECISION_ constant. Where no engine is built it must
    // be RAVE_PRECISION_AUTO.
    int32_t precision;
    // For an ONNX model on a GPU: the folder that keeps its engine, or "off" to keep none. NULL is $XDG_CACHE_HOME/rave, or
    // ~/.cache/rave. The folder must be the user's own, and no one else may write it.
    const char *cache;
    // For an ONNX model on a GPU: path of the command rave of this version, which builds the engine in a process of its
    // own. NULL takes the one beside the running program; where there is none, the engine is built in this process.
    const char *builder;
    // For an ONNX model on a GPU: asked while its engine is built, or waited for while another process builds it, whether
    // to break off; NULL never does. rave_model_load() then ends with RAVE_ERROR_CANCELLED: within a second, unless the
    // engine is built in this process, where TensorRT ends its step at hand first.
    RaveCancelCallback cancel;
    // Passed to `cancel` as it is.
    void *cancel_opaque;
    // For an ONNX model on a GPU: a RAVE_BUILD_ constant. Where no engine is built it must not be RAVE_BUILD_ONLY.
    int32_t build;
    // A RAVE_MODE_ constant. With RAVE_MODE_HARDENED memory that runs out is tried for once more, after what nobody uses was
    // freed; for an ONNX model on a GPU, a damaged engine in the cache is put aside and built again, and a cache that cannot
    // be written is done without. All are warned of.
    int32_t mode;
    // For an ONNX model on a GPU: width of the frames, or 0 when it is not known. The engine is built for frames up to a
    // size near this one, and larger ones are cut into tiles.
    uint32_t width;
    // Height of the frames, as `width`. Set both or neither.
    uint32_t height;
} RaveModelConfig;

// What rave_model_info() tells.
typedef struct RaveModelInfo {
    // sizeof(RaveModelInfo).
    uint32_t struct_size;
    // 3 (RGB) or 1 (luma).
    uint32_t channels;
    // Output size over input size, as a reduced fraction.
    uint32_t scale_numerator;
    // See `scale_numerator`.
    uint32_t scale_denominator;
    // The only width that the model takes, or 0 when it takes any.
    uint32_t fixed_width;
    // The only height that the model takes, or 0 when it takes any.
    uint32_t fixed_height;
    // Bits of an element of the input tensor: 32 or 16, both floating point.
    uint32_t input_bits;
    // Bits of an element of the output tensor: 32 or 16, both floating point.
    uint32_t output_bits;
} RaveModelInfo;

// A model bound to a geometry, for rave_session_create().
typedef struct RaveSessionConfig {
    // sizeof(RaveSessionConfig).
    uint32_t struct_size;
    // Pixel format of the input, a RAVE_PIX_FMT_ constant.
    int32_t format;
    // Pixel format of the output; 0 means that of the input.
    int32_t output_format;
    // Width of the visible part of the input, in pixels: 1 to 32768.
    uint32_t width;
    // Height of the visible part of the input, in pixels: 1 to 32768.
    uint32_t height;
    // Tile width in pixels, 16 or more; 0 lets the model decide (a model of fixed size is tiled when the frame is
    // larger, any other takes the frame whole).
    uint32_t tile_width;
    // Tile height in pixels, as `tile_width`. Set both or neither.
    uint32_t tile_height;
    // Pixels that neighbouring tiles share at least, up to half a tile; 0 means 32, or less where tiles are small.
    uint32_t overlap;
    // A RAVE_DITHER_ constant.
    int32_t dither;
    // A RAVE_MODE_ constant.
    int32_t mode;
    // On a GPU: how many frames are computed at a time, at most 16; 0 lets the library choose, and it chooses one.
    uint32_t streams;
    // On a GPU: how many frames go through the model together; 0 means 1, and more than the engine takes is an error.
    // Where frames are cut into tiles, how many of these, and 0 and 1 mean as many as the engine takes.
    uint32_t batch;
    // On a GPU: a RAVE_GRAPH_ constant.
    int32_t graph;
} RaveSessionConfig;

// A frame. The caller owns the pixels; the library keeps no pointer after the call returns.
typedef struct RaveFrame {
    // sizeof(RaveFrame).
    uint32_t struct_size;
    // Pixel format, a RAVE_PIX_FMT_ constant.
    int32_t format;
    // Where the pixels are, a RAVE_MEMORY_ constant.
    int32_t memory;
    // Width of the stored picture in pixels, before cropping.
    uint32_t width;
    // Height of the stored picture in pixels, before cropping.
    uint32_t height;
    // Columns to leave out at the left. 0 in an output frame.
    uint32_t crop_left;
    // Columns to leave out at the right. 0 in an output frame.
    uint32_t crop_right;
    // Rows to leave out at the top. 0 in an output frame.
    uint32_t crop_top;
    // Rows to leave out at the bottom. 0 in an output frame.
    uint32_t crop_bottom;
    // Matrix coefficients, an ITU-T H.273 code point (equal to FFmpeg's AVColorSpace); 2 is unspecified, and so is 0
    // but in Y'CbCr without subsampling, where it says that the planes hold G, B and R, which is refused.
    int32_t matrix;
    // 0 unspecified, 1 limited, 2 full (FFmpeg's AVColorRange). Without effect in RGB, which is always full.
    int32_t range;
    // Chroma siting: 0 unspecified, 1 left, 2 centre, 3 top left, 4 top, 5 bottom left, 6 bottom (AVChromaLocation).
    int32_t siting;
    // The planes, as FFmpeg's AVFrame.data. Unused ones are NULL.
    uint8_t *data[4];
    // Bytes from one row to the next, as FFmpeg's AVFrame.linesize; negative for a picture stored bottom-up, whose
    // `data` then points at its top row.
    int64_t linesize[4];
} RaveFrame;

// What rave_session_stats() tells. Times are sums over all frames, in nanoseconds of wall clock.
typedef struct RaveStats {
    // sizeof(RaveStats).
    uint32_t struct_size;
    // How many tiles a frame is made of; 1 when it is processed whole.
    uint32_t tiles;
    // Frames processed with success.
    uint64_t frames;
    // Frames refused or failed.
    uint64_t failed_frames;
    // Time spent turning frames into tensors.
    uint64_t unpack_ns;
    // Time spent in the model.
    uint64_t inference_ns;
    // Time spent turning tensors into frames.
    uint64_t pack_ns;
    // On a GPU, where the three above are 0: time that calling threads spent on giving frames to the GPU, without those
    // in which they slept because it had enough to do.
    uint64_t submit_ns;
    // On a GPU: frames that were launched as a CUDA graph.
    uint64_t graph_frames;
    // On a GPU: elements of the model's output that were NaN or infinite.
    uint64_t non_finite;
    // On a GPU: device memory that the context's pool holds, in bytes; its sessions share it.
    uint64_t pool_bytes;
    // On a GPU: requests of device memory that the pool served without an allocation.
    uint64_t pool_hits;
    // On a GPU: requests of device memory that took an allocation.
    uint64_t pool_misses;
    // On a GPU: how many frames are computed at a time.
    uint32_t streams;
    // 0.
    uint32_t reserved;
    // With RAVE_MODE_HARDENED: frames that were left out because they have no result.
    uint64_t lost_frames;
} RaveStats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Writes how many lines of each kind the ledger has had from the context and what was made from it to `*counts`, whose
// struct_size must be set. Never blocks; may run beside other calls. RAVE_ERROR_INVALID_PARAMETER,
// RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
int32_t rave_context_ledger_counts(const struct RaveContext *context,
                                   struct RaveLedgerCounts *counts);

// Writes line `number` of the context's ledger, from 0, to `text`, without a line feed and with a NUL, and its length
// without the NUL to `*length`. `size` is how many bytes `text` has; where these are too few nothing is written but
// `*length`, and `text` may be NULL when `size` is 0. The last 1024 lines are in memory.
//
// May wait for a line that is being written to a file; may run beside other calls. RAVE_ERROR_INVALID_PARAMETER also for
// a line that is not there yet, or not in memory any more; RAVE_ERROR_INVALID_HANDLE.
int32_t rave_context_ledger_line(const struct RaveContext *context,
                                 uint64_t number,
                                 char *text,
                                 uint64_t size,
                                 uint64_t *length);

// Creates a context from `config`. Quick; opens no library but, with RAVE_DEVICE_CUDA, the GPU's driver, and no file but the
// ledger's.
//
// Returns the context, which the caller ends with rave_context_destroy(), or NULL with a status in `*error`:
// RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_DEVICE_NOT_FOUND, RAVE_ERROR_DEVICE_LOST; where the
// ledger cannot be written RAVE_ERROR_FILE_NOT_FOUND, RAVE_ERROR_PERMISSION_DENIED, RAVE_ERROR_IO, RAVE_ERROR_UNTRUSTED (a
// symbolic link) or RAVE_ERROR_BUSY (another process writes it).
struct RaveContext *rave_context_create(const struct RaveContextConfig *config,
                                        int32_t *error);

// Ends `*context` and sets it to NULL. Models and sessions made from it stay valid. NULL, or a pointer to NULL, is
// nothing to do. RAVE_ERROR_INVALID_HANDLE when it was destroyed already, RAVE_ERROR_BUSY while a call runs on it;
// `*context` is unchanged then.
int32_t rave_context_destroy(struct RaveContext **context);

// Whether FFmpeg's encoder `encoder` (h264_nvenc, hevc_nvenc, av1_nvenc) takes frames of `width` x `height` and `format`,
// a RAVE_PIX_FMT_ constant, on the GPU of a context of RAVE_DEVICE_CUDA. RAVE_OK when it does; otherwise
// rave_last_error() says why not, and what to use in its place: RAVE_ERROR_INVALID_DEVICE (a GPU without NVENC),
// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_RUNTIME_LIBRARY_MISSING, RAVE_ERROR_INVALID_PARAMETER,
// RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_INVALID_HANDLE. The first call may block for a short while.
int32_t rave_encoder_check(struct RaveContext *context,
                           const char *encoder,
                           uint32_t width,
                           uint32_t height,
                           int32_t format);

// The meaning of a status, as static text; that of RAVE_ERROR_UNKNOWN for a code that this version does not know.
// Never NULL, never blocks; may be called at any time.
const char *rave_error_message(int32_t code);

// What the last failed call on this thread had to say: which object, what was found, what was expected, what to do.
// Begins with the status in square brackets, such as "[FILE_NOT_FOUND] ". Empty when no call has failed.
//
// `context` says whose error is asked for and may be NULL, also when no context could be created; messages are kept
// per thread, so it is that of this thread's last failure in either case. The text stays valid until the next failing
// call on this thread. Never NULL, never blocks; may be called at any time.
const char *rave_last_error(const struct RaveContext *context);

// The version of the library in use, as RAVE_VERSION_NUMBER is that of the header. Never blocks.
uint32_t rave_version(void);

// Loads the model in the file `path` and checks that it keeps the model contract: one NCHW tensor in and one out, 3
// (RGB) or 1 (luma) channels, fp32 or fp16, scaled alike in both directions. `config` may be NULL for the defaults.
//
// Blocks for as long as reading and preparing the model takes. In a context of RAVE_DEVICE_CUDA an ONNX model becomes a
// TensorRT engine first, which can take minutes and is told to the log every few seconds; the engine is kept in a folder
// for the next time. Equal files with equal settings are loaded once in a process, and stay loaded for a while after
// their last use.
//
// Returns the model, which the caller ends with rave_model_destroy(), or NULL with a status in `*error`:
// RAVE_ERROR_FILE_NOT_FOUND, RAVE_ERROR_PERMISSION_DENIED, RAVE_ERROR_IO, RAVE_ERROR_MODEL_LOAD_FAILED,
// RAVE_ERROR_UNTRUSTED, RAVE_ERROR_RUNTIME_LIBRARY_MISSING, RAVE_ERROR_DEVICE_NOT_FOUND, RAVE_ERROR_OUT_OF_MEMORY,
// RAVE_ERROR_ENGINE_MISMATCH, RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_CANCELLED,
// RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
struct RaveModel *rave_model_load(struct RaveContext *context,
                                  const char *path,
                                  const struct RaveModelConfig *config,
                                  int32_t *error);

// Ends `*model` and sets it to NULL. Sessions made from it stay valid. NULL, or a pointer to NULL, is nothing to do.
// RAVE_ERROR_INVALID_HANDLE when it was destroyed already, RAVE_ERROR_BUSY while a call runs on it; `*model` is
// unchanged then.
int32_t rave_model_destroy(struct RaveModel **model);

// Writes what the model takes and gives to `*info`, whose struct_size must be set. Never blocks; may run beside other
// calls. RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
int32_t rave_model_info(const struct RaveModel *model,
                        struct RaveModelInfo *info);

// One line for people: tensors, types, scale, and which inference library runs the model. NULL when `model` is not a
// live handle. The text stays valid until the model is destroyed. Never blocks; may run beside other calls.
const char *rave_model_description(const struct RaveModel *model);

// The pixel format with FFmpeg's name `name` (av_get_pix_fmt_name), a RAVE_PIX_FMT_ constant, or 0 when the library
// does not support the format or `name` is not a string it takes. Never blocks; may be called at any time.
int32_t rave_pixel_format_from_name(const char *name);

// FFmpeg's name of a RAVE_PIX_FMT_ constant, or NULL when `format` is none. Static text. Never blocks; may be called
// at any time.
const char *rave_pixel_format_name(int32_t format);

// The `index`-th supported pixel format, counting from 0, written to `*format`; RAVE_ERROR_INVALID_PARAMETER past the
// last one. Never blocks; may be called at any time.
int32_t rave_pixel_format_at(uint32_t index,
                             int32_t *format);

// Binds `model` to frames of the geometry in `config` and allocates the model's tensors; what else processing needs is
// allocated with the first frame.
//
// May run the model on small inputs to learn which sizes it takes, so it may block for a short while.
//
// Returns the session, which the caller ends with rave_session_destroy(), or NULL with a status in `*error`:
// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_OUT_OF_MEMORY, RAVE_ERROR_MODEL_LOAD_FAILED,
// RAVE_ERROR_INFERENCE_FAILED, RAVE_ERROR_KERNEL_LAUNCH_FAILED, RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_ABI_MISMATCH,
// RAVE_ERROR_INVALID_HANDLE.
struct RaveSession *rave_session_create(struct RaveModel *model,
                                        const struct RaveSessionConfig *config,
                                        int32_t *error);

// Ends `*session` and sets it to NULL. NULL, or a pointer to NULL, is nothing to do. RAVE_ERROR_INVALID_HANDLE when it
// was destroyed already, RAVE_ERROR_BUSY while a call runs on it; `*session` is unchanged then.
int32_t rave_session_destroy(struct RaveSession **session);

// Writes the size of the frames that the session makes to `*width` and `*height`, in pixels. Never blocks; may run
// beside other calls. RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_INVALID_HANDLE.
int32_t rave_session_output_size(const struct RaveSession *session,
                                 uint32_t *width,
                                 uint32_t *height);

// Runs the model on the visible part of `input` and writes the result to `out`.
//
// The caller describes both frames in full and owns their pixels; the planes of `out` must not overlap each other or
// those of `input`. The format and visible size of `input`, and the format and size of `out`, must be the session's:
// anything else is refused and nothing is written. The colour description is read from each input frame; what is
// unspecified there is taken as BT.601 below 720 lines and BT.709 from there, limited range for Y'CbCr, full range for
// RGB and gray, left siting. Where RGB becomes Y'CbCr or gray, or gray Y'CbCr, the matrix and range in `out` are what
// is made, if they are specified; otherwise the fields of `out` have no effect on the pixels. On success
// `out->matrix`, `out->range` and `out->siting` say what the pixels are.
// After a failure the pixels of `out` are undefined, and its fields are unchanged.
//
// With RAVE_MODE_HARDENED a frame without a result gives RAVE_ERROR_FRAME_LOST, if the one before did not: leave it out and
// go on with the next.
//
// In host memory it blocks until the pixels are written. In GPU memory it is rave_session_submit() and
// rave_session_finish() in one, refused with RAVE_ERROR_BUSY while frames are in flight.
//
// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_INFERENCE_FAILED (also when the model's output
// is not finite), RAVE_ERROR_FRAME_LOST, RAVE_ERROR_KERNEL_LAUNCH_FAILED, RAVE_ERROR_DEVICE_LOST,
// RAVE_ERROR_OUT_OF_MEMORY, RAVE_ERROR_BUSY, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
int32_t rave_session_process(struct RaveSession *session,
                             const struct RaveFrame *input,
                             struct RaveFrame *out);

// Enqueues a frame: as rave_session_process(), but in GPU memory it returns before any of it is done, and the frame is in
// flight until rave_session_finish(). Frames are finished in the order in which they were submitted; at most
// rave_session_capacity() are in flight, one more gives RAVE_ERROR_BUSY.
//
// What `input` holds is read in order on the context's stream as it is now. Both frames must stay as they are until the
// frame is finished. In GPU memory, where the session keeps size and format, `out` may be the same frame as `input`.
// What goes wrong with a frame on the GPU may be known only later: then the error of a later call names the frame. A frame
// that gives RAVE_ERROR_FRAME_LOST is not in flight, and nothing needs it any more.
//
// In host memory the frame is processed before this returns.
int32_t rave_session_submit(struct RaveSession *session,
                            const struct RaveFrame *input,
                            struct RaveFrame *out);

// Finishes the oldest frame in flight: from now on its output is valid in order on the context's stream, and what is
// enqueued there from now on may change its input. Does not wait for the GPU. RAVE_ERROR_INVALID_PARAMETER when no frame
// is in flight; else as rave_session_submit().
int32_t rave_session_finish(struct RaveSession *session);

// Writes 1 to `*repeat` when the visible part of `frame` has the bytes and the colours of `previous`, so that the
// session makes the same of both, and 0 when not. Both are of the session's input geometry. Nothing that is in flight may
// write to either. In GPU memory they are compared there, and the call blocks until that is known.
// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_OUT_OF_MEMORY, RAVE_ERROR_KERNEL_LAUNCH_FAILED,
// RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_BUSY, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
int32_t rave_session_is_repeat(struct RaveSession *session,
                               const struct RaveFrame *previous,
                               const struct RaveFrame *frame,
                               int32_t *repeat);

// Blocks until the GPU has done everything that was submitted, and reports what went wrong with it; for the end of a
// stream. Frames in flight stay so. As rave_session_submit().
int32_t rave_session_drain(struct RaveSession *session);

// Writes how many frames may be in flight to `*frames`. Never blocks; may run beside other calls.
// RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_INVALID_HANDLE.
int32_t rave_session_capacity(const struct RaveSession *session, uint32_t *frames);

// Writes what the session has done so far to `*stats`, whose struct_size must be set. Never blocks; may run beside
// other calls. RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
int32_t rave_session_stats(const struct RaveSession *session,
                           struct RaveStats *stats);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RAVE_H */
