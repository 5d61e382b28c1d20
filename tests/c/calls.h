/*
 * What the programs that tests/abi/calls.rs generates stand on: one set of valid arguments for every function of the
 * header, and a copy of it from before a call, so that whatever the call writes is seen.
 */

#ifndef CALLS_H
#define CALLS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rave.h"

enum { WIDTH = 16, HEIGHT = 8, PIXELS = 3 * WIDTH * HEIGHT };

/* What every output holds before a call; no call on these arguments gives it as a result. */
#define PATTERN 0xA5

typedef struct Arguments {
    RaveContext *context;
    RaveModel *model;
    RaveSession *session;
    RaveContextConfig context_config;
    RaveModelConfig model_config;
    RaveSessionConfig session_config;
    RaveFrame input;
    RaveFrame out;
    RaveFrame previous;
    RaveFrame frame;
    RaveModelInfo info;
    RaveStats stats;
    RaveLedgerCounts counts;
    char text[1024];
    uint64_t length;
    int32_t error;
    int32_t format;
    uint32_t width;
    uint32_t height;
    uint32_t frames;
    int32_t repeat;
    uint8_t input_pixels[PIXELS];
    uint8_t out_pixels[PIXELS];
} Arguments;

static const char *current_case = "";

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s: not so: %s; last error: %s\n", current_case, #condition, rave_last_error(NULL));      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Whether a member of the arguments is as it was. */
#define UNTOUCHED(member) (memcmp(&now.member, &before.member, sizeof now.member) == 0)

static RaveFrame frame(uint8_t *pixels)
{
    RaveFrame frame = RAVE_FRAME_INIT;
    frame.format = RAVE_PIX_FMT_RGB24;
    frame.width = WIDTH;
    frame.height = HEIGHT;
    frame.data[0] = pixels;
    frame.linesize[0] = 3 * WIDTH;
    return frame;
}

/* The message that stands when a call begins: one that no case gives. */
static void forget_last_error(void)
{
    EXPECT(rave_pixel_format_from_name("no such format") == 0);
}

static inline int last_error_begins_with(const char *text)
{
    return strncmp(rave_last_error(NULL), text, strlen(text)) == 0;
}

static inline int no_new_error(void)
{
    return last_error_begins_with("[UNSUPPORTED_FORMAT] pixel format `no such format`");
}

/* Makes handles and valid arguments, all outputs filled with the pattern, and begins the case `name`. */
static void begin(Arguments *now, const char *model, const char *name)
{
    const RaveContextConfig context = RAVE_CONTEXT_CONFIG_INIT;
    const RaveModelConfig loading = RAVE_MODEL_CONFIG_INIT;
    const RaveSessionConfig session = RAVE_SESSION_CONFIG_INIT;

    current_case = name;
    memset(now, PATTERN, sizeof *now);
    now->context_config = context;
    now->model_config = loading;
    now->model_config.threads = 1;
    now->model_config.runtime_lib = "embedded";
    now->session_config = session;
    now->session_config.format = RAVE_PIX_FMT_RGB24;
    now->session_config.width = WIDTH;
    now->session_config.height = HEIGHT;
    now->input = frame(now->input_pixels);
    now->out = frame(now->out_pixels);
    now->previous = now->frame = now->input;
    /* Valid, and not what an rgb24 frame is tagged as. */
    now->out.matrix = 9;
    now->out.range = 1;
    now->out.siting = 6;
    for (int index = 0; index < PIXELS; index++)
        now->input_pixels[index] = (uint8_t)index;
    now->info.struct_size = sizeof now->info;
    now->stats.struct_size = sizeof now->stats;
    now->counts.struct_size = sizeof now->counts;

    now->context = rave_context_create(&now->context_config, &now->error);
    EXPECT(now->context);
    now->model = rave_model_load(now->context, model, &now->model_config, &now->error);
    EXPECT(now->model);
    now->session = rave_session_create(now->model, &now->session_config, &now->error);
    EXPECT(now->session);
    /* To finish a frame takes one. */
    if (strncmp(name, "rave_session_finish", strlen("rave_session_finish")) == 0)
        EXPECT(rave_session_submit(now->session, &now->input, &now->out) == RAVE_OK);
    memset(&now->error, PATTERN, sizeof now->error);
    forget_last_error();
}

/* The handles still work after the case, and end. */
static void end(Arguments *now)
{
    if (now->session) {
        (void)rave_session_finish(now->session);
        EXPECT(rave_session_process(now->session, &now->input, &now->out) == RAVE_OK);
        EXPECT(memcmp(now->input_pixels, now->out_pixels, PIXELS) == 0);
    }
    EXPECT(rave_session_destroy(&now->session) == RAVE_OK);
    EXPECT(rave_model_destroy(&now->model) == RAVE_OK);
    EXPECT(rave_context_destroy(&now->context) == RAVE_OK);
}

#endif
