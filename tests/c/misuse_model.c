/*
 * Loads every model that it is given, and says of each what came of it: a line with the status and the message.
 *
 *     misuse_model MODEL...
 *
 * A model that loads is run on two frames; the line then has the status of the second one, its message, and how many
 * frames succeeded and failed.
 */

#include "fixture.h"

enum { SIDE = 64 };

static void run(RaveModel *model)
{
    static uint8_t pixels[2][SIDE * SIDE * 3];
    RaveFrame input = rgb_frame(pixels[0], SIDE, SIDE), out = rgb_frame(pixels[1], SIDE, SIDE);
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    RaveStats stats = RAVE_STATS_INIT;
    RaveSession *session;
    int32_t first, second;
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = geometry.height = SIDE;
    session = rave_session_create(model, &geometry, &first);
    if (!session) {
        printf("session %d %s\n", (int)first, rave_last_error(NULL));
        return;
    }
    first = rave_session_process(session, &input, &out);
    second = rave_session_process(session, &input, &out);
    CHECK(first == second);
    CHECK_STATUS(rave_session_stats(session, &stats), RAVE_OK);
    printf("process %d %s (%u succeeded, %u failed)\n", (int)second, rave_last_error(NULL), (unsigned)stats.frames,
           (unsigned)stats.failed_frames);
    CHECK_STATUS(rave_session_destroy(&session), RAVE_OK);
}

int main(int argc, char **argv)
{
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveModelConfig runtime = RAVE_MODEL_CONFIG_INIT;
    int32_t error;
    RaveContext *context = rave_context_create(&device, &error);
    REQUIRE(context && argc > 1);
    runtime.runtime_lib = "embedded";
    for (int i = 1; i < argc; i++) {
        RaveModel *model = rave_model_load(context, argv[i], &runtime, &error);
        CHECK((model == NULL) == (error != RAVE_OK));
        if (model)
            run(model);
        else
            printf("load %d %s\n", (int)error, rave_last_error(context));
        CHECK_STATUS(rave_model_destroy(&model), RAVE_OK);
    }
    CHECK_STATUS(rave_context_destroy(&context), RAVE_OK);
    return expect_result();
}
