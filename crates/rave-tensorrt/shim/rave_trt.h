/* The flat C face of TensorRT that RAVE uses: one table of function pointers per major version.
 *
 * src/sys.rs declares the same types by hand; tests/abi.rs compiles this header and compares every size, offset and
 * number. All pointers are non-NULL unless said otherwise, strings are NUL-terminated, and every object made here is
 * destroyed by the function beside the one that made it. */
#ifndef RAVE_TRT_H
#define RAVE_TRT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define RAVE_TRT_NOEXCEPT noexcept
#else
#define RAVE_TRT_NOEXCEPT
#endif

#define RAVE_TRT_MAX_DIMS 8

/* nvinfer1::Dims. -1 is a dimension that the caller chooses; rank is -1 when TensorRT knows no such tensor. */
typedef struct RaveTrtDims {
    int32_t rank;
    int64_t extent[RAVE_TRT_MAX_DIMS];
} RaveTrtDims;

/* What an engine says of one tensor. */
typedef struct RaveTrtTensor {
    int32_t is_input;    /* 1 input, 0 output */
    int32_t data_type;   /* nvinfer1::DataType */
    int32_t format;      /* nvinfer1::TensorFormat in profile 0; 0 is LINEAR */
    int32_t on_device;   /* 1 in device memory, 0 in host memory (a shape tensor) */
    RaveTrtDims shape;   /* at build time */
} RaveTrtTensor;

/* Where messages and errors go. Both functions may be called from any thread, also from several at once, and must not
 * unwind. */
typedef struct RaveTrtSink {
    void *user;
    void (*log)(void *user, int32_t severity, const char *message); /* nvinfer1::ILogger::Severity */
    void (*error)(void *user, int32_t code, const char *description); /* nvinfer1::ErrorCode */
} RaveTrtSink;

/* Vendor objects, opaque here. */
typedef struct RaveTrtBridge RaveTrtBridge;
typedef struct RaveTrtRuntime RaveTrtRuntime;
typedef struct RaveTrtEngine RaveTrtEngine;
typedef struct RaveTrtContext RaveTrtContext;

typedef struct RaveTrtApi {
    /* The headers that this table was compiled against: major * 10000 + minor * 100 + patch, 1 << 24 added for RTX. */
    int32_t headers;

    /* The logger and error recorder of one runtime; NULL when out of memory. Never destroyed: TensorRT keeps the first
     * logger that it gets for messages that belong to no runtime, and says nothing of when it lets go of it. */
    RaveTrtBridge *(*bridge_create)(RaveTrtSink sink);

    /* create is the library's createInferRuntime_INTERNAL, version its own getInferLibVersion(). NULL on failure. */
    RaveTrtRuntime *(*runtime_create)(void *create, int32_t version, RaveTrtBridge *bridge);
    /* The runtime inside another lean library, for version-compatible plans. NULL on failure. */
    RaveTrtRuntime *(*runtime_load)(RaveTrtRuntime *runtime, const char *path);
    void (*runtime_destroy)(RaveTrtRuntime *runtime);
    /* Routes errors to the bridge. Separate from creation: the runtime of a lean library has to be told, too. */
    void (*runtime_set_recorder)(RaveTrtRuntime *runtime, RaveTrtBridge *bridge);
    void (*runtime_set_temporary_directory)(RaveTrtRuntime *runtime, const char *path);
    void (*runtime_allow_host_code)(RaveTrtRuntime *runtime);
    /* NULL on failure. */
    RaveTrtEngine *(*engine_deserialize)(RaveTrtRuntime *runtime, const void *plan, size_t size);

    void (*engine_destroy)(RaveTrtEngine *engine);
    int32_t (*engine_tensors)(const RaveTrtEngine *engine);
    /* Owned by the engine; NULL when index is out of range. */
    const char *(*engine_tensor_name)(const RaveTrtEngine *engine, int32_t index);
    void (*engine_tensor)(const RaveTrtEngine *engine, const char *name, RaveTrtTensor *out);
    int32_t (*engine_profiles)(const RaveTrtEngine *engine);
    /* which: 0 smallest, 1 best, 2 largest */
    void (*engine_profile_shape)(
        const RaveTrtEngine *engine, const char *name, int32_t profile, int32_t which, RaveTrtDims *out);
    int32_t (*engine_aux_streams)(const RaveTrtEngine *engine);
    /* Bytes of scratch memory that one context needs in this profile. */
    int64_t (*engine_scratch_size)(const RaveTrtEngine *engine, int32_t profile);

    /* A context without scratch memory; NULL on failure. */
    RaveTrtContext *(*context_create)(RaveTrtEngine *engine);
    void (*context_destroy)(RaveTrtContext *context);
    void (*context_set_scratch)(RaveTrtContext *context, void *memory, int64_t size);
    /* The optimisation profile in use, -1 for none yet. */
    int32_t (*context_profile)(const RaveTrtContext *context);
    /* stream is a cudaStream_t or CUstream. 1 on success, here and below. */
    int32_t (*context_set_profile)(RaveTrtContext *context, int32_t profile, void *stream);
    int32_t (*context_set_input_shape)(RaveTrtContext *context, const char *name, const RaveTrtDims *shape);
    void (*context_tensor_shape)(const RaveTrtContext *context, const char *name, RaveTrtDims *out);
    int32_t (*context_set_tensor_address)(RaveTrtContext *context, const char *name, void *address);
    int32_t (*context_enqueue)(RaveTrtContext *context, void *stream);
} RaveTrtApi;

/* One per major whose headers were present when RAVE was built. */
const RaveTrtApi *rave_trt_api_10(void) RAVE_TRT_NOEXCEPT;
const RaveTrtApi *rave_trt_api_11(void) RAVE_TRT_NOEXCEPT;
const RaveTrtApi *rave_trt_api_rtx(void) RAVE_TRT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
