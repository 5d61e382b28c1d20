// The table of rave_trt.h over one major version's headers. build.rs compiles this file once per major with
//   -Dnvinfer1=rave_nvinfer1_<major>      the vendor's namespace, renamed so that no two majors share an inline symbol
//   -DRAVE_TRT_API=rave_trt_api_<major>   the function that returns the table
// and without exceptions, RTTI or thread-safe statics, so that linking it needs no C++ library.
#include "rave_trt.h"

#include <cstdlib>
#include <new>

#include <NvInferRuntime.h>

// TensorRT 10 deprecates the calls for scratch memory without a size. They are used there on purpose: they are the
// only ones that the lean runtime of TensorRT 8.6 has, too.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace trt = nvinfer1;

namespace {

// The vendor's objects are destroyed by the vendor's own deleting destructors and ours never are, but the compiler emits
// one per virtual destructor, which would refer to the C++ library's operator delete: hence the operators below. The
// members that say nothing new (language and interface) are there so that the vendor's inline ones, which would become
// global symbols of librave.a, are not emitted. tests/symbols.rs holds us to both.
class Logger final : public trt::ILogger {
public:
    explicit Logger(const RaveTrtSink &sink) noexcept : sink_(sink) {}
    void log(Severity severity, const trt::AsciiChar *message) noexcept override {
        sink_.log(sink_.user, static_cast<int32_t>(severity), message);
    }
#if NV_TENSORRT_MAJOR != 10 // there ILogger carries no version
    trt::APILanguage getAPILanguage() const noexcept override { return trt::APILanguage::kCPP; }
    trt::InterfaceInfo getInterfaceInfo() const noexcept override { return {"ILogger", 1, 0}; }
#endif
    static void operator delete(void *) noexcept {}

private:
    RaveTrtSink sink_;
};

// Passes errors on at once and keeps none, so its list is always empty.
class Recorder final : public trt::IErrorRecorder {
public:
    explicit Recorder(const RaveTrtSink &sink) noexcept : sink_(sink) {}
    trt::APILanguage getAPILanguage() const noexcept override { return trt::APILanguage::kCPP; }
    trt::InterfaceInfo getInterfaceInfo() const noexcept override { return {"IErrorRecorder", 1, 0}; }
    int32_t getNbErrors() const noexcept override { return 0; }
    trt::ErrorCode getErrorCode(int32_t) const noexcept override { return trt::ErrorCode::kSUCCESS; }
    ErrorDesc getErrorDesc(int32_t) const noexcept override { return ""; }
    bool hasOverflowed() const noexcept override { return false; }
    void clear() noexcept override {}
    bool reportError(trt::ErrorCode code, ErrorDesc description) noexcept override {
        sink_.error(sink_.user, static_cast<int32_t>(code), description);
        // The answer asks whether the error is fatal to the whole library. Ours go to the caller as a status.
        return false;
    }
    // The owner outlives every runtime, so references need no counting.
    RefCount incRefCount() noexcept override { return 1; }
    RefCount decRefCount() noexcept override { return 1; }
    static void operator delete(void *) noexcept {}

private:
    RaveTrtSink sink_;
};

struct Bridge {
    explicit Bridge(const RaveTrtSink &sink) noexcept : logger(sink), recorder(sink) {}
    Logger logger;
    Recorder recorder;
};

Bridge *real(RaveTrtBridge *p) noexcept { return reinterpret_cast<Bridge *>(p); }
trt::IRuntime *real(RaveTrtRuntime *p) noexcept { return reinterpret_cast<trt::IRuntime *>(p); }
trt::ICudaEngine *real(RaveTrtEngine *p) noexcept { return reinterpret_cast<trt::ICudaEngine *>(p); }
const trt::ICudaEngine *real(const RaveTrtEngine *p) noexcept { return reinterpret_cast<const trt::ICudaEngine *>(p); }
trt::IExecutionContext *real(RaveTrtContext *p) noexcept { return reinterpret_cast<trt::IExecutionContext *>(p); }
const trt::IExecutionContext *real(const RaveTrtContext *p) noexcept {
    return reinterpret_cast<const trt::IExecutionContext *>(p);
}
cudaStream_t stream_of(void *stream) noexcept { return static_cast<cudaStream_t>(stream); }

static_assert(trt::Dims::MAX_DIMS == RAVE_TRT_MAX_DIMS, "RaveTrtDims must hold every shape of TensorRT");

void store(const trt::Dims &from, RaveTrtDims *to) noexcept {
    to->rank = from.nbDims;
    for (int i = 0; i < RAVE_TRT_MAX_DIMS; ++i) {
        to->extent[i] = i < from.nbDims ? static_cast<int64_t>(from.d[i]) : 0;
    }
}

RaveTrtBridge *bridge_create(RaveTrtSink sink) noexcept {
    void *memory = std::malloc(sizeof(Bridge));
    return memory == nullptr ? nullptr : reinterpret_cast<RaveTrtBridge *>(new (memory) Bridge(sink));
}

RaveTrtRuntime *runtime_create(void *create, int32_t version, RaveTrtBridge *bridge) noexcept {
    using Create = void *(*)(void *logger, int32_t version);
    trt::ILogger *logger = &real(bridge)->logger;
    void *runtime = reinterpret_cast<Create>(create)(logger, version);
    // When TensorRT 10.16 fails here it still adds a base class's offset to its null pointer and returns, say, 0x228.
    // No object lies in the first page.
    return reinterpret_cast<uintptr_t>(runtime) < 4096 ? nullptr : static_cast<RaveTrtRuntime *>(runtime);
}

RaveTrtRuntime *runtime_load(RaveTrtRuntime *runtime, const char *path) noexcept {
    return reinterpret_cast<RaveTrtRuntime *>(real(runtime)->loadRuntime(path));
}

void runtime_destroy(RaveTrtRuntime *runtime) noexcept { delete real(runtime); }

void runtime_set_recorder(RaveTrtRuntime *runtime, RaveTrtBridge *bridge) noexcept {
    real(runtime)->setErrorRecorder(&real(bridge)->recorder);
}

void runtime_set_temporary_directory(RaveTrtRuntime *runtime, const char *path) noexcept {
    real(runtime)->setTemporaryDirectory(path);
}

void runtime_allow_host_code(RaveTrtRuntime *runtime) noexcept { real(runtime)->setEngineHostCodeAllowed(true); }

RaveTrtEngine *engine_deserialize(RaveTrtRuntime *runtime, const void *plan, size_t size) noexcept {
    return reinterpret_cast<RaveTrtEngine *>(real(runtime)->deserializeCudaEngine(plan, size));
}

void engine_destroy(RaveTrtEngine *engine) noexcept { delete real(engine); }

int32_t engine_tensors(const RaveTrtEngine *engine) noexcept { return real(engine)->getNbIOTensors(); }

const char *engine_tensor_name(const RaveTrtEngine *engine, int32_t index) noexcept {
    return real(engine)->getIOTensorName(index);
}

void engine_tensor(const RaveTrtEngine *engine, const char *name, RaveTrtTensor *out) noexcept {
    const trt::ICudaEngine *from = real(engine);
    out->is_input = from->getTensorIOMode(name) == trt::TensorIOMode::kINPUT ? 1 : 0;
    out->data_type = static_cast<int32_t>(from->getTensorDataType(name));
    out->format = static_cast<int32_t>(from->getTensorFormat(name, 0));
    out->on_device = from->getTensorLocation(name) == trt::TensorLocation::kDEVICE ? 1 : 0;
    store(from->getTensorShape(name), &out->shape);
}

int32_t engine_profiles(const RaveTrtEngine *engine) noexcept { return real(engine)->getNbOptimizationProfiles(); }

void engine_profile_shape(
    const RaveTrtEngine *engine, const char *name, int32_t profile, int32_t which, RaveTrtDims *out) noexcept {
    store(real(engine)->getProfileShape(name, profile, static_cast<trt::OptProfileSelector>(which)), out);
}

int32_t engine_aux_streams(const RaveTrtEngine *engine) noexcept { return real(engine)->getNbAuxStreams(); }

int64_t engine_scratch_size(const RaveTrtEngine *engine, [[maybe_unused]] int32_t profile) noexcept {
#if NV_TENSORRT_MAJOR == 10
    return static_cast<int64_t>(real(engine)->getDeviceMemorySize());
#else
    return real(engine)->getDeviceMemorySizeForProfileV2(profile);
#endif
}

RaveTrtContext *context_create(RaveTrtEngine *engine) noexcept {
#if NV_TENSORRT_MAJOR == 10
    return reinterpret_cast<RaveTrtContext *>(real(engine)->createExecutionContextWithoutDeviceMemory());
#else
    return reinterpret_cast<RaveTrtContext *>(
        real(engine)->createExecutionContext(trt::ExecutionContextAllocationStrategy::kUSER_MANAGED));
#endif
}

void context_destroy(RaveTrtContext *context) noexcept { delete real(context); }

void context_set_scratch(RaveTrtContext *context, void *memory, [[maybe_unused]] int64_t size) noexcept {
#if NV_TENSORRT_MAJOR == 10
    real(context)->setDeviceMemory(memory);
#else
    real(context)->setDeviceMemoryV2(memory, size);
#endif
}

int32_t context_profile(const RaveTrtContext *context) noexcept { return real(context)->getOptimizationProfile(); }

int32_t context_set_profile(RaveTrtContext *context, int32_t profile, void *stream) noexcept {
    return real(context)->setOptimizationProfileAsync(profile, stream_of(stream)) ? 1 : 0;
}

int32_t context_set_input_shape(RaveTrtContext *context, const char *name, const RaveTrtDims *shape) noexcept {
    trt::Dims dims{};
    dims.nbDims = shape->rank;
    for (int i = 0; i < shape->rank && i < RAVE_TRT_MAX_DIMS; ++i) {
        dims.d[i] = shape->extent[i];
    }
    return real(context)->setInputShape(name, dims) ? 1 : 0;
}

void context_tensor_shape(const RaveTrtContext *context, const char *name, RaveTrtDims *out) noexcept {
    store(real(context)->getTensorShape(name), out);
}

int32_t context_set_tensor_address(RaveTrtContext *context, const char *name, void *address) noexcept {
    return real(context)->setTensorAddress(name, address) ? 1 : 0;
}

int32_t context_enqueue(RaveTrtContext *context, void *stream) noexcept {
    return real(context)->enqueueV3(stream_of(stream)) ? 1 : 0;
}

#if NV_TENSORRT_MAJOR >= 10
constexpr int32_t kFlavour = 0;
#else
constexpr int32_t kFlavour = 1 << 24; // TensorRT-RTX counts its own versions from 1
#endif

constexpr RaveTrtApi kApi = {
    kFlavour + NV_TENSORRT_MAJOR * 10000 + NV_TENSORRT_MINOR * 100 + NV_TENSORRT_PATCH,
    bridge_create,
    runtime_create,
    runtime_load,
    runtime_destroy,
    runtime_set_recorder,
    runtime_set_temporary_directory,
    runtime_allow_host_code,
    engine_deserialize,
    engine_destroy,
    engine_tensors,
    engine_tensor_name,
    engine_tensor,
    engine_profiles,
    engine_profile_shape,
    engine_aux_streams,
    engine_scratch_size,
    context_create,
    context_destroy,
    context_set_scratch,
    context_profile,
    context_set_profile,
    context_set_input_shape,
    context_tensor_shape,
    context_set_tensor_address,
    context_enqueue,
};

} // namespace

extern "C" const RaveTrtApi *RAVE_TRT_API() noexcept { return &kApi; }
