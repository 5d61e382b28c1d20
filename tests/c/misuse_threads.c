/*
 * Calls on a handle while another call on it runs, from other threads and from the log callback.
 *
 *     misuse_threads identity-1x.onnx
 *
 * A call is caught in the middle by its log callback, which waits: what is called meanwhile and returns did not wait.
 */

#define _DEFAULT_SOURCE
#include <pthread.h>
#include <unistd.h>

#include "fixture.h"

enum {
    WIDTH = 48,
    HEIGHT = 32,
    LUMA = WIDTH * HEIGHT,
    BYTES = LUMA + LUMA / 2,
    THREADS = 8,
    TURNS = 25,
    /* Long after everything is done; a program that hangs is ended by a signal then. */
    PATIENCE_SECONDS = 300
};

static const char *model_path;

static int32_t process(RaveSession *session, uint8_t *from, uint8_t *to)
{
    RaveFrame frames[2] = {RAVE_FRAME_INIT, RAVE_FRAME_INIT};
    uint8_t *pixels[2] = {from, to};
    for (int i = 0; i < 2; i++) {
        frames[i].format = RAVE_PIX_FMT_YUV420P;
        frames[i].width = WIDTH;
        frames[i].height = HEIGHT;
        frames[i].data[0] = pixels[i];
        frames[i].data[1] = pixels[i] + LUMA;
        frames[i].data[2] = pixels[i] + LUMA + LUMA / 4;
        frames[i].linesize[0] = WIDTH;
        frames[i].linesize[1] = frames[i].linesize[2] = WIDTH / 2;
    }
    return rave_session_process(session, &frames[0], &frames[1]);
}

static Fixture opened(RaveLogCallback log, void *opaque)
{
    return fixture_open(model_path, RAVE_PIX_FMT_YUV420P, WIDTH, HEIGHT, log, opaque);
}

/* Whether a message is the one that a session writes when it has begun with its first frame. */
static int comes_from_within_process(const char *message)
{
    return strstr(message, "colours unspecified") != NULL;
}

static RaveSession *another_session(RaveModel *model)
{
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    int32_t error;
    RaveSession *session;
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = geometry.height = 16;
    session = rave_session_create(model, &geometry, &error);
    CHECK_STATUS(error, RAVE_OK);
    return session;
}

/* What may be asked beside a running call. */
/* RV-FFI-1005 */
static void asking_works(const Fixture *live)
{
    uint32_t width = 0, height = 0;
    RaveStats stats = RAVE_STATS_INIT;
    RaveModelInfo info = RAVE_MODEL_INFO_INIT;
    CHECK_STATUS(rave_session_output_size(live->session, &width, &height), RAVE_OK);
    CHECK(width == WIDTH && height == HEIGHT);
    CHECK_STATUS(rave_session_stats(live->session, &stats), RAVE_OK);
    CHECK(stats.tiles == 1 && stats.frames == 0 && stats.failed_frames == 0);
    CHECK_STATUS(rave_model_info(live->model, &info), RAVE_OK);
    CHECK(info.channels == 3);
    CHECK(rave_model_description(live->model) != NULL);
}

/* A call that another thread has begun, and that waits in its log callback. */
typedef struct Gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside, released;
    RaveSession *session;
    int32_t status;
} Gate;

static void wait_in_callback(void *opaque, int32_t level, const char *message)
{
    Gate *gate = opaque;
    (void)level;
    if (!comes_from_within_process(message))
        return;
    pthread_mutex_lock(&gate->lock);
    gate->inside = 1;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->released)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void *process_first_frame(void *opaque)
{
    static uint8_t from[BYTES], to[BYTES];
    Gate *gate = opaque;
    gate->status = process(gate->session, from, to);
    return NULL;
}

