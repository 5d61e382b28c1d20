/* A session with its model and context, and a picture for it: what every program that misuses RAVE begins with. */

#ifndef FIXTURE_H
#define FIXTURE_H

#include "expect.h"

typedef struct Fixture {
    RaveContext *context;
    RaveModel *model;
    RaveSession *session;
} Fixture;

/* A session on the CPU for frames of one format; the messages of `log` come at every level. */
static inline Fixture fixture_open(const char *model, int32_t format, uint32_t width, uint32_t height,
                                   RaveLogCallback log, void *opaque)
{
    Fixture made = {NULL, NULL, NULL};
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveModelConfig runtime = RAVE_MODEL_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    int32_t error;
    device.log = log;
    device.log_opaque = opaque;
    device.log_level = RAVE_LOG_DEBUG;
    made.context = rave_context_create(&device, &error);
    REQUIRE(made.context && error == RAVE_OK);
    runtime.runtime_lib = "embedded";
    made.model = rave_model_load(made.context, model, &runtime, &error);
    REQUIRE(made.model && error == RAVE_OK);
    geometry.format = format;
    geometry.width = width;
    geometry.height = height;
    made.session = rave_session_create(made.model, &geometry, &error);
    REQUIRE(made.session && error == RAVE_OK);
    return made;
}

static inline void fixture_close(Fixture *fixture)
{
    CHECK_STATUS(rave_session_destroy(&fixture->session), RAVE_OK);
    CHECK_STATUS(rave_model_destroy(&fixture->model), RAVE_OK);
    CHECK_STATUS(rave_context_destroy(&fixture->context), RAVE_OK);
    CHECK(!fixture->session && !fixture->model && !fixture->context);
}

/* Fills `count` bytes with noise that depends on `seed` alone. */
static inline void noise(uint8_t *bytes, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

/* An rgb24 frame whose rows follow each other without a gap. */
static inline RaveFrame rgb_frame(uint8_t *pixels, uint32_t width, uint32_t height)
{
    RaveFrame frame = RAVE_FRAME_INIT;
    frame.format = RAVE_PIX_FMT_RGB24;
    frame.width = width;
    frame.height = height;
    frame.data[0] = pixels;
    frame.linesize[0] = (int64_t)width * 3;
    return frame;
}

#endif
