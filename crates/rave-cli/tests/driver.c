// A libcuda.so.1 of a machine whose driver cannot be used. What it answers is in the environment; any call that makes no
// sense after that answer ends the process.
#include <stdio.h>
#include <stdlib.h>

static int answer(const char *name)
{
    const char *const value = getenv(name);
    return value ? atoi(value) : 0;
}

int cuInit(unsigned flags)
{
    return flags == 0 ? answer("FAKE_CUDA_INIT") : 1;
}

int cuDriverGetVersion(int *version)
{
    *version = answer("FAKE_CUDA_VERSION");
    return 0;
}

int cuDeviceGetCount(int *count)
{
    *count = answer("FAKE_CUDA_DEVICES");
    return 0;
}

int cuGetErrorName(int code, const char **name)
{
    *name = code == 100 ? "CUDA_ERROR_NO_DEVICE" : code == 999 ? "CUDA_ERROR_UNKNOWN" : NULL;
    return *name ? 0 : 1;
}

int cuGetErrorString(int code, const char **text)
{
    return cuGetErrorName(code, text);
}

#define NEVER(name)                                                                                                    \
    void name(void);                                                                                                   \
    void name(void)                                                                                                    \
    {                                                                                                                  \
        fprintf(stderr, "unexpected call of %s\n", #name);                                                             \
        abort();                                                                                                       \
    }
NEVER(cuDeviceGet) NEVER(cuDeviceGetName) NEVER(cuDeviceGetAttribute) NEVER(cuDeviceTotalMem_v2) NEVER(cuCtxCreate_v2)
NEVER(cuCtxDestroy_v2) NEVER(cuCtxPushCurrent_v2) NEVER(cuCtxPopCurrent_v2) NEVER(cuCtxGetDevice)
NEVER(cuMemGetInfo_v2) NEVER(cuMemAlloc_v2) NEVER(cuMemFree_v2) NEVER(cuMemHostAlloc)
NEVER(cuMemHostGetDevicePointer_v2) NEVER(cuMemFreeHost) NEVER(cuMemcpyHtoDAsync_v2) NEVER(cuMemcpyDtoHAsync_v2)
NEVER(cuMemcpy2DAsync_v2) NEVER(cuMemcpyDtoDAsync_v2) NEVER(cuMemsetD8Async) NEVER(cuStreamCreate) NEVER(cuStreamDestroy_v2)
NEVER(cuStreamSynchronize) NEVER(cuStreamQuery) NEVER(cuStreamWaitEvent) NEVER(cuEventCreate) NEVER(cuEventDestroy_v2)
NEVER(cuEventRecord) NEVER(cuEventQuery) NEVER(cuEventSynchronize) NEVER(cuEventElapsedTime) NEVER(cuModuleLoadDataEx)
NEVER(cuModuleUnload) NEVER(cuModuleGetFunction) NEVER(cuLaunchKernel) NEVER(cuStreamBeginCapture_v2)
NEVER(cuStreamEndCapture) NEVER(cuStreamIsCapturing) NEVER(cuStreamGetCaptureInfo_v2)
NEVER(cuGraphInstantiateWithFlags) NEVER(cuGraphExecUpdate_v2) NEVER(cuGraphExecKernelNodeSetParams_v2)
NEVER(cuGraphLaunch) NEVER(cuGraphExecDestroy) NEVER(cuGraphDestroy)