static void a_busy_session_says_so_at_once(void)
{
    static uint8_t from[BYTES], to[BYTES], small[2][16 * 16 * 3];
    Gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    Fixture live = opened(wait_in_callback, &gate);
    RaveSession *busy = live.session, *beside;
    RaveFrame input = rgb_frame(small[0], 16, 16), out = rgb_frame(small[1], 16, 16);
    RaveStats stats = RAVE_STATS_INIT;
    pthread_t thread;
    gate.session = live.session;
    REQUIRE(pthread_create(&thread, NULL, process_first_frame, &gate) == 0);
    pthread_mutex_lock(&gate.lock);
    while (!gate.inside)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);

    CHECK_STATUS(process(live.session, from, to), RAVE_ERROR_BUSY);
    CHECK_SAID("another call on this session is still running");
    CHECK_STATUS(rave_session_destroy(&live.session), RAVE_ERROR_BUSY);
    CHECK(live.session == busy);
    asking_works(&live);

    /* Other handles are independent, also those that the busy session was made from. */
    beside = another_session(live.model);
    CHECK_STATUS(rave_session_process(beside, &input, &out), RAVE_OK);
    CHECK_STATUS(rave_session_destroy(&beside), RAVE_OK);
    CHECK_STATUS(rave_model_destroy(&live.model), RAVE_OK);
    CHECK_STATUS(rave_context_destroy(&live.context), RAVE_OK);

    pthread_mutex_lock(&gate.lock);
    gate.released = 1;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK_STATUS(gate.status, RAVE_OK);
    CHECK_STATUS(process(live.session, from, to), RAVE_OK);
    /* A call that found the session busy was none of its frames. */
    CHECK_STATUS(rave_session_stats(live.session, &stats), RAVE_OK);
    CHECK(stats.frames == 2 && stats.failed_frames == 0);
    fixture_close(&live);
}

/* What a log callback finds when it calls back; `calls` counts how often it did. */
typedef struct Caller {
    Fixture live;
    RaveSession *beside;
    int calls;
} Caller;

static void creating_is_refused(const Fixture *live)
{
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    int32_t error = RAVE_OK;
    CHECK(!rave_context_create(&device, &error));
    CHECK_STATUS(error, RAVE_ERROR_BUSY);
    CHECK_SAID("log callback");
    CHECK(!rave_model_load(live->context, model_path, NULL, &error));
    CHECK_STATUS(error, RAVE_ERROR_BUSY);
    CHECK_SAID("log callback");
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = geometry.height = 16;
    CHECK(!rave_session_create(live->model, &geometry, &error));
    CHECK_STATUS(error, RAVE_ERROR_BUSY);
    CHECK_SAID("log callback");
}

static void call_back(void *opaque, int32_t level, const char *message)
{
    static uint8_t from[BYTES], to[BYTES];
    Caller *caller = opaque;
    Fixture *live = &caller->live;
    (void)level;
    if (!comes_from_within_process(message))
        return;
    caller->calls++;
    CHECK_STATUS(process(live->session, from, to), RAVE_ERROR_BUSY);
    CHECK_STATUS(process(caller->beside, from, to), RAVE_ERROR_BUSY);
    CHECK_SAID("log callback");
    CHECK_STATUS(rave_session_destroy(&live->session), RAVE_ERROR_BUSY);
    CHECK(live->session != NULL);
    creating_is_refused(live);
    asking_works(live);
    CHECK_STATUS(rave_session_destroy(&caller->beside), RAVE_OK);
    CHECK_STATUS(rave_model_destroy(&live->model), RAVE_OK);
    CHECK_STATUS(rave_context_destroy(&live->context), RAVE_OK);
}

/* RV-FFI-1105 */
static void a_callback_may_ask_and_destroy_but_not_begin(void)
{
    static uint8_t from[BYTES], to[BYTES];
    Caller caller = {.calls = 0};
    caller.live = opened(call_back, &caller);
    caller.beside = another_session(caller.live.model);
    CHECK_STATUS(process(caller.live.session, from, to), RAVE_OK);
    CHECK(caller.calls == 1);
    CHECK(!caller.live.context && !caller.live.model && !caller.beside);
    CHECK_STATUS(process(caller.live.session, from, to), RAVE_OK);
    fixture_close(&caller.live);
}

static void call_back_while_loading(void *opaque, int32_t level, const char *message)
{
    Caller *caller = opaque;
    RaveContext *context = caller->live.context;
    int32_t error = RAVE_OK;
    (void)level, (void)message;
    /* Nothing is said before the context's handle is known. */
    REQUIRE(context != NULL);
    caller->calls++;
    CHECK(!rave_model_load(context, model_path, NULL, &error));
    CHECK_STATUS(error, RAVE_ERROR_BUSY);
    CHECK_STATUS(rave_context_destroy(&context), RAVE_ERROR_BUSY);
}

