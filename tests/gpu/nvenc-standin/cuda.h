// The CUDA driver's calls that the stand-in makes.
#ifndef NVENC_STANDIN_CUDA_H
#define NVENC_STANDIN_CUDA_H

#include <stdbool.h>

#include <ffnvcodec/dynlink_cuda.h>

// Not in dynlink_cuda.h.
typedef CUresult CUDAAPI tcuMemHostAlloc(void **address, size_t bytes, unsigned int flags);
typedef CUresult CUDAAPI tcuMemFreeHost(void *address);

// X(member, type, symbol)
#define CUDA_CALLS(X) \
    X(push, tcuCtxPushCurrent_v2, "cuCtxPushCurrent_v2") \
    X(pop, tcuCtxPopCurrent_v2, "cuCtxPopCurrent_v2") \
    X(stream_create, tcuStreamCreate, "cuStreamCreate") \
    X(stream_destroy, tcuStreamDestroy_v2, "cuStreamDestroy_v2") \
    X(stream_synchronize, tcuStreamSynchronize, "cuStreamSynchronize") \
    X(stream_wait, tcuStreamWaitEvent, "cuStreamWaitEvent") \
    X(event_create, tcuEventCreate, "cuEventCreate") \
    X(event_destroy, tcuEventDestroy_v2, "cuEventDestroy_v2") \
    X(event_record, tcuEventRecord, "cuEventRecord") \
    X(event_query, tcuEventQuery, "cuEventQuery") \
    X(event_synchronize, tcuEventSynchronize, "cuEventSynchronize") \
    X(copy_2d, tcuMemcpy2DAsync_v2, "cuMemcpy2DAsync_v2") \
    X(host_alloc, tcuMemHostAlloc, "cuMemHostAlloc") \
    X(host_free, tcuMemFreeHost, "cuMemFreeHost")

struct cuda {
#define X(member, type, symbol) type *member;
    CUDA_CALLS(X)
#undef X
};

// The driver, opened once and kept; NULL, with the reason written to the log, when it is not there.
const struct cuda *cuda_driver(void);

#endif
