// A libcuda.so.1 without a GPU, for selftest.sh: "device" memory is the heap, and a stream is a queue.
//
// A stream runs nothing until someone waits for it, and then no more than was waited for. So work that is not ordered
// by an event or a synchronisation happens in another order than it was called in, and a missing wait shows in the
// data. Only memory that is neither the device's nor page-locked is read at the time of the call, as the real driver
// does.
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ffnvcodec/dynlink_cuda.h>

// Of CUresult, which dynlink_cuda.h has in part.
#define INVALID_VALUE ((CUresult)1)
#define NOT_FOUND ((CUresult)500)
#define NOT_SUPPORTED ((CUresult)801)

enum { PER_THREAD_DEFAULT_STREAM = 2 }; // of CUdriverProcAddress_flags

struct work {
    struct work *next;
    uint64_t number; // in its stream, from 1
    enum { COPY, SET, WAIT } kind;
    CUDA_MEMCPY2D copy;
    uint8_t *staged; // the source, where it had to be read at once
    unsigned char value;
    struct CUstream_st *other; // WAIT: until that stream has run `until`
    uint64_t until;
};

struct CUstream_st {
    struct work *first, **last;
    uint64_t queued, run;
};

struct CUevent_st {
    struct CUstream_st *stream;
    uint64_t number; // of the work in front of it
};

