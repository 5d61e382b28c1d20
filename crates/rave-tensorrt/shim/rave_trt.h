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
#define RAVE_TRT_THIS_GPU 1 /* nvinfer1::ComputeCapability::kCURRENT of RTX */

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

/* Where a build says how far it is (nvinfer1::IProgressMonitor). The functions may be called from any thread, also from
 * several at once, and must not unwind. */
typedef struct RaveTrtMonitor {
    void *user;
    void (*phase_start)(void *user, const char *phase, const char *parent, int32_t steps); /* parent NULL: outermost */
    int32_t (*step_complete)(void *user, const char *phase, int32_t step); /* 0 asks TensorRT to give up the build */
    void (*phase_finish)(void *user, const char *phase);
} RaveTrtMonitor;

/* What the ONNX parser says of one error (nvonnxparser::IParserError). The strings are the parser's own, valid until it
 * is destroyed; each may be NULL. */
typedef struct RaveTrtParserError {
    int32_t code;        /* nvonnxparser::ErrorCode */
    int32_t node;        /* index in the graph, -1 for none */
    const char *name;    /* of the node */
    const char *op;      /* its operator */
    const char *text;
} RaveTrtParserError;

/* How an engine is built. */
typedef struct RaveTrtBuildOptions {
    int32_t fp16;                 /* 1 lets fp32 layers run in fp16: weakly typed networks of TensorRT 10 only */
    int32_t bf16;                 /* the same with bf16 */
    int32_t tf32;                 /* 1 lets fp32 layers use TF32, 0 forbids it */
    int32_t version_compatible;   /* 1 for plans that later versions run through a lean runtime, which stays outside */
    int32_t level;                /* nvinfer1::IBuilderConfig::setBuilderOptimizationLevel, 0 to 5 */
    int64_t workspace;            /* bytes of scratch memory that a layer may use; 0 leaves TensorRT's own limit */
} RaveTrtBuildOptions;

/* Vendor objects, opaque here. */
typedef struct RaveTrtBridge RaveTrtBridge;
typedef struct RaveTrtRuntime RaveTrtRuntime;
typedef struct RaveTrtEngine RaveTrtEngine;
typedef struct RaveTrtContext RaveTrtContext;
typedef struct RaveTrtBuilder RaveTrtBuilder;
typedef struct RaveTrtNetwork RaveTrtNetwork;
typedef struct RaveTrtParser RaveTrtParser;
typedef struct RaveTrtConfig RaveTrtConfig;
typedef struct RaveTrtTimings RaveTrtTimings;
typedef struct RaveTrtMemory RaveTrtMemory;

typedef struct RaveTrtApi {
    /* The headers that this table was compiled against: major * 10000 + minor * 100 + patch, 1 << 24 added for RTX. */
    int32_t headers;

    /* The logger and error recorder of one runtime or build; NULL when out of memory. Never destroyed: TensorRT keeps
     * the first logger that it gets for messages that belong to no object, and says nothing of when it lets go of it. */
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

    /* create is the library's createInferBuilder_INTERNAL, version its own getInferLibVersion(). NULL on failure. The
     * builder reports to the bridge, and is destroyed after everything that it made. */
    RaveTrtBuilder *(*builder_create)(void *create, int32_t version, RaveTrtBridge *bridge);
    void (*builder_destroy)(RaveTrtBuilder *builder);

    /* An empty network. typed asks for one whose tensors keep the model's types; 11 and RTX make no other. NULL on
     * failure. */
    RaveTrtNetwork *(*network_create)(RaveTrtBuilder *builder, int32_t typed);
    void (*network_destroy)(RaveTrtNetwork *network);
    int32_t (*network_layers)(const RaveTrtNetwork *network);
    int32_t (*network_inputs)(const RaveTrtNetwork *network);
    int32_t (*network_outputs)(const RaveTrtNetwork *network);
    /* Fills out; returns the name, owned by the network, or NULL when index is out of range. */
    const char *(*network_tensor)(const RaveTrtNetwork *network, int32_t input, int32_t index, RaveTrtTensor *out);
    /* The types of all tensors that layers compute: bit n is set for nvinfer1::DataType n. */
    int64_t (*network_types)(const RaveTrtNetwork *network);
    /* Makes the only input and the only output row-major without padding, and fixes the input's shape unless NULL. */
    void (*network_fix)(RaveTrtNetwork *network, const RaveTrtDims *shape);

    /* create is the parser library's createNvOnnxParser_INTERNAL, version its own getNvOnnxParserVersion(). NULL on
     * failure. Destroyed before the network; the network's weights are the parser's, so after the build. */
    RaveTrtParser *(*parser_create)(void *create, int32_t version, RaveTrtNetwork *network, RaveTrtBridge *bridge);
    void (*parser_destroy)(RaveTrtParser *parser);
    /* 1 on success, also for an empty model. */
    int32_t (*parser_parse)(RaveTrtParser *parser, const void *model, size_t size);
    int32_t (*parser_errors)(const RaveTrtParser *parser);
    void (*parser_error)(const RaveTrtParser *parser, int32_t index, RaveTrtParserError *out);

    /* NULL on failure. */
    RaveTrtConfig *(*config_create)(RaveTrtBuilder *builder, const RaveTrtBuildOptions *options);
    void (*config_destroy)(RaveTrtConfig *config);
    /* One optimisation profile with the smallest, best and largest shape of one input. 1 on success. */
    int32_t (*config_add_profile)(
        RaveTrtConfig *config, RaveTrtBuilder *builder, const char *input, const RaveTrtDims *shapes);
    /* RTX only: the GPUs to build for, as major * 10 + minor, or RAVE_TRT_THIS_GPU alone. How many of them were taken,
     * counted from the first: all on success. */
    int32_t (*config_set_capabilities)(RaveTrtConfig *config, const int32_t *capabilities, int32_t count);
    /* 10 and 11 only: timings of kernels, from an earlier build (size 0: none yet), attached to the config. NULL on
     * failure. Destroyed after the builder. */
    RaveTrtTimings *(*timings_create)(RaveTrtConfig *config, const void *data, size_t size);
    void (*timings_destroy)(RaveTrtTimings *timings);
    /* With what a build added. NULL on failure. */
    RaveTrtMemory *(*timings_serialize)(const RaveTrtTimings *timings);

    /* The plan; NULL on failure, or when a step was answered with 0. */
    RaveTrtMemory *(*build)(
        RaveTrtBuilder *builder, RaveTrtNetwork *network, RaveTrtConfig *config, const RaveTrtMonitor *monitor);
    const void *(*memory_data)(const RaveTrtMemory *memory);
    size_t (*memory_size)(const RaveTrtMemory *memory);
    void (*memory_destroy)(RaveTrtMemory *memory);
} RaveTrtApi;

/* One per major whose headers were present when RAVE was built. */
const RaveTrtApi *rave_trt_api_10(void) RAVE_TRT_NOEXCEPT;
const RaveTrtApi *rave_trt_api_11(void) RAVE_TRT_NOEXCEPT;
const RaveTrtApi *rave_trt_api_rtx(void) RAVE_TRT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