static void a_callback_cannot_load_while_it_loads(void)
{
    Caller caller = {.calls = 0};
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    int32_t error;
    device.log = call_back_while_loading;
    device.log_opaque = &caller;
    device.log_level = RAVE_LOG_DEBUG;
    caller.live.context = rave_context_create(&device, &error);
    REQUIRE(caller.live.context != NULL);
    caller.live.model = rave_model_load(caller.live.context, model_path, NULL, &error);
    CHECK_STATUS(error, RAVE_OK);
    CHECK(caller.calls > 0);
    fixture_close(&caller.live);
}

static uint8_t inputs[THREADS][TURNS][BYTES], expected[THREADS][TURNS][BYTES];

static void *create_process_destroy(void *number)
{
    static _Thread_local uint8_t to[BYTES];
    size_t thread = (size_t)(uintptr_t)number;
    for (size_t turn = 0; turn < TURNS; turn++) {
        Fixture live = opened(NULL, NULL);
        CHECK_STATUS(process(live.session, inputs[thread][turn], to), RAVE_OK);
        CHECK(memcmp(to, expected[thread][turn], BYTES) == 0);
        fixture_close(&live);
    }
    return NULL;
}

static void in_threads(void *(*work)(void *), void *(*argument)(size_t))
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, work, argument(i)) == 0);
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
}

static void *number_of(size_t thread)
{
    return (void *)(uintptr_t)thread;
}

static void threads_with_handles_of_their_own_do_not_disturb_each_other(void)
{
    Fixture live = opened(NULL, NULL);
    for (uint32_t i = 0; i < THREADS * TURNS; i++) {
        noise(inputs[i / TURNS][i % TURNS], BYTES, i);
        CHECK_STATUS(process(live.session, inputs[i / TURNS][i % TURNS], expected[i / TURNS][i % TURNS]), RAVE_OK);
    }
    fixture_close(&live);
    in_threads(create_process_destroy, number_of);
}

/* One session for all threads. */
static Fixture shared;
static _Atomic unsigned done, destroyed;

static void *process_shared(void *number)
{
    static _Thread_local uint8_t to[BYTES];
    size_t thread = (size_t)(uintptr_t)number;
    for (size_t turn = 0; turn < TURNS; turn++) {
        int32_t status = process(shared.session, inputs[thread][turn], to);
        CHECK(status == RAVE_OK || status == RAVE_ERROR_BUSY);
        if (status != RAVE_OK)
            continue;
        done++;
        CHECK(memcmp(to, expected[thread][turn], BYTES) == 0);
    }
    return NULL;
}

static void *destroy_shared(void *unused)
{
    RaveSession *copy = shared.session;
    int32_t status = rave_session_destroy(&copy);
    (void)unused;
    CHECK(status == RAVE_OK || status == RAVE_ERROR_BUSY || status == RAVE_ERROR_INVALID_HANDLE);
    CHECK((copy == NULL) == (status == RAVE_OK));
    destroyed += status == RAVE_OK;
    return NULL;
}

static void threads_that_share_a_session_get_whole_frames_or_busy(void)
{
    RaveStats stats = RAVE_STATS_INIT;
    shared = opened(NULL, NULL);
    in_threads(process_shared, number_of);
    CHECK_STATUS(rave_session_stats(shared.session, &stats), RAVE_OK);
    CHECK(done > 0 && stats.frames == done && stats.failed_frames == 0);
    in_threads(destroy_shared, number_of);
    CHECK(destroyed == 1);
    shared.session = NULL;
    fixture_close(&shared);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    model_path = argv[1];
    alarm(PATIENCE_SECONDS);
    a_busy_session_says_so_at_once();
    a_callback_may_ask_and_destroy_but_not_begin();
    a_callback_cannot_load_while_it_loads();
    threads_with_handles_of_their_own_do_not_disturb_each_other();
    threads_that_share_a_session_get_whole_frames_or_busy();
    return expect_result();
}