struct block {
    struct block *next;
    uint8_t *bytes;
    size_t size;
    bool device;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct CUstream_st default_stream;
static struct block *blocks;
static struct CUctx_st { int unused; } primary;
static _Thread_local CUcontext current[16];
static _Thread_local unsigned depth;

static struct CUstream_st *stream_of(CUstream stream)
{
    struct CUstream_st *const found = stream ? stream : &default_stream;
    if (!found->last)
        found->last = &found->first;
    return found;
}

static uint8_t *address(CUmemorytype type, const void *host, CUdeviceptr device, size_t x, size_t y, size_t pitch)
{
    uint8_t *const base = type == CU_MEMORYTYPE_HOST ? (uint8_t *)(uintptr_t)host : (uint8_t *)(uintptr_t)device;
    return base + y * pitch + x;
}

static void run_until(struct CUstream_st *stream, uint64_t number)
{
    while (stream->first && stream->run < number) {
        struct work *const work = stream->first;
        const CUDA_MEMCPY2D *const c = &work->copy;
        stream->first = work->next;
        if (!stream->first)
            stream->last = &stream->first;
        stream->run = work->number;
        if (work->kind == WAIT)
            run_until(work->other, work->until);
        for (size_t row = 0; work->kind != WAIT && row < c->Height; row++) {
            uint8_t *const to =
                address(c->dstMemoryType, c->dstHost, c->dstDevice, c->dstXInBytes, c->dstY + row, c->dstPitch);
            if (work->kind == SET)
                memset(to, work->value, c->WidthInBytes);
            else
                memcpy(to,
                       address(c->srcMemoryType, c->srcHost, c->srcDevice, c->srcXInBytes, c->srcY + row,
                               c->srcPitch),
                       c->WidthInBytes);
        }
        free(work->staged);
        free(work);
    }
}

// The allocation that `number` points into; the lock is held.
static const struct block *block_of(CUdeviceptr number)
{
    for (const struct block *block = blocks; block; block = block->next)
        if (number >= (uintptr_t)block->bytes && number < (uintptr_t)block->bytes + block->size)
            return block;
    return NULL;
}

static void stage(struct work *work)
{
    CUDA_MEMCPY2D *const c = &work->copy;
    const size_t bytes = c->WidthInBytes * c->Height;
    if (work->kind != COPY || block_of((uintptr_t)address(c->srcMemoryType, c->srcHost, c->srcDevice, 0, 0, 0)))
        return;
    work->staged = malloc(bytes ? bytes : 1);
    if (!work->staged)
        abort();
    for (size_t row = 0; row < c->Height; row++)
        memcpy(work->staged + row * c->WidthInBytes,
               address(c->srcMemoryType, c->srcHost, c->srcDevice, c->srcXInBytes, c->srcY + row, c->srcPitch),
               c->WidthInBytes);
    c->srcMemoryType = CU_MEMORYTYPE_HOST;
    c->srcHost = work->staged;
    c->srcXInBytes = c->srcY = 0;
    c->srcPitch = c->WidthInBytes;
}

static CUresult queue(CUstream handle, struct work contents)
{
    struct work *const work = malloc(sizeof *work);
    if (!work)
        abort();
    pthread_mutex_lock(&lock);
    struct CUstream_st *const stream = stream_of(handle);
    *work = contents;
    stage(work);
    work->next = NULL;
    work->number = ++stream->queued;
    *stream->last = work;
    stream->last = &work->next;
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

static CUresult queue_copy(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    return queue(stream, (struct work){ .kind = COPY, .copy = { .srcMemoryType = CU_MEMORYTYPE_DEVICE,
                                                                .srcDevice = from,
                                                                .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                                                                .dstDevice = to,
                                                                .WidthInBytes = bytes,
                                                                .Height = 1 } });
}

static CUdeviceptr number_of(const void *host) { return (CUdeviceptr)(uintptr_t)host; }

CUresult cuStreamSynchronize(CUstream handle)
{
    pthread_mutex_lock(&lock);
    struct CUstream_st *const stream = stream_of(handle);
    run_until(stream, stream->queued);
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream *stream, unsigned int flags)
{
    (void)flags;
    *stream = calloc(1, sizeof **stream);
    return *stream ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN;
}

CUresult cuStreamDestroy_v2(CUstream stream)
{
    cuStreamSynchronize(stream);
    // Events may still point to it: a stream is small and stays.
    return CUDA_SUCCESS;
}

CUresult cuStreamQuery(CUstream handle)
{
    return stream_of(handle)->first ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent *event, unsigned int flags)
{
    (void)flags;
    *event = calloc(1, sizeof **event);
    return *event ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN;
}

CUresult cuEventDestroy_v2(CUevent event)
{
    free(event);
    return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream handle)
{
    pthread_mutex_lock(&lock);
    event->stream = stream_of(handle);
    event->number = event->stream->queued;
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent event)
{
    return event->stream && event->stream->run < event->number ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}

CUresult cuEventSynchronize(CUevent event)
{
    pthread_mutex_lock(&lock);
    if (event->stream)
        run_until(event->stream, event->number);
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags)
{
    (void)flags;
    if (!event->stream || event->stream == stream_of(stream))
        return CUDA_SUCCESS;
    return queue(stream, (struct work){ .kind = WAIT, .other = event->stream, .until = event->number });
}

static void *allocate(size_t bytes, bool device)
{
    struct block *const block = malloc(sizeof *block);
    if (!block || !(block->bytes = malloc(bytes)))
        abort();
    memset(block->bytes, 0xcd, bytes);
    block->size = bytes;
    block->device = device;
    pthread_mutex_lock(&lock);
    block->next = blocks;
    blocks = block;
    pthread_mutex_unlock(&lock);
    return block->bytes;
}

static CUresult release(const void *bytes)
{
    CUresult result = INVALID_VALUE;
    pthread_mutex_lock(&lock);
    for (struct block **link = &blocks; *link; link = &(*link)->next)
        if ((*link)->bytes == bytes) {
            struct block *const block = *link;
            *link = block->next;
            free(block->bytes);
            free(block);
            result = CUDA_SUCCESS;
            break;
        }
    pthread_mutex_unlock(&lock);
    return result;
}

CUresult cuMemAlloc_v2(CUdeviceptr *device, size_t bytes)
{
    *device = number_of(allocate(bytes, true));
    return CUDA_SUCCESS;
}
CUresult cuMemFree_v2(CUdeviceptr device) { return release((void *)(uintptr_t)device); }

CUresult cuMemAllocPitch_v2(CUdeviceptr *device, size_t *pitch, size_t width, size_t height, unsigned int element)
{
    (void)element;
    *pitch = (width + 511) / 512 * 512;
    return cuMemAlloc_v2(device, *pitch * height);
}

CUresult cuMemAllocAsync(CUdeviceptr *device, size_t bytes, CUstream stream)
{
    (void)stream;
    return cuMemAlloc_v2(device, bytes);
}
CUresult cuMemAllocAsync_ptsz(CUdeviceptr *device, size_t bytes, CUstream stream)
{
    return cuMemAllocAsync(device, bytes, stream);
}

CUresult cuMemHostAlloc(void **host, size_t bytes, unsigned int flags)
{
    (void)flags;
    *host = allocate(bytes, false);
    return CUDA_SUCCESS;
}
CUresult cuMemFreeHost(void *host) { return release(host); }

// As the real one, it fails for memory that the driver did not allocate.
CUresult cuPointerGetAttribute(void *data, int attribute, CUdeviceptr pointer)
{
    enum { MEMORY_TYPE = 2 }; // CU_POINTER_ATTRIBUTE_MEMORY_TYPE
    pthread_mutex_lock(&lock);
    const struct block *const block = block_of(pointer);
    if (block && attribute == MEMORY_TYPE)
        *(unsigned *)data = block->device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    pthread_mutex_unlock(&lock);
    return block && attribute == MEMORY_TYPE ? CUDA_SUCCESS : INVALID_VALUE;
}

CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s)
{
    return queue_copy(to, from, bytes, s);
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream s)
{
    return queue_copy(to, number_of(from), bytes, s);
}
CUresult cuMemcpyHtoDAsync_v2_ptsz(CUdeviceptr to, const void *from, size_t bytes, CUstream s)
{
    return queue_copy(to, number_of(from), bytes, s);
}
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream s)
{
    return queue_copy(number_of(to), from, bytes, s);
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s)
{
    return queue_copy(to, from, bytes, s);
}
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, CUstream s)
{
    return queue(s, (struct work){ .kind = COPY, .copy = *copy });
}

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
    queue_copy(to, from, bytes, NULL);
    return cuStreamSynchronize(NULL);
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes)
{
    return cuMemcpy(to, number_of(from), bytes);
}
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes)
{
    return cuMemcpy(number_of(to), from, bytes);
}
CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) { return cuMemcpy(to, from, bytes); }
CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *copy)
{
    cuMemcpy2DAsync_v2(copy, NULL);
    return cuStreamSynchronize(NULL);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream s)
{
    return queue(s, (struct work){ .kind = SET, .value = value, .copy = { .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                                                                          .dstDevice = to,
                                                                          .WidthInBytes = bytes,
                                                                          .Height = 1 } });
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, CUstream stream, void **parameters, void **extra)
{
    // Returns what can only be right when all eleven arguments arrive.
    const bool arrived = f && gx == 1 && gy == 2 && gz == 3 && bx == 4 && by == 5 && bz == 6 && shared == 7 &&
                         !stream && parameters && extra;
    return arrived ? CUDA_SUCCESS : INVALID_VALUE;
}
CUresult cuGraphLaunch(void *graph, CUstream stream)
{
    (void)stream;
    return graph ? CUDA_SUCCESS : INVALID_VALUE;
}
CUresult cuCtxSynchronize(void) { return cuStreamSynchronize(NULL); }

