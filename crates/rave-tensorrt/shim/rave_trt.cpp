// The table of rave_trt.h over one major version's headers. build.rs compiles this file once per major with
//   -Dnvinfer1=rave_nvinfer1_<major>      the vendor's namespace, renamed so that no two majors share an inline symbol
//   -Dnvonnxparser=rave_nvonnxparser_<major>   the same for the parser's
//   -DRAVE_TRT_API=rave_trt_api_<major>   the function that returns the table
// and without exceptions, RTTI or thread-safe statics, so that linking it needs no C++ library.
#include "rave_trt.h"

#include <cstdlib>
#include <new>

#include <NvInfer.h>
#include <NvOnnxParser.h>

// TensorRT 10 deprecates the calls for scratch memory without a size. They are used there on purpose: they are the
// only ones that the lean runtime of TensorRT 8.6 has, too.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace trt = nvinfer1;
namespace onnx = nvonnxparser;

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

class Monitor final : public trt::IProgressMonitor {
public:
    explicit Monitor(const RaveTrtMonitor &to) noexcept : to_(to) {}
    trt::APILanguage getAPILanguage() const noexcept override { return trt::APILanguage::kCPP; }
    trt::InterfaceInfo getInterfaceInfo() const noexcept override { return {"IProgressMonitor", 1, 0}; }
    void phaseStart(const char *phase, const char *parent, int32_t steps) noexcept override {
        to_.phase_start(to_.user, phase, parent, steps);
    }
    bool stepComplete(const char *phase, int32_t step) noexcept override {
        return to_.step_complete(to_.user, phase, step) != 0;
    }
    void phaseFinish(const char *phase) noexcept override { to_.phase_finish(to_.user, phase); }
    static void operator delete(void *) noexcept {}

private:
    RaveTrtMonitor to_;
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
trt::IBuilder *real(RaveTrtBuilder *p) noexcept { return reinterpret_cast<trt::IBuilder *>(p); }
trt::INetworkDefinition *real(RaveTrtNetwork *p) noexcept { return reinterpret_cast<trt::INetworkDefinition *>(p); }
const trt::INetworkDefinition *real(const RaveTrtNetwork *p) noexcept {
    return reinterpret_cast<const trt::INetworkDefinition *>(p);
}
onnx::IParser *real(RaveTrtParser *p) noexcept { return reinterpret_cast<onnx::IParser *>(p); }
const onnx::IParser *real(const RaveTrtParser *p) noexcept { return reinterpret_cast<const onnx::IParser *>(p); }
trt::IBuilderConfig *real(RaveTrtConfig *p) noexcept { return reinterpret_cast<trt::IBuilderConfig *>(p); }
trt::IHostMemory *real(RaveTrtMemory *p) noexcept { return reinterpret_cast<trt::IHostMemory *>(p); }
const trt::IHostMemory *real(const RaveTrtMemory *p) noexcept { return reinterpret_cast<const trt::IHostMemory *>(p); }
cudaStream_t stream_of(void *stream) noexcept { return static_cast<cudaStream_t>(stream); }

static_assert(trt::Dims::MAX_DIMS == RAVE_TRT_MAX_DIMS, "RaveTrtDims must hold every shape of TensorRT");

void store(const trt::Dims &from, RaveTrtDims *to) noexcept {
    to->rank = from.nbDims;
    for (int i = 0; i < RAVE_TRT_MAX_DIMS; ++i) {
        to->extent[i] = i < from.nbDims ? static_cast<int64_t>(from.d[i]) : 0;
    }
}

trt::Dims load(const RaveTrtDims &from) noexcept {
    trt::Dims to{};
    to.nbDims = from.rank;
    for (int i = 0; i < from.rank && i < RAVE_TRT_MAX_DIMS; ++i) {
        to.d[i] = from.extent[i];
    }
    return to;
}

RaveTrtBridge *bridge_create(RaveTrtSink sink) noexcept {
    void *memory = std::malloc(sizeof(Bridge));
    return memory == nullptr ? nullptr : reinterpret_cast<RaveTrtBridge *>(new (memory) Bridge(sink));
}

// When TensorRT 10.16 makes no runtime it still adds a base class's offset to its null pointer and returns, say, 0x228.
// No object lies in the first page.
void *made(void *object) noexcept { return reinterpret_cast<uintptr_t>(object) < 4096 ? nullptr : object; }

RaveTrtRuntime *runtime_create(void *create, int32_t version, RaveTrtBridge *bridge) noexcept {
    using Create = void *(*)(void *logger, int32_t version);
    trt::ILogger *logger = &real(bridge)->logger;
    return static_cast<RaveTrtRuntime *>(made(reinterpret_cast<Create>(create)(logger, version)));
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
    return real(context)->setInputShape(name, load(*shape)) ? 1 : 0;
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

RaveTrtBuilder *builder_create(void *create, int32_t version, RaveTrtBridge *bridge) noexcept {
    using Create = void *(*)(void *logger, int32_t version);
    trt::ILogger *logger = &real(bridge)->logger;
    auto *builder = static_cast<trt::IBuilder *>(made(reinterpret_cast<Create>(create)(logger, version)));
    if (builder != nullptr) {
        builder->setErrorRecorder(&real(bridge)->recorder);
    }
    return reinterpret_cast<RaveTrtBuilder *>(builder);
}

void builder_destroy(RaveTrtBuilder *builder) noexcept { delete real(builder); }

RaveTrtNetwork *network_create(RaveTrtBuilder *builder, [[maybe_unused]] int32_t typed) noexcept {
#if NV_TENSORRT_MAJOR == 10
    constexpr auto kTyped = trt::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED;
    const uint32_t flags = typed == 0 ? 0 : 1U << static_cast<uint32_t>(kTyped);
#else
    const uint32_t flags = 0; // every network is strongly typed
#endif
    return reinterpret_cast<RaveTrtNetwork *>(real(builder)->createNetworkV2(flags));
}

void network_destroy(RaveTrtNetwork *network) noexcept { delete real(network); }

int32_t network_layers(const RaveTrtNetwork *network) noexcept { return real(network)->getNbLayers(); }

int32_t network_inputs(const RaveTrtNetwork *network) noexcept { return real(network)->getNbInputs(); }

int32_t network_outputs(const RaveTrtNetwork *network) noexcept { return real(network)->getNbOutputs(); }

const char *network_tensor(
    const RaveTrtNetwork *network, int32_t input, int32_t index, RaveTrtTensor *out) noexcept {
    const trt::ITensor *from = input != 0 ? real(network)->getInput(index) : real(network)->getOutput(index);
    if (from == nullptr) {
        return nullptr;
    }
    out->is_input = input;
    out->data_type = static_cast<int32_t>(from->getType());
    out->format = 0;
    out->on_device = from->isShapeTensor() ? 0 : 1;
    store(from->getDimensions(), &out->shape);
    return from->getName();
}

int64_t network_types(const RaveTrtNetwork *network) noexcept {
    int64_t types = 0;
    for (int32_t i = 0; i < real(network)->getNbLayers(); ++i) {
        const trt::ILayer *layer = real(network)->getLayer(i);
        for (int32_t j = 0; layer != nullptr && j < layer->getNbOutputs(); ++j) {
            const trt::ITensor *tensor = layer->getOutput(j);
            if (tensor != nullptr) {
                types |= int64_t{1} << (static_cast<uint32_t>(tensor->getType()) & 63U);
            }
        }
    }
    return types;
}

void network_fix(RaveTrtNetwork *network, const RaveTrtDims *shape) noexcept {
    const auto linear = 1U << static_cast<uint32_t>(trt::TensorFormat::kLINEAR);
    real(network)->getInput(0)->setAllowedFormats(linear);
    real(network)->getOutput(0)->setAllowedFormats(linear);
    if (shape != nullptr) {
        real(network)->getInput(0)->setDimensions(load(*shape));
    }
}

RaveTrtParser *parser_create(void *create, int32_t version, RaveTrtNetwork *network, RaveTrtBridge *bridge) noexcept {
    using Create = void *(*)(void *network, void *logger, int version);
    trt::ILogger *logger = &real(bridge)->logger;
    return static_cast<RaveTrtParser *>(made(reinterpret_cast<Create>(create)(real(network), logger, version)));
}

void parser_destroy(RaveTrtParser *parser) noexcept { delete real(parser); }

int32_t parser_parse(RaveTrtParser *parser, const void *model, size_t size) noexcept {
    return real(parser)->parse(model, size, nullptr) ? 1 : 0;
}

int32_t parser_errors(const RaveTrtParser *parser) noexcept { return real(parser)->getNbErrors(); }

void parser_error(const RaveTrtParser *parser, int32_t index, RaveTrtParserError *out) noexcept {
    const onnx::IParserError *from = real(parser)->getError(index);
    *out = from == nullptr ? RaveTrtParserError{0, -1, nullptr, nullptr, nullptr}
                           : RaveTrtParserError{static_cast<int32_t>(from->code()), from->node(), from->nodeName(),
                                 from->nodeOperator(), from->desc()};
}

RaveTrtConfig *config_create(RaveTrtBuilder *builder, const RaveTrtBuildOptions *options) noexcept {
    trt::IBuilderConfig *config = real(builder)->createBuilderConfig();
    if (config == nullptr) {
        return nullptr;
    }
    uint32_t flags = 0; // replaces the defaults, TF32 among them
    const auto set = [&flags](int32_t wanted, trt::BuilderFlag flag) {
        flags |= wanted != 0 ? 1U << static_cast<uint32_t>(flag) : 0;
    };
#if NV_TENSORRT_MAJOR == 10
    set(options->fp16, trt::BuilderFlag::kFP16);
    set(options->bf16, trt::BuilderFlag::kBF16);
#endif
    set(options->tf32, trt::BuilderFlag::kTF32);
    set(options->version_compatible, trt::BuilderFlag::kVERSION_COMPATIBLE);
    // A runtime inside the plan would be host code, which RAVE refuses to run.
    set(options->version_compatible, trt::BuilderFlag::kEXCLUDE_LEAN_RUNTIME);
    config->setFlags(flags);
    config->setBuilderOptimizationLevel(options->level);
    if (options->workspace > 0) {
        config->setMemoryPoolLimit(trt::MemoryPoolType::kWORKSPACE, static_cast<size_t>(options->workspace));
    }
    return reinterpret_cast<RaveTrtConfig *>(config);
}

void config_destroy(RaveTrtConfig *config) noexcept { delete real(config); }

int32_t config_add_profile(
    RaveTrtConfig *config, RaveTrtBuilder *builder, const char *input, const RaveTrtDims *shapes) noexcept {
    trt::IOptimizationProfile *profile = real(builder)->createOptimizationProfile();
    return profile != nullptr && profile->setDimensions(input, trt::OptProfileSelector::kMIN, load(shapes[0])) &&
            profile->setDimensions(input, trt::OptProfileSelector::kOPT, load(shapes[1])) &&
            profile->setDimensions(input, trt::OptProfileSelector::kMAX, load(shapes[2])) && profile->isValid() &&
            real(config)->addOptimizationProfile(profile) >= 0
        ? 1
        : 0;
}

int32_t config_set_capabilities([[maybe_unused]] RaveTrtConfig *config, [[maybe_unused]] const int32_t *capabilities,
    [[maybe_unused]] int32_t count) noexcept {
#if NV_TENSORRT_MAJOR >= 10
    return 0;
#else
    static_assert(static_cast<int32_t>(trt::ComputeCapability::kCURRENT) == RAVE_TRT_THIS_GPU);
    if (!real(config)->setNbComputeCapabilities(count)) {
        return 0;
    }
    int32_t taken = 0;
    while (taken < count &&
        real(config)->setComputeCapability(static_cast<trt::ComputeCapability>(capabilities[taken]), taken)) {
        ++taken;
    }
    return taken;
#endif
}

#if NV_TENSORRT_MAJOR >= 10
trt::ITimingCache *real(RaveTrtTimings *p) noexcept { return reinterpret_cast<trt::ITimingCache *>(p); }
const trt::ITimingCache *real(const RaveTrtTimings *p) noexcept {
    return reinterpret_cast<const trt::ITimingCache *>(p);
}

RaveTrtTimings *timings_create(RaveTrtConfig *config, const void *data, size_t size) noexcept {
    trt::ITimingCache *timings = real(config)->createTimingCache(data, size);
    // Timings of another GPU are never taken (false): the header warns of wrong results.
    if (timings != nullptr && !real(config)->setTimingCache(*timings, false)) {
        delete timings;
        timings = nullptr;
    }
    return reinterpret_cast<RaveTrtTimings *>(timings);
}

void timings_destroy(RaveTrtTimings *timings) noexcept { delete real(timings); }

RaveTrtMemory *timings_serialize(const RaveTrtTimings *timings) noexcept {
    return reinterpret_cast<RaveTrtMemory *>(real(timings)->serialize());
}
#else // TensorRT-RTX times nothing when it builds
RaveTrtTimings *timings_create(RaveTrtConfig *, const void *, size_t) noexcept { return nullptr; }

void timings_destroy(RaveTrtTimings *) noexcept {}

RaveTrtMemory *timings_serialize(const RaveTrtTimings *) noexcept { return nullptr; }
#endif

RaveTrtMemory *build(
    RaveTrtBuilder *builder, RaveTrtNetwork *network, RaveTrtConfig *config, const RaveTrtMonitor *monitor) noexcept {
    Monitor here(*monitor);
    real(config)->setProgressMonitor(&here);
    trt::IHostMemory *plan = real(builder)->buildSerializedNetwork(*real(network), *real(config));
    real(config)->setProgressMonitor(nullptr);
    return reinterpret_cast<RaveTrtMemory *>(plan);
}

const void *memory_data(const RaveTrtMemory *memory) noexcept { return real(memory)->data(); }

size_t memory_size(const RaveTrtMemory *memory) noexcept { return real(memory)->size(); }

void memory_destroy(RaveTrtMemory *memory) noexcept { delete real(memory); }

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
    builder_create,
    builder_destroy,
    network_create,
    network_destroy,
    network_layers,
    network_inputs,
    network_outputs,
    network_tensor,
    network_types,
    network_fix,
    parser_create,
    parser_destroy,
    parser_parse,
    parser_errors,
    parser_error,
    config_create,
    config_destroy,
    config_add_profile,
    config_set_capabilities,
    timings_create,
    timings_destroy,
    timings_serialize,
    build,
    memory_data,
    memory_size,
    memory_destroy,
};

} // namespace

extern "C" const RaveTrtApi *RAVE_TRT_API() noexcept { return &kApi; }
