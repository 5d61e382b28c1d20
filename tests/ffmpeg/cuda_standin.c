/*
 * A CUDA driver for machines that have none: one GPU of compute capability 8.9, whose memory is the host's and which
 * runs nothing. It is as much as FFmpeg takes to make CUDA frames, and RAVE to have an engine built for them.
 *
 *     cc -shared -fPIC -o libcuda.so.1 cuda_standin.c
 *
 * In the environment RAVE_STANDIN_GPUS is how many GPUs there are, and RAVE_STANDIN_INIT, RAVE_STANDIN_GET,
 * RAVE_STANDIN_CREATE and RAVE_STANDIN_QUERY are what cuInit, cuDeviceGet, cuCtxCreate and cuEventQuery return.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 801, CAPABILITY_MAJOR = 75, CAPABILITY_MINOR = 76, TEXTURE_ALIGNMENT = 14 };

static int context;

static int answer(const char *name, int otherwise)
{
    const char *value = getenv(name);
    return value ? atoi(value) : otherwise;
}

int cuInit(unsigned flags) { return flags ? NOT_SUPPORTED : answer("RAVE_STANDIN_INIT", SUCCESS); }
int cuDriverGetVersion(int *version) { *version = 13000; return SUCCESS; }
int cuDeviceGetCount(int *count) { *count = answer("RAVE_STANDIN_GPUS", 1); return SUCCESS; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return answer("RAVE_STANDIN_GET", SUCCESS); }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = 1u << 30; return SUCCESS; }
int cuMemGetInfo_v2(size_t *available, size_t *total) { *available = *total = 1u << 30; return SUCCESS; }

int cuDeviceGetName(char *name, int length, int device)
{
    (void)device;
    strncpy(name, "Stand-in", length);
    return SUCCESS;
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    *value = attribute == CAPABILITY_MAJOR ? 8 : attribute == CAPABILITY_MINOR ? 9 : attribute == TEXTURE_ALIGNMENT ? 512 : 1;
    return SUCCESS;
}


int cuCtxCreate_v2(void **made, unsigned flags, int device)
{
    (void)flags, (void)device;
    *made = &context;
    return answer("RAVE_STANDIN_CREATE", SUCCESS);
}

int cuCtxDestroy_v2(void *destroyed) { (void)destroyed; return SUCCESS; }
int cuCtxPushCurrent_v2(void *pushed) { (void)pushed; return SUCCESS; }
int cuCtxPopCurrent_v2(void **popped) { if (popped) *popped = &context; return SUCCESS; }
int cuCtxGetCurrent(void **current) { *current = &context; return SUCCESS; }
int cuCtxGetDevice(int *device) { *device = 0; return SUCCESS; }

int cuMemAlloc_v2(uint64_t *address, size_t bytes)
{
    *address = (uintptr_t)calloc(1, bytes);
    return *address ? SUCCESS : 2;
}

int cuMemFree_v2(uint64_t address) { free((void *)(uintptr_t)address); return SUCCESS; }
int cuStreamSynchronize(void *stream) { (void)stream; return SUCCESS; }
int cuStreamQuery(void *stream) { (void)stream; return SUCCESS; }
int cuEventCreate(void **made, unsigned flags) { (void)flags; *made = &context; return SUCCESS; }
int cuEventDestroy_v2(void *destroyed) { (void)destroyed; return SUCCESS; }
int cuEventQuery(void *event) { (void)event; return answer("RAVE_STANDIN_QUERY", SUCCESS); }
/* Nobody looks at what is in the frames. */
int cuMemcpy2DAsync_v2(const void *copy, void *stream) { (void)copy; (void)stream; return SUCCESS; }
int cuGetErrorName(int code, const char **name) { (void)code; *name = "an error of the stand-in"; return SUCCESS; }
int cuGetErrorString(int code, const char **text) { return cuGetErrorName(code, text); }

/* What has to be there and is not to be used. */
#define ABSENT(name) int name(void) { return NOT_SUPPORTED; }
ABSENT(cuDeviceComputeCapability) ABSENT(cuCtxSetLimit) ABSENT(cuMemAllocPitch_v2) ABSENT(cuMemAllocManaged)
ABSENT(cuMemsetD8Async) ABSENT(cuMemcpy) ABSENT(cuMemcpyAsync) ABSENT(cuMemcpy2D_v2) ABSENT(cuMemcpyHtoD_v2)
ABSENT(cuMemcpyHtoDAsync_v2) ABSENT(cuMemcpyDtoH_v2) ABSENT(cuMemcpyDtoHAsync_v2) ABSENT(cuMemcpyDtoD_v2)
ABSENT(cuMemcpyDtoDAsync_v2) ABSENT(cuDevicePrimaryCtxRetain) ABSENT(cuDevicePrimaryCtxRelease)
ABSENT(cuDevicePrimaryCtxSetFlags) ABSENT(cuDevicePrimaryCtxGetState) ABSENT(cuDevicePrimaryCtxReset)
ABSENT(cuStreamCreate) ABSENT(cuStreamDestroy_v2) ABSENT(cuStreamAddCallback) ABSENT(cuStreamWaitEvent)
ABSENT(cuEventSynchronize) ABSENT(cuEventRecord)
ABSENT(cuEventElapsedTime) ABSENT(cuLaunchKernel) ABSENT(cuLinkCreate) ABSENT(cuLinkAddData) ABSENT(cuLinkComplete)
ABSENT(cuLinkDestroy) ABSENT(cuModuleLoadData) ABSENT(cuModuleLoadDataEx) ABSENT(cuModuleUnload)
ABSENT(cuModuleGetFunction) ABSENT(cuModuleGetGlobal) ABSENT(cuTexObjectCreate) ABSENT(cuTexObjectDestroy)
ABSENT(cuGLGetDevices_v2) ABSENT(cuGraphicsGLRegisterImage) ABSENT(cuGraphicsUnregisterResource)
ABSENT(cuGraphicsMapResources) ABSENT(cuGraphicsUnmapResources) ABSENT(cuGraphicsSubResourceGetMappedArray)
ABSENT(cuGraphicsResourceGetMappedPointer_v2) ABSENT(cuArrayCreate_v2) ABSENT(cuArray3DCreate_v2) ABSENT(cuArrayDestroy)
ABSENT(cuMemHostAlloc) ABSENT(cuMemHostGetDevicePointer_v2) ABSENT(cuMemFreeHost) ABSENT(cuGraphDestroy)
ABSENT(cuGraphExecDestroy) ABSENT(cuGraphExecKernelNodeSetParams_v2) ABSENT(cuGraphExecUpdate_v2)
ABSENT(cuGraphInstantiateWithFlags) ABSENT(cuGraphLaunch) ABSENT(cuStreamBeginCapture_v2) ABSENT(cuStreamEndCapture)
ABSENT(cuStreamGetCaptureInfo_v2) ABSENT(cuStreamIsCapturing)
