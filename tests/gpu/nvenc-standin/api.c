// A stand-in for libnvidia-encode.so.1 on GPUs without NVENC: the calls of NVIDIA's Video Codec SDK 12.1 that FFmpeg's
// h264_nvenc and hevc_nvenc make, and those by which rave-nvcodec asks what there is. It compresses nothing: a packet is a raw
// frame.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parameters.h"
#include "record.h"
#include "session.h"

#define EXPORT __attribute__((visibility("default")))

enum { SIZE_MAX_PIXELS = 8192, DEFAULT_GOP = 250, DEFAULT_BITRATE = 2000000 };

NVENCSTATUS session_enter(struct session *session)
{
    pthread_mutex_lock(&session->lock);
    const NVENCSTATUS status =
        session_cuda(session, "cuCtxPushCurrent", session->cuda->push(session->context));
    if (status != NV_ENC_SUCCESS)
        pthread_mutex_unlock(&session->lock);
    return status;
}

NVENCSTATUS session_leave(struct session *session, NVENCSTATUS status)
{
    CUcontext popped;
    const NVENCSTATUS restored = session_cuda(session, "cuCtxPopCurrent", session->cuda->pop(&popped));
    pthread_mutex_unlock(&session->lock);
    return status == NV_ENC_SUCCESS ? restored : status;
}

NVENCSTATUS session_fail(struct session *session, NVENCSTATUS status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(session->error, sizeof session->error, format, arguments);
    va_end(arguments);
    say("%s", session->error);
    return status;
}

NVENCSTATUS session_cuda(struct session *session, const char *call, CUresult result)
{
    return result == CUDA_SUCCESS
               ? NV_ENC_SUCCESS
               : session_fail(session, NV_ENC_ERR_GENERIC, "%s failed with CUDA error %d", call, (int)result);
}

static bool is_guid(GUID guid, GUID other) { return memcmp(&guid, &other, sizeof guid) == 0; }

static bool wrong_version(const char *structure, uint32_t found, uint32_t expected)
{
    if (found != expected)
        say("%s has version 0x%08x, expected 0x%08x", structure, found, expected);
    return found != expected;
}

