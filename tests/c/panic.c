/* No panic crosses: what a program sees of one. `panic MODEL`; prints nothing, exits with 0 when all is as it must be. */

#include <rave.h>

#include <string.h>

/* Part of the library only when it is built for this test. */
int32_t rave_test_panic(RaveSession *session);

#define CHECK(condition) do { if (!(condition)) return __LINE__ % 250; } while (0)

int main(int argc, char **argv)
{
    int32_t status = RAVE_ERROR_UNKNOWN;
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    RaveContext *context = rave_context_create(&device, &status);
    RaveModel *model;
    RaveSession *session;
    RaveFrame frame = RAVE_FRAME_INIT, out = RAVE_FRAME_INIT;
    unsigned char pixels[8 * 8 * 3] = {0}, result[8 * 8 * 3];

    CHECK(argc == 2 && context);
    model = rave_model_load(context, argv[1], NULL, &status);
    CHECK(model);
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = geometry.height = 8;
    session = rave_session_create(model, &geometry, &status);
    CHECK(session);

    /* A panic that holds no handle is a status, and the library goes on. */
    CHECK(rave_test_panic(NULL) == RAVE_ERROR_PANIC);
    CHECK(strstr(rave_last_error(NULL), "[PANIC]") && strstr(rave_last_error(NULL), "probe at "));
    CHECK(strstr(rave_last_error(NULL), "panic_probe.rs"));
    frame.format = out.format = geometry.format;
    frame.width = frame.height = out.width = out.height = 8;
    frame.linesize[0] = out.linesize[0] = 24;
    frame.data[0] = pixels;
    out.data[0] = result;
    CHECK(rave_session_process(session, &frame, &out) == RAVE_OK);

    /* One that holds a handle leaves it unusable, but for its end. */
    CHECK(rave_test_panic(session) == RAVE_ERROR_PANIC);
    CHECK(rave_session_process(session, &frame, &out) == RAVE_ERROR_PANIC);
    CHECK(strstr(rave_last_error(NULL), "destroy the handle"));
    CHECK(rave_session_destroy(&session) == RAVE_OK && !session);

    /* Others are untouched. */
    session = rave_session_create(model, &geometry, &status);
    CHECK(session && rave_session_process(session, &frame, &out) == RAVE_OK);
    CHECK(rave_session_destroy(&session) == RAVE_OK);
    CHECK(rave_model_destroy(&model) == RAVE_OK && rave_context_destroy(&context) == RAVE_OK);
    return 0;
}
