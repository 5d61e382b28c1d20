/*
 * The C interface on a real GPU: what a frame allocates on the host, who gives the CUDA context back and when, and what is
 * refused. Every malloc of librave goes through the wrappers here (-Wl,--wrap), those of libraries opened at run time not.
 *
 *     capi ENGINE LEAN_RUNTIME|- WIDTH HEIGHT
 *
 * ENGINE takes RGB pictures of WIDTH x HEIGHT. Prints a line for each check; exits with 1 when one fails.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ffnvcodec/dynlink_cuda.h>
#include <rave.h>

enum { FRAMES = 4, WARM = 50, COUNTED = 1000 };

static _Thread_local uint64_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
int __real_posix_memalign(void **pointer, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
int __wrap_posix_memalign(void **pointer, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    allocations++;
    return __real_realloc(pointer, size);
}

int __wrap_posix_memalign(void **pointer, size_t alignment, size_t size)
{
    allocations++;
    return __real_posix_memalign(pointer, alignment, size);
}

static int failed;

static void check(int good, const char *what)
{
    printf("%s: %s%s%s\n", good ? "ok" : "FAILED", what, good ? "" : ": ", good ? "" : rave_last_error(NULL));
    failed |= !good;
}

/* The driver's functions that are used, found at run time. */
static struct {
    CUresult (*init)(unsigned);
    CUresult (*device)(CUdevice *, int);
    CUresult (*create)(CUcontext *, unsigned, CUdevice);
    CUresult (*destroy)(CUcontext);
    CUresult (*allocate)(CUdeviceptr *, size_t);
    CUresult (*fill)(CUdeviceptr, unsigned char, size_t);
    CUresult (*pop)(CUcontext *);
    CUresult (*push)(CUcontext);
    CUresult (*stream)(CUstream *, unsigned);
    CUresult (*call)(CUstream, void (*)(void *), void *);
} cuda;

static int find_driver(void)
{
    void *const library = dlopen("libcuda.so.1", RTLD_NOW);
    static const char *const names[] = { "cuInit", "cuDeviceGet", "cuCtxCreate_v2", "cuCtxDestroy_v2", "cuMemAlloc_v2",
                                         "cuMemsetD8_v2", "cuCtxPopCurrent_v2", "cuCtxPushCurrent_v2",
                                         "cuStreamCreate", "cuLaunchHostFunc" };
    void **const places = (void **)&cuda;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!library || !(places[i] = dlsym(library, names[i])))
            return 0;
    return cuda.init(0) == CUDA_SUCCESS;
}

static int releases;

static void release(void *owner)
{
    releases += owner == &releases;
}

/* An NV12 frame in GPU memory of its own. The CUDA context is current. */
static RaveFrame frame_of(uint32_t width, uint32_t height, unsigned char value)
{
    RaveFrame frame = RAVE_FRAME_INIT;
    CUdeviceptr memory = 0;

    if (cuda.allocate(&memory, (size_t)width * height * 3 / 2) == CUDA_SUCCESS)
        cuda.fill(memory, value, (size_t)width * height * 3 / 2);
    frame.format = RAVE_PIX_FMT_NV12;
    frame.memory = RAVE_MEMORY_CUDA;
    frame.width = width;
    frame.height = height;
    frame.linesize[0] = frame.linesize[1] = width;
    frame.data[0] = (uint8_t *)(uintptr_t)memory;
    frame.data[1] = (uint8_t *)(uintptr_t)(memory + (size_t)width * height);
    return frame;
}

static RaveFrame inputs[FRAMES], outputs[FRAMES];

/* Runs frames as the filter does. */
static int32_t run(RaveSession *session, uint32_t capacity, int count)
{
    uint32_t in_flight = 0;
    int32_t status = RAVE_OK;

    for (int i = 0; i < count && status == RAVE_OK; i++) {
        status = rave_session_submit(session, &inputs[i % FRAMES], &outputs[i % FRAMES]);
        if (status == RAVE_OK && ++in_flight == capacity) {
            status = rave_session_finish(session);
            in_flight--;
        }
    }
    for (; in_flight > 0 && status == RAVE_OK; in_flight--)
        status = rave_session_finish(session);
    return status;
}

