// An encoding session and what it owns. Every function below that takes a session is called with its lock held and its
// CUDA context current (session_enter).
#ifndef NVENC_STANDIN_SESSION_H
#define NVENC_STANDIN_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <ffnvcodec/nvEncodeAPI.h>

#include "cuda.h"
#include "layout.h"

// A picture that can be encoded: a registered CUDA buffer, or a buffer of nvEncCreateInputBuffer in host memory.
struct input {
    struct input *next;
    NV_ENC_BUFFER_FORMAT format;
    uint32_t width, height, pitch;
    CUdeviceptr device; // 0 for host memory
    uint8_t *host;      // page-locked; NULL for a registered resource
    unsigned mapped;    // nvEncMapInputResource less nvEncUnmapInputResource
    bool locked;
    CUevent read; // host memory: recorded behind the last copy that reads it
};

// A buffer of nvEncCreateBitstreamBuffer.
struct output {
    struct output *next;
    uint8_t *host; // page-locked, grown by the first picture
    size_t capacity;
    CUevent done; // behind the copies that fill it
    enum { OUTPUT_FREE, OUTPUT_FILLED, OUTPUT_LOCKED } state;
    size_t bytes;
    uint32_t frame;
    uint64_t timestamp, duration;
    NV_ENC_PIC_TYPE type;
    NV_ENC_PIC_STRUCT structure;
};

struct session {
    pthread_mutex_t lock;
    unsigned number; // in the log
    const struct cuda *cuda;
    CUcontext context;

    bool initialized, hevc;
    uint32_t width, height;
    unsigned chroma_format_idc, bit_depth;
    uint32_t gop; // pictures from one IDR picture to the next

    CUstream in, out; // of nvEncSetIOCudaStreams; the default stream until then
    CUstream own;     // the copies'
    CUevent arrived;  // behind the work of `in` at the time of nvEncEncodePicture

    struct input *inputs;
    struct output *outputs;
    uint32_t frames, since_idr;
    unsigned registered, registered_most;
    char error[256];
};

// Takes the lock and makes the context current.
NVENCSTATUS session_enter(struct session *session);
// Undoes session_enter and returns `status`.
NVENCSTATUS session_leave(struct session *session, NVENCSTATUS status);
// Keeps the reason for nvEncGetLastErrorString, writes it to the log, and returns `status`.
__attribute__((format(printf, 3, 4))) NVENCSTATUS session_fail(struct session *session, NVENCSTATUS status,
                                                               const char *format, ...);
// NV_ENC_SUCCESS, or a failure that names `call`.
NVENCSTATUS session_cuda(struct session *session, const char *call, CUresult result);

// inputs.c
NVENCSTATUS input_register(struct session *session, NV_ENC_REGISTER_RESOURCE *request);
NVENCSTATUS input_unregister(struct session *session, const void *handle);
NVENCSTATUS input_map(struct session *session, NV_ENC_MAP_INPUT_RESOURCE *request);
NVENCSTATUS input_unmap(struct session *session, const void *handle);
NVENCSTATUS input_create(struct session *session, NV_ENC_CREATE_INPUT_BUFFER *request);
NVENCSTATUS input_destroy(struct session *session, const void *handle);
NVENCSTATUS input_lock(struct session *session, NV_ENC_LOCK_INPUT_BUFFER *request);
NVENCSTATUS input_unlock(struct session *session, const void *handle);
// NULL when there is no such input.
struct input *input_find(const struct session *session, const void *handle);
void inputs_release(struct session *session);

// encode.c
NVENCSTATUS output_create(struct session *session, NV_ENC_CREATE_BITSTREAM_BUFFER *request);
NVENCSTATUS output_destroy(struct session *session, const void *handle);
NVENCSTATUS output_lock(struct session *session, NV_ENC_LOCK_BITSTREAM *request);
NVENCSTATUS output_unlock(struct session *session, const void *handle);
NVENCSTATUS encode(struct session *session, const NV_ENC_PIC_PARAMS *picture);
void outputs_release(struct session *session);

#endif
