// Calls the driver's functions in every way that a program finds them, and checks what they do. selftest.sh runs it
// with and without the counter, and compares the counter's report with what is written here beside the calls.
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <ffnvcodec/dynlink_cuda.h>

#include "check.h"

enum { BYTES = 65536, FRAMES = 30, THREADS = 4, QUERIES = 10000, PER_THREAD_DEFAULT_STREAM = 2, CUDA_12 = 12010 };

// Linked to.
CUresult cuMemAlloc_v2(CUdeviceptr *device, size_t bytes);
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes);
int marker_behind_first(void);

typedef CUresult get_proc_address(const char *symbol, void **function, int version, uint64_t flags, int *status);
typedef CUresult graph_launch(void *graph, CUstream stream);
typedef CUresult alloc_async(CUdeviceptr *device, size_t bytes, CUstream stream);

static uint8_t sent[BYTES], received[BYTES];
static CUdeviceptr device;

static void *library;

static void find(const char *name, void *function)
{
    void *const address = dlsym(library, name);
    CHECK(address);
    memcpy(function, &address, sizeof address);
}

static void linked_calls(void)
{
    CHECK(cuMemAlloc_v2(&device, BYTES) == CUDA_SUCCESS);           // cuMemAlloc: 1 of 65536
    CHECK(cuMemcpyHtoD_v2(device, sent, 60000) == CUDA_SUCCESS);    // cuMemcpyHtoD: 2 of 65536 in all
    CHECK(cuMemcpyHtoD_v2(device + 60000, sent + 60000, 5536) == CUDA_SUCCESS);
}

static void looked_up_calls(void)
{
    tcuMemcpyDtoHAsync_v2 *to_host;
    tcuStreamSynchronize *synchronize;
    tcuMemcpy *copy;
    tcuMemcpy2DAsync_v2 *copy_2d;
    find("cuMemcpyDtoHAsync_v2", &to_host);
    find("cuStreamSynchronize", &synchronize);
    find("cuMemcpy", &copy);
    find("cuMemcpy2DAsync_v2", &copy_2d);
    for (unsigned i = 0; i < 3; i++) { // cuMemcpyDtoHAsync: 3 of 24576; cuStreamSynchronize: 4 in all
        CHECK(to_host(received + i * 8192, device + i * 8192, 8192, NULL) == CUDA_SUCCESS);
        CHECK(synchronize(NULL) == CUDA_SUCCESS);
    }
    CHECK(memcmp(sent, received, 24576) == 0);

    const CUdeviceptr host = (uintptr_t)received, pageable = (uintptr_t)sent;
    CHECK(copy(device + 100, device, 100) == CUDA_SUCCESS); // cuMemcpy: DtoD 1 of 100
    CHECK(copy(host, device + 100, 101) == CUDA_SUCCESS);   // DtoH 1 of 101
    CHECK(copy(device, pageable, 102) == CUDA_SUCCESS);     // HtoD 1 of 102
    CHECK(copy(host + 4096, pageable, 103) == CUDA_SUCCESS); // HtoH 1 of 103
    CHECK(memcmp(received, sent, 100) == 0 && memcmp(received + 4096, sent, 103) == 0);

    const CUDA_MEMCPY2D rows = { .srcMemoryType = CU_MEMORYTYPE_DEVICE,
                                 .srcDevice = device + 8192,
                                 .srcPitch = 512,
                                 .dstMemoryType = CU_MEMORYTYPE_HOST,
                                 .dstHost = received,
                                 .dstPitch = 100,
                                 .WidthInBytes = 100,
                                 .Height = 50 };
    CHECK(copy_2d(&rows, NULL) == CUDA_SUCCESS); // cuMemcpy2DAsync: DtoH 1 of 5000
    CHECK(synchronize(NULL) == CUDA_SUCCESS);
    CHECK(memcmp(received + 100, sent + 8192 + 512, 100) == 0);
}

