// The order in which the stand-in reads a picture, against streams that run only what is waited for (fake_cuda.c).
#include <stdint.h>
#include <string.h>

#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/nvEncodeAPI.h>

#include "check.h"

enum { WIDTH = 64, HEIGHT = 48, PITCH = 512, ROWS = HEIGHT * 3 / 2, PICTURE = WIDTH * ROWS };

CUresult cuCtxCreate_v2(CUcontext *context, unsigned int flags, CUdevice device);
CUresult cuStreamCreate(CUstream *stream, unsigned int flags);
CUresult cuStreamSynchronize(CUstream stream);
CUresult cuMemAlloc_v2(CUdeviceptr *device, size_t bytes);
CUresult cuMemsetD8Async(CUdeviceptr device, unsigned char value, size_t bytes, CUstream stream);

static NV_ENCODE_API_FUNCTION_LIST nvenc = { .version = NV_ENCODE_API_FUNCTION_LIST_VER };
static void *encoder;
static CUstream stream;
static CUdeviceptr memory;
static NV_ENC_REGISTER_RESOURCE resource;
static NV_ENC_MAP_INPUT_RESOURCE mapping;
static NV_ENC_OUTPUT_PTR bitstream;

static void open_encoder(void)
{
    CUcontext context;
    CHECK(cuCtxCreate_v2(&context, 0, 0) == CUDA_SUCCESS);
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) == CUDA_SUCCESS);
    CHECK(NvEncodeAPICreateInstance(&nvenc) == NV_ENC_SUCCESS);
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS open = { .version = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER,
                                                  .apiVersion = NVENCAPI_VERSION,
                                                  .deviceType = NV_ENC_DEVICE_TYPE_CUDA,
                                                  .device = context };
    CHECK(nvenc.nvEncOpenEncodeSessionEx(&open, &encoder) == NV_ENC_SUCCESS);
    NV_ENC_PRESET_CONFIG preset = { .version = NV_ENC_PRESET_CONFIG_VER, .presetCfg.version = NV_ENC_CONFIG_VER };
    CHECK(nvenc.nvEncGetEncodePresetConfigEx(encoder, NV_ENC_CODEC_H264_GUID, NV_ENC_PRESET_P4_GUID,
                                             NV_ENC_TUNING_INFO_HIGH_QUALITY, &preset) == NV_ENC_SUCCESS);
    NV_ENC_INITIALIZE_PARAMS initialize = { .version = NV_ENC_INITIALIZE_PARAMS_VER,
                                            .encodeGUID = NV_ENC_CODEC_H264_GUID,
                                            .presetGUID = NV_ENC_PRESET_P4_GUID,
                                            .encodeWidth = WIDTH,
                                            .encodeHeight = HEIGHT,
                                            .enablePTD = 1,
                                            .encodeConfig = &preset.presetCfg };
    CHECK(nvenc.nvEncInitializeEncoder(encoder, &initialize) == NV_ENC_SUCCESS);
    CHECK(nvenc.nvEncSetIOCudaStreams(encoder, &stream, &stream) == NV_ENC_SUCCESS);
    NV_ENC_CREATE_BITSTREAM_BUFFER create = { .version = NV_ENC_CREATE_BITSTREAM_BUFFER_VER };
    CHECK(nvenc.nvEncCreateBitstreamBuffer(encoder, &create) == NV_ENC_SUCCESS);
    bitstream = create.bitstreamBuffer;
}

static void register_picture(void)
{
    CHECK(cuMemAlloc_v2(&memory, PITCH * ROWS) == CUDA_SUCCESS);
    resource = (NV_ENC_REGISTER_RESOURCE){ .version = NV_ENC_REGISTER_RESOURCE_VER,
                                           .resourceType = NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR,
                                           .width = WIDTH,
                                           .height = HEIGHT,
                                           .pitch = PITCH,
                                           .resourceToRegister = (void *)(uintptr_t)memory,
                                           .bufferFormat = NV_ENC_BUFFER_FORMAT_NV12 };
    CHECK(nvenc.nvEncRegisterResource(encoder, &resource) == NV_ENC_SUCCESS);
    mapping = (NV_ENC_MAP_INPUT_RESOURCE){ .version = NV_ENC_MAP_INPUT_RESOURCE_VER,
                                           .registeredResource = resource.registeredResource };
}

static NVENCSTATUS encode(uint64_t timestamp)
{
    NV_ENC_PIC_PARAMS picture = { .version = NV_ENC_PIC_PARAMS_VER,
                                  .inputWidth = WIDTH,
                                  .inputHeight = HEIGHT,
                                  .inputPitch = PITCH,
                                  .inputTimeStamp = timestamp,
                                  .inputBuffer = resource.registeredResource,
                                  .outputBitstream = bitstream,
                                  .bufferFmt = NV_ENC_BUFFER_FORMAT_NV12,
                                  .pictureStruct = NV_ENC_PIC_STRUCT_FRAME };
    return nvenc.nvEncEncodePicture(encoder, &picture);
}

static void fill(unsigned char value)
{
    CHECK(cuMemsetD8Async(memory, value, PITCH * ROWS, stream) == CUDA_SUCCESS);
}

static void expect_packet(uint64_t timestamp, unsigned char value)
{
    NV_ENC_LOCK_BITSTREAM lock = { .version = NV_ENC_LOCK_BITSTREAM_VER, .outputBitstream = bitstream };
    CHECK(nvenc.nvEncLockBitstream(encoder, &lock) == NV_ENC_SUCCESS);
    CHECK(lock.bitstreamSizeInBytes == PICTURE && lock.outputTimeStamp == timestamp);
    for (unsigned i = 0; i < PICTURE; i++)
        CHECK(((const unsigned char *)lock.bitstreamBufferPtr)[i] == value);
    CHECK(nvenc.nvEncUnlockBitstream(encoder, bitstream) == NV_ENC_SUCCESS);
}

int main(void)
{
    open_encoder();
    register_picture();

    CHECK(encode(0) == NV_ENC_ERR_RESOURCE_NOT_MAPPED);
    CHECK(nvenc.nvEncMapInputResource(encoder, &mapping) == NV_ENC_SUCCESS);
    CHECK(nvenc.nvEncUnregisterResource(encoder, resource.registeredResource) == NV_ENC_ERR_INVALID_CALL);

    // The picture is read behind the work that its stream had at that time.
    fill(1);
    CHECK(encode(10) == NV_ENC_SUCCESS);
    CHECK(encode(11) == NV_ENC_ERR_INVALID_CALL); // the bitstream buffer is taken
    expect_packet(10, 1);

    // What the stream gets later comes behind the reading, though the packet is fetched last.
    fill(2);
    CHECK(encode(20) == NV_ENC_SUCCESS);
    fill(3);
    CHECK(cuStreamSynchronize(stream) == CUDA_SUCCESS);
    expect_packet(20, 2);

    CHECK(nvenc.nvEncUnmapInputResource(encoder, mapping.mappedResource) == NV_ENC_SUCCESS);
    CHECK(nvenc.nvEncUnregisterResource(encoder, resource.registeredResource) == NV_ENC_SUCCESS);
    CHECK(nvenc.nvEncDestroyBitstreamBuffer(encoder, bitstream) == NV_ENC_SUCCESS);
    CHECK(nvenc.nvEncDestroyEncoder(encoder) == NV_ENC_SUCCESS);
    return 0;
}
