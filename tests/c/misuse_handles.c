/*
 * Handles that are gone, of another kind, or no handles at all.
 *
 *     misuse_handles identity-1x.onnx
 */

#define _DEFAULT_SOURCE
#include <pthread.h>

#include "fixture.h"

enum { SIDE = 16 };

static const char *model_path;
static uint8_t pixels[2][SIDE * SIDE * 3];

static int32_t process(RaveSession *session)
{
    RaveFrame input = rgb_frame(pixels[0], SIDE, SIDE), out = rgb_frame(pixels[1], SIDE, SIDE);
    return rave_session_process(session, &input, &out);
}

static Fixture opened(void)
{
    return fixture_open(model_path, RAVE_PIX_FMT_RGB24, SIDE, SIDE, NULL, NULL);
}

/* Every function that takes a handle refuses `handle`, changes nothing, and says of which kind it should have been. */

static void no_context(void *handle)
{
    int32_t status = RAVE_OK;
    RaveContext *context = handle;
    CHECK(!rave_model_load(context, model_path, NULL, &status));
    CHECK_STATUS(status, RAVE_ERROR_INVALID_HANDLE);
    CHECK_SAID("context is not a live handle");
    CHECK_STATUS(rave_context_destroy(&context), RAVE_ERROR_INVALID_HANDLE);
    CHECK(context == handle);
    CHECK(rave_last_error(context) == rave_last_error(NULL));
}