// Returns from the calling function unless the session and its argument are there and the argument has this version.
#define EXPECT(encoder, argument, type) \
    do { \
        if (!(encoder)) \
            return NV_ENC_ERR_INVALID_ENCODERDEVICE; \
        if (!(argument)) \
            return NV_ENC_ERR_INVALID_PTR; \
        if (wrong_version(#type, (argument)->version, type##_VER)) \
            return NV_ENC_ERR_INVALID_VERSION; \
    } while (0)

// The same call of inputs.c or encode.c, with the session entered.
#define FORWARD(encoder, call) \
    do { \
        struct session *const session = (encoder); \
        const NVENCSTATUS entered = session_enter(session); \
        return entered == NV_ENC_SUCCESS ? session_leave(session, call) : entered; \
    } while (0)

static void release(struct session *session)
{
    const struct cuda *const cuda = session->cuda;
    if (session->own)
        cuda->stream_synchronize(session->own);
    inputs_release(session);
    outputs_release(session);
    if (session->arrived)
        cuda->event_destroy(session->arrived);
    if (session->own)
        cuda->stream_destroy(session->own);
}

static NVENCSTATUS NVENCAPI open_session(NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS *request, void **encoder)
{
    static unsigned sessions;
    if (!request || !encoder)
        return NV_ENC_ERR_INVALID_PTR;
    *encoder = NULL;
    if (wrong_version("NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS", request->version,
                      NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER) ||
        wrong_version("the API", request->apiVersion, NVENCAPI_VERSION))
        return NV_ENC_ERR_INVALID_VERSION;
    if (request->deviceType != NV_ENC_DEVICE_TYPE_CUDA)
        return NV_ENC_ERR_UNSUPPORTED_DEVICE;
    const struct cuda *const cuda = cuda_driver();
    if (!cuda || !request->device)
        return NV_ENC_ERR_NO_ENCODE_DEVICE;
    struct session *const session = calloc(1, sizeof *session);
    if (!session)
        return NV_ENC_ERR_OUT_OF_MEMORY;
    pthread_mutex_init(&session->lock, NULL);
    session->number = __atomic_add_fetch(&sessions, 1, __ATOMIC_RELAXED);
    session->cuda = cuda;
    session->context = request->device;
    NVENCSTATUS status = session_enter(session);
    if (status == NV_ENC_SUCCESS) {
        status = session_cuda(session, "cuStreamCreate", cuda->stream_create(&session->own, CU_STREAM_NON_BLOCKING));
        if (status == NV_ENC_SUCCESS)
            status = session_cuda(session, "cuEventCreate",
                                  cuda->event_create(&session->arrived, CU_EVENT_DISABLE_TIMING));
        if (status != NV_ENC_SUCCESS)
            release(session);
        status = session_leave(session, status);
    }
    if (status != NV_ENC_SUCCESS) {
        pthread_mutex_destroy(&session->lock);
        free(session);
        return status;
    }
    say("session %u: this is not NVIDIA's encoder; packets are raw frames", session->number);
    record("{\"event\":\"open\",\"session\":%u}", session->number);
    *encoder = session;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI destroy_session(void *encoder)
{
    struct session *const session = encoder;
    if (!session)
        return NV_ENC_ERR_INVALID_ENCODERDEVICE;
    NVENCSTATUS status = session_enter(session);
    if (status != NV_ENC_SUCCESS)
        return status;
    record("{\"event\":\"close\",\"session\":%u,\"frames\":%u,\"registered_most\":%u,\"registered_left\":%u}",
           session->number, session->frames, session->registered_most, session->registered);
    release(session);
    status = session_leave(session, NV_ENC_SUCCESS);
    pthread_mutex_destroy(&session->lock);
    free(session);
    return status;
}

static NVENCSTATUS NVENCAPI codec_count(void *encoder, uint32_t *count)
{
    if (!encoder || !count)
        return NV_ENC_ERR_INVALID_PTR;
    *count = 2;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI codecs(void *encoder, GUID *guids, uint32_t room, uint32_t *count)
{
    const GUID all[] = { NV_ENC_CODEC_H264_GUID, NV_ENC_CODEC_HEVC_GUID };
    if (!encoder || !guids || !count)
        return NV_ENC_ERR_INVALID_PTR;
    *count = room < 2 ? room : 2;
    memcpy(guids, all, *count * sizeof *guids);
    return NV_ENC_SUCCESS;
}

// Of each codec, what FFmpeg asks of it in 8 bits and 4:2:0.
static NVENCSTATUS NVENCAPI profile_count(void *encoder, GUID codec, uint32_t *count)
{
    (void)codec;
    if (!encoder || !count)
        return NV_ENC_ERR_INVALID_PTR;
    *count = 1;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI profiles(void *encoder, GUID codec, GUID *guids, uint32_t room, uint32_t *count)
{
    if (!encoder || !guids || !count)
        return NV_ENC_ERR_INVALID_PTR;
    *count = room < 1 ? room : 1;
    if (*count)
        *guids = is_guid(codec, NV_ENC_CODEC_HEVC_GUID) ? NV_ENC_HEVC_PROFILE_MAIN_GUID : NV_ENC_H264_PROFILE_HIGH_GUID;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI capability(void *encoder, GUID codec, NV_ENC_CAPS_PARAM *request, int *value)
{
    EXPECT(encoder, request, NV_ENC_CAPS_PARAM);
    if (!value)
        return NV_ENC_ERR_INVALID_PTR;
    switch (request->capsToQuery) {
    case NV_ENC_CAPS_WIDTH_MAX:
    case NV_ENC_CAPS_HEIGHT_MAX:                  *value = SIZE_MAX_PIXELS; break;
    case NV_ENC_CAPS_SUPPORT_10BIT_ENCODE:        *value = is_guid(codec, NV_ENC_CODEC_HEVC_GUID); break;
    case NV_ENC_CAPS_SUPPORT_YUV444_ENCODE:
    case NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE:
    case NV_ENC_CAPS_SUPPORT_CABAC:
    case NV_ENC_CAPS_SUPPORT_MULTIPLE_REF_FRAMES: *value = 1; break;
    default:                                      *value = 0; break; // B frames, lookahead, fields ...
    }
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI preset_config(void *encoder, GUID codec, GUID preset, NV_ENC_TUNING_INFO tuning,
                                          NV_ENC_PRESET_CONFIG *request)
{
    // What distinguishes presets does not matter to raw frames.
    (void)preset;
    EXPECT(encoder, request, NV_ENC_PRESET_CONFIG);
    if (wrong_version("NV_ENC_CONFIG", request->presetCfg.version, NV_ENC_CONFIG_VER))
        return NV_ENC_ERR_INVALID_VERSION;
    if (tuning <= NV_ENC_TUNING_INFO_UNDEFINED || tuning >= NV_ENC_TUNING_INFO_COUNT)
        return NV_ENC_ERR_INVALID_PARAM;
    NV_ENC_CONFIG *const config = &request->presetCfg;
    *config = (NV_ENC_CONFIG){ .version = NV_ENC_CONFIG_VER };
    config->profileGUID = NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID;
    config->gopLength = DEFAULT_GOP;
    config->frameIntervalP = 1; // no B frames
    config->frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
    config->mvPrecision = NV_ENC_MV_PRECISION_QUARTER_PEL;
    config->rcParams.version = NV_ENC_RC_PARAMS_VER;
    config->rcParams.rateControlMode = NV_ENC_PARAMS_RC_VBR;
    config->rcParams.averageBitRate = DEFAULT_BITRATE;
    if (is_guid(codec, NV_ENC_CODEC_HEVC_GUID)) {
        config->encodeCodecConfig.hevcConfig.idrPeriod = DEFAULT_GOP;
        config->encodeCodecConfig.hevcConfig.chromaFormatIDC = 1;
    } else {
        config->encodeCodecConfig.h264Config.idrPeriod = DEFAULT_GOP;
        config->encodeCodecConfig.h264Config.chromaFormatIDC = 1;
    }
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS initialize_session(struct session *session, const NV_ENC_INITIALIZE_PARAMS *request)
{
    const NV_ENC_CONFIG *const config = request->encodeConfig;
    if (session->initialized)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "the session is initialized already");
    session->hevc = is_guid(request->encodeGUID, NV_ENC_CODEC_HEVC_GUID);
    if (!session->hevc && !is_guid(request->encodeGUID, NV_ENC_CODEC_H264_GUID))
        return session_fail(session, NV_ENC_ERR_UNSUPPORTED_PARAM, "the codec is neither H.264 nor HEVC");
    if (!request->encodeWidth || !request->encodeHeight || request->encodeWidth > SIZE_MAX_PIXELS ||
        request->encodeHeight > SIZE_MAX_PIXELS)
        return session_fail(session, NV_ENC_ERR_INVALID_PARAM, "pictures of %ux%u", request->encodeWidth,
                            request->encodeHeight);
    if (request->enableEncodeAsync || !request->enablePTD || config->frameIntervalP > 1)
        return session_fail(session, NV_ENC_ERR_UNSUPPORTED_PARAM,
                            "asynchronous mode, the caller's picture types and B frames are not taken");
    session->width = request->encodeWidth;
    session->height = request->encodeHeight;
    session->gop = config->gopLength ? config->gopLength : 1;
    session->chroma_format_idc = session->hevc ? config->encodeCodecConfig.hevcConfig.chromaFormatIDC
                                               : config->encodeCodecConfig.h264Config.chromaFormatIDC;
    session->bit_depth = session->hevc ? 8 + config->encodeCodecConfig.hevcConfig.pixelBitDepthMinus8 : 8;
    session->initialized = true;
    record("{\"event\":\"initialize\",\"session\":%u,\"codec\":\"%s\",\"width\":%u,\"height\":%u}", session->number,
           session->hevc ? "hevc" : "h264", session->width, session->height);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI initialize(void *encoder, NV_ENC_INITIALIZE_PARAMS *request)
{
    EXPECT(encoder, request, NV_ENC_INITIALIZE_PARAMS);
    if (!request->encodeConfig)
        return NV_ENC_ERR_INVALID_PTR;
    if (wrong_version("NV_ENC_CONFIG", request->encodeConfig->version, NV_ENC_CONFIG_VER))
        return NV_ENC_ERR_INVALID_VERSION;
    FORWARD(encoder, initialize_session(session, request));
}

// FFmpeg calls it when the aspect ratio changes, which raw frames do not show.
static NVENCSTATUS NVENCAPI reconfigure(void *encoder, NV_ENC_RECONFIGURE_PARAMS *request)
{
    EXPECT(encoder, request, NV_ENC_RECONFIGURE_PARAMS);
    const struct session *const session = encoder;
    const bool same = request->reInitEncodeParams.encodeWidth == session->width &&
                      request->reInitEncodeParams.encodeHeight == session->height;
    return same ? NV_ENC_SUCCESS : NV_ENC_ERR_UNSUPPORTED_PARAM;
}

static NVENCSTATUS set_streams(struct session *session, const CUstream *in, const CUstream *out)
{
    session->in = *in;
    session->out = *out;
    record("{\"event\":\"streams\",\"session\":%u,\"in\":\"%p\",\"out\":\"%p\"}", session->number, (void *)*in,
           (void *)*out);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI set_io_streams(void *encoder, NV_ENC_CUSTREAM_PTR in, NV_ENC_CUSTREAM_PTR out)
{
    if (!encoder)
        return NV_ENC_ERR_INVALID_ENCODERDEVICE;
    if (!in || !out)
        return NV_ENC_ERR_INVALID_PTR;
    FORWARD(encoder, set_streams(session, in, out));
}

static NVENCSTATUS NVENCAPI sequence_parameters(void *encoder, NV_ENC_SEQUENCE_PARAM_PAYLOAD *request)
{
    EXPECT(encoder, request, NV_ENC_SEQUENCE_PARAM_PAYLOAD);
    if (!request->spsppsBuffer || !request->outSPSPPSPayloadSize)
        return NV_ENC_ERR_INVALID_PTR;
    const struct session *const session = encoder;
    if (!session->initialized)
        return NV_ENC_ERR_ENCODER_NOT_INITIALIZED;
    uint8_t parameters[PARAMETERS_MAX];
    const struct stream stream = {
        .hevc = session->hevc,
        .width = session->width,
        .height = session->height,
        .chroma_format_idc = session->chroma_format_idc,
        .bit_depth = session->bit_depth,
    };
    const size_t length = write_parameters(&stream, parameters);
    if (request->inBufferSize < length)
        return NV_ENC_ERR_NOT_ENOUGH_BUFFER;
    memcpy(request->spsppsBuffer, parameters, length);
    *request->outSPSPPSPayloadSize = (uint32_t)length;
    return NV_ENC_SUCCESS;
}

static const char *NVENCAPI last_error(void *encoder)
{
    return encoder ? ((const struct session *)encoder)->error : "no session";
}

// A call whose argument is a structure with a version.
#define WITH_STRUCTURE(name, type, call) \
    static NVENCSTATUS NVENCAPI name(void *encoder, type *request) \
    { \
        EXPECT(encoder, request, type); \
        FORWARD(encoder, call(session, request)); \
    }

// A call whose argument is a handle.
#define WITH_HANDLE(name, call) \
    static NVENCSTATUS NVENCAPI name(void *encoder, void *handle) \
    { \
        if (!encoder) \
            return NV_ENC_ERR_INVALID_ENCODERDEVICE; \
        FORWARD(encoder, call(session, handle)); \
    }

WITH_STRUCTURE(register_resource, NV_ENC_REGISTER_RESOURCE, input_register)
WITH_STRUCTURE(map_resource, NV_ENC_MAP_INPUT_RESOURCE, input_map)
WITH_STRUCTURE(create_input, NV_ENC_CREATE_INPUT_BUFFER, input_create)
WITH_STRUCTURE(lock_input, NV_ENC_LOCK_INPUT_BUFFER, input_lock)
WITH_STRUCTURE(create_bitstream, NV_ENC_CREATE_BITSTREAM_BUFFER, output_create)
WITH_STRUCTURE(lock_bitstream, NV_ENC_LOCK_BITSTREAM, output_lock)
WITH_STRUCTURE(encode_picture, NV_ENC_PIC_PARAMS, encode)
WITH_HANDLE(unregister_resource, input_unregister)
WITH_HANDLE(unmap_resource, input_unmap)
WITH_HANDLE(destroy_input, input_destroy)
WITH_HANDLE(unlock_input, input_unlock)
WITH_HANDLE(destroy_bitstream, output_destroy)
WITH_HANDLE(unlock_bitstream, output_unlock)

EXPORT NVENCSTATUS NVENCAPI NvEncodeAPIGetMaxSupportedVersion(uint32_t *version)
{
    if (!version)
        return NV_ENC_ERR_INVALID_PTR;
    *version = NVENCAPI_MAJOR_VERSION << 4 | NVENCAPI_MINOR_VERSION;
    return NV_ENC_SUCCESS;
}

EXPORT NVENCSTATUS NVENCAPI NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *list)
{
    if (!list)
        return NV_ENC_ERR_INVALID_PTR;
    if (wrong_version("NV_ENCODE_API_FUNCTION_LIST", list->version, NV_ENCODE_API_FUNCTION_LIST_VER))
        return NV_ENC_ERR_INVALID_VERSION;
    *list = (NV_ENCODE_API_FUNCTION_LIST){
        .version = NV_ENCODE_API_FUNCTION_LIST_VER,
        .nvEncOpenEncodeSessionEx = open_session,
        .nvEncDestroyEncoder = destroy_session,
        .nvEncGetEncodeGUIDCount = codec_count,
        .nvEncGetEncodeGUIDs = codecs,
        .nvEncGetEncodeProfileGUIDCount = profile_count,
        .nvEncGetEncodeProfileGUIDs = profiles,
        .nvEncGetEncodeCaps = capability,
        .nvEncGetEncodePresetConfigEx = preset_config,
        .nvEncInitializeEncoder = initialize,
        .nvEncReconfigureEncoder = reconfigure,
        .nvEncSetIOCudaStreams = set_io_streams,
        .nvEncGetSequenceParams = sequence_parameters,
        .nvEncGetLastErrorString = last_error,
        .nvEncRegisterResource = register_resource,
        .nvEncUnregisterResource = unregister_resource,
        .nvEncMapInputResource = map_resource,
        .nvEncUnmapInputResource = unmap_resource,
        .nvEncCreateInputBuffer = create_input,
        .nvEncDestroyInputBuffer = destroy_input,
        .nvEncLockInputBuffer = lock_input,
        .nvEncUnlockInputBuffer = unlock_input,
        .nvEncCreateBitstreamBuffer = create_bitstream,
        .nvEncDestroyBitstreamBuffer = destroy_bitstream,
        .nvEncEncodePicture = encode_picture,
        .nvEncLockBitstream = lock_bitstream,
        .nvEncUnlockBitstream = unlock_bitstream,
    };
    return NV_ENC_SUCCESS;
}