/* RV-ENG-1304 (host side), RV-ENG-1305, RV-ENG-1310 */
static void session_checks(RaveModel *model, RaveSessionConfig geometry, int32_t graph, uint32_t streams)
{
    int32_t error = 0, repeat = -1;
    uint32_t capacity = 0, width = 0, height = 0;
    RaveStats before = RAVE_STATS_INIT, after = RAVE_STATS_INIT;
    RaveSession *session;
    RaveFrame wrong;
    uint64_t counted;
    char line[160];

    geometry.graph = graph;
    geometry.streams = streams;
    session = rave_session_create(model, &geometry, &error);
    check(session != NULL, "a session is made");
    if (!session)
        return;
    check(rave_session_output_size(session, &width, &height) == RAVE_OK, "it tells its output's size");
    check(rave_session_capacity(session, &capacity) == RAVE_OK && capacity == streams, "as many frames as streams");
    for (int i = 0; i < FRAMES; i++) {
        inputs[i] = frame_of(geometry.width, geometry.height, (unsigned char)(60 + i));
        outputs[i] = frame_of(width, height, 0);
    }
    check(run(session, capacity, WARM) == RAVE_OK, "frames go through");
    rave_session_stats(session, &before);
    allocations = 0;
    check(run(session, capacity, COUNTED) == RAVE_OK, "more frames go through");
    counted = allocations;
    rave_session_stats(session, &after);
    snprintf(line, sizeof line, "%llu allocations on the host in %d frames (graph %d, streams %u)",
             (unsigned long long)counted, COUNTED, graph, streams);
    check(counted == 0, line);
    snprintf(line, sizeof line, "%llu requests of the pool in them, %llu bytes held",
             (unsigned long long)(after.pool_misses + after.pool_hits - before.pool_misses - before.pool_hits),
             (unsigned long long)after.pool_bytes);
    check(after.pool_misses == before.pool_misses && after.pool_bytes == before.pool_bytes, line);
    check(after.frames == WARM + COUNTED && after.failed_frames == 0, "all frames are counted");
    check((after.graph_frames > 0) == (graph != RAVE_GRAPH_OFF), "graphs are used where they were asked for");

    for (uint32_t i = 0; i < capacity; i++)
        check(rave_session_submit(session, &inputs[0], &outputs[i % FRAMES]) == RAVE_OK, "a frame is taken");
    check(rave_session_submit(session, &inputs[0], &outputs[0]) == RAVE_ERROR_BUSY, "one too many is busy");
    for (uint32_t i = 0; i < capacity; i++)
        check(rave_session_finish(session) == RAVE_OK, "a frame is finished");
    check(rave_session_finish(session) == RAVE_ERROR_INVALID_PARAMETER, "and no other");

    wrong = inputs[0];
    wrong.width -= 2;
    check(rave_session_submit(session, &wrong, &outputs[0]) == RAVE_ERROR_UNSUPPORTED_FORMAT, "another size is refused");
    wrong = inputs[0];
    wrong.linesize[0] = -wrong.linesize[0];
    check(rave_session_submit(session, &wrong, &outputs[0]) == RAVE_ERROR_INVALID_PARAMETER, "a negative pitch is refused");
    wrong = inputs[0];
    wrong.memory = RAVE_MEMORY_HOST;
    check(rave_session_submit(session, &wrong, &outputs[0]) == RAVE_ERROR_INVALID_PARAMETER, "host memory is refused");
    check(rave_session_is_repeat(session, &inputs[0], &inputs[1], &repeat) == RAVE_OK && repeat == 0, "no repeat");
    check(rave_session_is_repeat(session, &inputs[0], &inputs[0], &repeat) == RAVE_OK && repeat == 1, "a repeat");
    check(rave_session_process(session, &inputs[0], &outputs[0]) == RAVE_OK, "the session goes on");
    check(rave_session_drain(session) == RAVE_OK, "and drains");
    check(rave_session_destroy(&session) == RAVE_OK && !session, "and ends");
}

static void sleep_for(void *seconds)
{
    const struct timespec time = { *(const int *)seconds, 0 };

    nanosleep(&time, NULL);
}

