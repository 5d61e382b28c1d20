/*
 * A process that forks while it uses RAVE. RV-FFI-1014
 *
 *     fork identity-1x.onnx
 */

#define _DEFAULT_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

enum { SIDE = 16, BYTES = SIDE * SIDE * 3 };

static uint8_t pixels[BYTES], result[BYTES];

static int32_t process(RaveSession *session)
{
    RaveFrame input = rgb_frame(pixels, SIDE, SIDE), out = rgb_frame(result, SIDE, SIDE);
    return rave_session_process(session, &input, &out);
}

/* The child: every call is refused at once. An alarm ends it if one waits for a thread that is not there. */
static int child(Fixture *live, const char *model)
{
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveStats stats = RAVE_STATS_INIT;
    int32_t error = RAVE_OK;
    alarm(60);
    expect_failures = 0;
    CHECK_STATUS(process(live->session), RAVE_ERROR_INVALID_HANDLE);
    CHECK_SAID("was forked from process");
    CHECK_STATUS(rave_session_stats(live->session, &stats), RAVE_ERROR_INVALID_HANDLE);
    CHECK(!rave_model_load(live->context, model, NULL, &error));
    CHECK_STATUS(error, RAVE_ERROR_INVALID_HANDLE);
    CHECK(!rave_context_create(&device, &error));
    CHECK_STATUS(error, RAVE_ERROR_INVALID_HANDLE);
    CHECK(rave_version() == RAVE_VERSION_NUMBER);
    CHECK(*rave_error_message(RAVE_ERROR_BUSY));
    fixture_close(live);
    return expect_result();
}

int main(int argc, char **argv)
{
    Fixture live;
    pid_t made;
    int status = -1;
    REQUIRE(argc == 2);
    noise(pixels, BYTES, 1);
    live = fixture_open(argv[1], RAVE_PIX_FMT_RGB24, SIDE, SIDE, NULL, NULL);
    CHECK_STATUS(process(live.session), RAVE_OK);
    made = fork();
    REQUIRE(made >= 0);
    if (made == 0)
        _exit(child(&live, argv[1]));
    REQUIRE(waitpid(made, &status, 0) == made);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    /* The parent's handles are as they were. */
    memset(result, 0, BYTES);
    CHECK_STATUS(process(live.session), RAVE_OK);
    CHECK(memcmp(pixels, result, BYTES) == 0);
    fixture_close(&live);
    return expect_result();
}
