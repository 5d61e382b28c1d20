/*
 * Upscales a picture with a model, by the C interface of RAVE.
 *
 *     upscale MODEL.onnx IN.ppm OUT.ppm
 *
 * Build it with librave.a:   cc upscale.c $(pkg-config --cflags --libs rave) -o upscale
 *       or with librave.so:  cc upscale.c $(pkg-config --cflags --libs rave-shared) -o upscale
 *
 * A program needs four steps: a context, a model in it, a session of the model for one size of frame, and a call for
 * every frame. Every step may fail; rave_last_error() then says what was wrong and what to do about it.
 */

#include <rave.h>

#include "ppm.h"

/* Messages that are no errors: which runtime computes, how unspecified colours are taken. */
static void print_message(void *opaque, int32_t level, const char *message)
{
    if (level <= RAVE_LOG_WARNING)
        fprintf((FILE *)opaque, "rave: %s\n", message);
}

/* Says what failed. The status is for programs, the text for people. */
static int failed(const char *step, int32_t status)
{
    fprintf(stderr, "%s: %s (%d)\n%s\n", step, rave_error_message(status), (int)status, rave_last_error(NULL));
    return 0;
}

/* Describes a picture to the library, which borrows the pixels during a call and keeps no pointer to them. */
static RaveFrame frame_of(const Picture *picture)
{
    /* The macro sets struct_size, by which the library knows which version of the header this was compiled with. */
    RaveFrame frame = RAVE_FRAME_INIT;
    frame.format = RAVE_PIX_FMT_RGB24;
    frame.memory = RAVE_MEMORY_HOST;
    frame.width = picture->width;
    frame.height = picture->height;
    frame.data[0] = picture->pixels;
    frame.linesize[0] = (int64_t)picture->width * 3;
    return frame;
}

/* Runs the session on one frame. A program that has a video does this for every frame, with the same session. */
static int process(RaveSession *session, const Picture *from, const char *path)
{
    Picture to;
    uint32_t width, height;
    int32_t status = rave_session_output_size(session, &width, &height);
    int ok;
    if (status != RAVE_OK)
        return failed("output size", status);
    if (!picture_allocate(&to, width, height)) {
        fprintf(stderr, "no memory for %ux%u pixels\n", (unsigned)width, (unsigned)height);
        return 0;
    }
    {
        RaveFrame input = frame_of(from), output = frame_of(&to);
        status = rave_session_process(session, &input, &output);
    }
    ok = status == RAVE_OK ? picture_write(&to, path) : failed("upscaling", status);
    free(to.pixels);
    return ok;
}

static int upscale(const char *model_path, const Picture *from, const char *to)
{
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    RaveContext *context;
    RaveModel *model = NULL;
    RaveSession *session = NULL;
    int32_t status = RAVE_OK;
    int ok = 0;

    device.device = RAVE_DEVICE_CPU;
    device.log = print_message;
    device.log_opaque = stderr;
    context = rave_context_create(&device, &status);

    /* NULL in the place of a RaveModelConfig means the defaults. */
    if (context)
        model = rave_model_load(context, model_path, NULL, &status);

    /* A session has all buffers for one geometry; a stream that changes its size needs a new session. */
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = from->width;
    geometry.height = from->height;
    if (model) {
        printf("%s\n", rave_model_description(model));
        session = rave_session_create(model, &geometry, &status);
    }
    if (session)
        ok = process(session, from, to);
    else
        failed("setting up", status);

    /* In any order, and harmless for handles that were not created: each function leaves NULL behind. */
    rave_session_destroy(&session);
    rave_model_destroy(&model);
    rave_context_destroy(&context);
    return ok;
}

int main(int argc, char **argv)
{
    Picture from;
    int ok;
    if (argc != 4) {
        fprintf(stderr, "usage: %s MODEL.onnx IN.ppm OUT.ppm\n", argv[0]);
        return 2;
    }
    /* Within one major version a newer library serves programs that were compiled with an older header. */
    if (rave_version() < RAVE_VERSION_NUMBER) {
        fprintf(stderr, "this librave is older than the header that %s was compiled with\n", argv[0]);
        return 1;
    }
    if (!picture_read(&from, argv[2]))
        return 1;
    ok = upscale(argv[1], &from, argv[3]);
    free(from.pixels);
    return ok ? 0 : 1;
}