/* RV-ENG-1311: the last check, since no session works after it. The GPU does nothing for `hang` seconds, which is longer than
 * a session waits whose launches took milliseconds. */
static void a_silent_gpu_is_left(RaveContext *context, RaveModel *model, RaveSessionConfig geometry, CUstream stream)
{
    static int hang = 20;
    struct timespec begin, end;
    char line[96];
    int32_t error = 0;
    RaveSession *session = rave_session_create(model, &geometry, &error), *other;

    check(session && run(session, 1, WARM) == RAVE_OK, "frames go through before");
    check(cuda.call(stream, sleep_for, &hang) == CUDA_SUCCESS, "the stream waits for the host");
    check(rave_session_submit(session, &inputs[0], &outputs[0]) == RAVE_OK, "a frame is taken");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    check(rave_session_destroy(&session) == RAVE_OK, "its session ends");
    clock_gettime(CLOCK_MONOTONIC, &end);
    const double took = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    snprintf(line, sizeof line, "within %.1f s, where the GPU is silent for %d", took, hang);
    check(took > 4.5 && took < 10, line);
    other = rave_session_create(model, &geometry, &error);
    check(!other && error == RAVE_ERROR_DEVICE_LOST, "and the GPU is given up");
    check(rave_model_destroy(&model) == RAVE_OK && rave_context_destroy(&context) == RAVE_OK, "what is left ends, too");
}

int main(int argc, char **argv)
{
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveModelConfig settings = RAVE_MODEL_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    RaveContext *context, *again;
    RaveModel *model;
    CUstream stream;
    CUcontext own, current;
    CUdevice gpu;
    int32_t error = 0;

    if (argc != 5) {
        fprintf(stderr, "usage: capi ENGINE LEAN_RUNTIME|- WIDTH HEIGHT\n");
        return 2;
    }
    if (!find_driver()) {
        printf("skipped: no CUDA driver here\n");
        return getenv("RAVE_REQUIRE_GPU") != NULL;
    }
    if (cuda.device(&gpu, 0) != CUDA_SUCCESS || cuda.create(&own, 0, gpu) != CUDA_SUCCESS ||
        cuda.stream(&stream, 0) != CUDA_SUCCESS)
        return 2;
    device.device = RAVE_DEVICE_CUDA;
    device.cuda_context = own;
    device.cuda_stream = stream;
    device.cuda_release = release;
    device.cuda_owner = &releases;
    context = rave_context_create(&device, &error);
    check(context != NULL, "a CUDA context is adopted");
    if (!context)
        return 1;
    settings.lean_runtime = strcmp(argv[2], "-") ? argv[2] : NULL;
    model = rave_model_load(context, argv[1], &settings, &error);
    check(model != NULL, "the engine is loaded");
    if (!model)
        return 1;
    geometry.format = RAVE_PIX_FMT_NV12;
    geometry.width = (uint32_t)atoi(argv[3]);
    geometry.height = (uint32_t)atoi(argv[4]);
    session_checks(model, geometry, RAVE_GRAPH_OFF, 1);
    session_checks(model, geometry, RAVE_GRAPH_ON, 2);

    /* RV-FFI-1010 */
    check(releases == 0, "the CUDA context is not given back while it is used");
    again = rave_context_create(&device, &error);
    check(again && releases == 1, "a second reference to it is given back at once");
    check(rave_context_destroy(&again) == RAVE_OK, "its context ends");
    check(rave_model_destroy(&model) == RAVE_OK && rave_context_destroy(&context) == RAVE_OK, "all ends");
    check(releases == 1, "the first reference stays, so that the engine is there when it is needed again");
    check(cuda.pop(&current) == CUDA_SUCCESS && current == own, "the caller's context is current as before");

    context = cuda.push(own) == CUDA_SUCCESS ? rave_context_create(&device, &error) : NULL;
    model = context ? rave_model_load(context, argv[1], &settings, &error) : NULL;
    check(model != NULL, "the engine is there again");
    if (model)
        a_silent_gpu_is_left(context, model, geometry, stream);
    return failed;
}