CUresult cuInit(unsigned int flags) { return flags ? INVALID_VALUE : CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int *version) { *version = 12010; return CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *count) { *count = 1; return CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    *device = ordinal;
    return ordinal ? INVALID_VALUE : CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int room, CUdevice device)
{
    (void)device;
    snprintf(name, (size_t)room, "no GPU");
    return CUDA_SUCCESS;
}
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
    (void)device;
    *major = 9;
    *minor = 0;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    (void)device;
    *value = attribute == CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT ? 512 : 0;
    return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent_v2(CUcontext context)
{
    if (depth == sizeof current / sizeof *current)
        abort();
    current[depth++] = context;
    return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
    if (!depth)
        return INVALID_VALUE;
    *context = current[--depth];
    return CUDA_SUCCESS;
}
CUresult cuCtxGetCurrent(CUcontext *context)
{
    *context = depth ? current[depth - 1] : NULL;
    return CUDA_SUCCESS;
}
CUresult cuCtxCreate_v2(CUcontext *context, unsigned int flags, CUdevice device)
{
    (void)flags, (void)device;
    *context = &primary;
    return cuCtxPushCurrent_v2(*context);
}
CUresult cuCtxDestroy_v2(CUcontext context) { return context == &primary ? CUDA_SUCCESS : INVALID_VALUE; }
CUresult cuGetErrorName(CUresult error, const char **name)
{
    (void)error;
    *name = "error";
    return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult error, const char **text)
{
    (void)error;
    *text = "error of the fake driver";
    return CUDA_SUCCESS;
}