// As the CUDA runtime does that TensorRT is linked with.
static void calls_of_the_runtime(void)
{
    get_proc_address *first, *proc;
    void *function = NULL;
    int status = -1;
    find("cuGetProcAddress_v2", &first);
    CHECK(first("cuGetProcAddress", &function, CUDA_12, 0, &status) == CUDA_SUCCESS && status == 0);
    memcpy(&proc, &function, sizeof proc);
    CHECK(proc("cuNoSuchCall", &function, CUDA_12, 0, &status) != CUDA_SUCCESS && !function && status == 1);

    alloc_async *plain, *per_thread;
    CUdeviceptr memory;
    CHECK(proc("cuMemAllocAsync", &function, CUDA_12, 0, NULL) == CUDA_SUCCESS);
    memcpy(&plain, &function, sizeof plain);
    CHECK(proc("cuMemAllocAsync", &function, CUDA_12, PER_THREAD_DEFAULT_STREAM, NULL) == CUDA_SUCCESS);
    memcpy(&per_thread, &function, sizeof per_thread);
    CHECK(plain != per_thread);
    CHECK(plain(&memory, 1000, NULL) == CUDA_SUCCESS && memory); // cuMemAllocAsync: 2 of 3000
    CHECK(per_thread(&memory, 2000, NULL) == CUDA_SUCCESS && memory);

    tcuLaunchKernel *launch;
    void *parameters = NULL;
    CHECK(proc("cuLaunchKernel", &function, CUDA_12, 0, NULL) == CUDA_SUCCESS);
    memcpy(&launch, &function, sizeof launch);
    // cuLaunchKernel: 1
    CHECK(launch((CUfunction)&memory, 1, 2, 3, 4, 5, 6, 7, NULL, &parameters, &parameters) == CUDA_SUCCESS);

    graph_launch *run;
    tcuMemcpyHtoDAsync_v2 *to_device;
    CHECK(proc("cuGraphLaunch", &function, CUDA_12, 0, NULL) == CUDA_SUCCESS);
    memcpy(&run, &function, sizeof run);
    CHECK(proc("cuMemcpyHtoDAsync", &function, CUDA_12, 0, NULL) == CUDA_SUCCESS);
    memcpy(&to_device, &function, sizeof to_device);
    for (unsigned frame = 0; frame < FRAMES; frame++) { // a large and a small copy, and a launch, for each frame
        CHECK(to_device(device, sent, 4096, NULL) == CUDA_SUCCESS);
        CHECK(to_device(device, sent, 100, NULL) == CUDA_SUCCESS);
        CHECK(run(&memory, NULL) == CUDA_SUCCESS);
    }
}

static tcuEventQuery *query;

static void *query_often(void *event)
{
    for (unsigned i = 0; i < QUERIES; i++)
        CHECK(query(event) == CUDA_SUCCESS);
    return NULL;
}

static void calls_of_threads(void) // cuEventQuery: 40000
{
    tcuEventCreate *create;
    CUevent event;
    pthread_t threads[THREADS];
    find("cuEventCreate", &create);
    find("cuEventQuery", &query);
    CHECK(create(&event, 0) == CUDA_SUCCESS);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, query_often, event) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void lookups_that_are_not_counted(void)
{
    // RTLD_NEXT means behind the library that asks.
    CHECK(marker_behind_first() == 2);
    // A failure is told as the C library tells it, a success leaves nothing to tell.
    dlerror();
    CHECK(!dlsym(library, "cuNoSuchCall"));
    const char *const error = dlerror();
    CHECK(error && strstr(error, "cuNoSuchCall"));
    CHECK(dlsym(library, "cuMemcpyAsync") && !dlerror());
    CHECK(dlsym(RTLD_DEFAULT, "cuMemAlloc_v2") && !dlsym(RTLD_DEFAULT, "cuMemcpy3D_v2"));
}

int main(void)
{
    for (size_t i = 0; i < BYTES; i++)
        sent[i] = (uint8_t)(i * 31 + i / 256);
    library = dlopen("libcuda.so.1", RTLD_LAZY);
    CHECK(library);
    linked_calls();
    looked_up_calls();
    calls_of_the_runtime();
    calls_of_threads();
    lookups_that_are_not_counted();
    return 0;
}