static void no_model(void *handle)
{
    int32_t status = RAVE_OK;
    RaveModel *model = handle;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    RaveModelInfo info = RAVE_MODEL_INFO_INIT;
    CHECK(!rave_session_create(model, &geometry, &status));
    CHECK_STATUS(status, RAVE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(rave_model_info(model, &info), RAVE_ERROR_INVALID_HANDLE);
    CHECK(info.channels == 0);
    CHECK_STATUS(rave_model_destroy(&model), RAVE_ERROR_INVALID_HANDLE);
    CHECK(model == handle);
    CHECK(!rave_model_description(model));
    CHECK_SAID("model is not a live handle");
}

static void no_session(void *handle)
{
    RaveSession *session = handle;
    RaveStats stats = RAVE_STATS_INIT;
    uint32_t width = 7, height = 9;
    CHECK_STATUS(process(session), RAVE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(rave_session_output_size(session, &width, &height), RAVE_ERROR_INVALID_HANDLE);
    CHECK(width == 7 && height == 9);
    CHECK_STATUS(rave_session_stats(session, &stats), RAVE_ERROR_INVALID_HANDLE);
    CHECK(stats.tiles == 0);
    CHECK_STATUS(rave_session_finish(session), RAVE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(rave_session_drain(session), RAVE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(rave_session_capacity(session, &width), RAVE_ERROR_INVALID_HANDLE);
    CHECK(width == 7);
    CHECK_STATUS(rave_session_destroy(&session), RAVE_ERROR_INVALID_HANDLE);
    CHECK(session == handle);
    CHECK_SAID("session is not a live handle");
}

static void stale_and_swapped_handles(void)
{
    Fixture live = opened(), stale;
    no_context(live.model);
    no_context(live.session);
    no_model(live.context);
    no_model(live.session);
    no_session(live.context);
    no_session(live.model);
    CHECK_STATUS(process(live.session), RAVE_OK);

    stale = live;
    fixture_close(&live);
    no_context(stale.context);
    no_model(stale.model);
    no_session(stale.session);

    /* A new handle is never the number of an old one. */
    live = opened();
    CHECK(live.context != stale.context && live.model != stale.model && live.session != stale.session);
    no_session(stale.session);
    CHECK_STATUS(process(live.session), RAVE_OK);
    fixture_close(&live);
}

static void numbers_that_are_no_handles(void)
{
    Fixture live = opened();
    uint8_t numbers[8];
    for (uint32_t seed = 0; seed < 1000; seed++) {
        uint64_t number;
        noise(numbers, sizeof numbers, seed);
        memcpy(&number, numbers, sizeof number);
        /* Handles of this program are small multiples of 16: set a bit that none of them has. */
        number |= (uint64_t)1 << 40;
        no_context((void *)(uintptr_t)number);
        no_model((void *)(uintptr_t)number);
        no_session((void *)(uintptr_t)number);
    }
    for (uintptr_t offset = 1; offset < 16; offset++) {
        no_context((void *)((uintptr_t)live.context + offset));
        no_model((void *)((uintptr_t)live.model + offset));
        no_session((void *)((uintptr_t)live.session + offset));
    }
    no_context(&live);
    no_model(&live);
    no_session(pixels);
    no_session((void *)UINTPTR_MAX);
    CHECK_STATUS(process(live.session), RAVE_OK);
    fixture_close(&live);
}

/* Ends one of the three, then sees whether the others still do their work. */
static void end(Fixture *live, char which)
{
    RaveModelInfo info = RAVE_MODEL_INFO_INIT;
    if (which == 'c')
        CHECK_STATUS(rave_context_destroy(&live->context), RAVE_OK);
    if (which == 'm')
        CHECK_STATUS(rave_model_destroy(&live->model), RAVE_OK);
    if (which == 's')
        CHECK_STATUS(rave_session_destroy(&live->session), RAVE_OK);
    if (live->session) {
        noise(pixels[0], sizeof pixels[0], (uint32_t)which);
        CHECK_STATUS(process(live->session), RAVE_OK);
        CHECK(memcmp(pixels[0], pixels[1], sizeof pixels[0]) == 0);
    }
    if (live->model) {
        CHECK_STATUS(rave_model_info(live->model, &info), RAVE_OK);
        CHECK(info.channels == 3 && info.scale_numerator == 1 && info.scale_denominator == 1);
    }
}

/* RV-FFI-1004 */
static void every_order_of_destruction(void)
{
    const char *orders[] = {"cms", "csm", "mcs", "msc", "scm", "smc"};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        Fixture live = opened();
        for (const char *which = orders[i]; *which; which++)
            end(&live, *which);
        CHECK(!live.context && !live.model && !live.session);
        /* NULL, as the functions leave it behind, is nothing to do. */
        fixture_close(&live);
    }
}

static void the_description_lives_as_long_as_the_model(void)
{
    Fixture live = opened(), other;
    const char *description = rave_model_description(live.model);
    char copy[512];
    REQUIRE(description && strlen(description) < sizeof copy && strlen(description) > 0);
    CHECK(!strchr(description, '\n'));
    memcpy(copy, description, strlen(description) + 1);
    CHECK_STATUS(rave_context_destroy(&live.context), RAVE_OK);
    other = opened();
    CHECK(rave_model_description(other.model) != description);
    fixture_close(&other);
    CHECK(rave_model_description(live.model) == description);
    CHECK(strcmp(copy, description) == 0);
    fixture_close(&live);
}

static void *fail_elsewhere(void *unused)
{
    RaveContextConfig config = RAVE_CONTEXT_CONFIG_INIT;
    int32_t status;
    (void)unused;
    CHECK(strcmp(rave_last_error(NULL), "") == 0);
    config.device = 77;
    CHECK(!rave_context_create(&config, &status));
    CHECK_SAID("[INVALID_PARAMETER] config: device is 77");
    return NULL;
}

/* RV-FFI-1102 */
static void each_thread_has_its_own_last_error(void)
{
    pthread_t thread;
    Fixture live = opened();
    const char *mine;
    CHECK_STATUS(process((RaveSession *)(uintptr_t)3), RAVE_ERROR_INVALID_HANDLE);
    mine = rave_last_error(live.context);
    REQUIRE(pthread_create(&thread, NULL, fail_elsewhere, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK(rave_last_error(NULL) == mine);
    CHECK_SAID("[INVALID_HANDLE] session is not a live handle");
    /* A call that succeeds leaves the text of the failure before it. */
    CHECK_STATUS(process(live.session), RAVE_OK);
    CHECK(rave_last_error(NULL) == mine);
    fixture_close(&live);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    model_path = argv[1];
    each_thread_has_its_own_last_error();
    stale_and_swapped_handles();
    numbers_that_are_no_handles();
    every_order_of_destruction();
    the_description_lives_as_long_as_the_model();
    return expect_result();
}