// The functions that cuGetProcAddress gives, by the name that is asked for.
#define PROC(name) { #name, (void (*)(void))name }
#define PROC_V2(name) { #name, (void (*)(void))name##_v2 }
CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags, int *status);
static const struct {
    const char *name;
    void (*function)(void);
} procs[] = {
    PROC(cuMemAllocAsync), PROC_V2(cuMemcpyHtoDAsync), PROC(cuGraphLaunch),
    PROC(cuLaunchKernel),  PROC_V2(cuGetProcAddress),
};

CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags, int *status)
{
    void (*found)(void) = NULL;
    (void)version;
    for (size_t i = 0; i < sizeof procs / sizeof *procs; i++)
        if (strcmp(symbol, procs[i].name) == 0)
            found = procs[i].function;
    if (flags & PER_THREAD_DEFAULT_STREAM) {
        if (strcmp(symbol, "cuMemAllocAsync") == 0)
            found = (void (*)(void))cuMemAllocAsync_ptsz;
        if (strcmp(symbol, "cuMemcpyHtoDAsync") == 0)
            found = (void (*)(void))cuMemcpyHtoDAsync_v2_ptsz;
    }
    memcpy(function, &found, sizeof found);
    if (status)
        *status = found ? 0 : 1;
    return found ? CUDA_SUCCESS : NOT_FOUND;
}

// What FFmpeg's loader insists on and no test calls.
#define ABSENT(name) CUresult name(void); CUresult name(void) { return NOT_SUPPORTED; }
ABSENT(cuCtxSetLimit) ABSENT(cuMemAllocManaged) ABSENT(cuCtxGetDevice) ABSENT(cuDevicePrimaryCtxRetain)
ABSENT(cuDevicePrimaryCtxRelease) ABSENT(cuDevicePrimaryCtxSetFlags) ABSENT(cuDevicePrimaryCtxGetState)
ABSENT(cuDevicePrimaryCtxReset) ABSENT(cuStreamAddCallback) ABSENT(cuLinkCreate) ABSENT(cuLinkAddData)
ABSENT(cuLinkComplete) ABSENT(cuLinkDestroy) ABSENT(cuModuleLoadData) ABSENT(cuModuleUnload)
ABSENT(cuModuleGetFunction) ABSENT(cuModuleGetGlobal) ABSENT(cuTexObjectCreate) ABSENT(cuTexObjectDestroy)
ABSENT(cuGLGetDevices_v2) ABSENT(cuGraphicsGLRegisterImage) ABSENT(cuGraphicsUnregisterResource)
ABSENT(cuGraphicsMapResources) ABSENT(cuGraphicsUnmapResources) ABSENT(cuGraphicsSubResourceGetMappedArray)
ABSENT(cuGraphicsResourceGetMappedPointer_v2) ABSENT(cuArrayCreate_v2) ABSENT(cuArray3DCreate_v2)
ABSENT(cuArrayDestroy)
