/*
 * Sequences of calls, read from files: whatever they are, each call ends in a status. RV-FFI-1015
 *
 *     sequence identity-1x.onnx replicate-2x.onnx FILE...
 *
 * A file is a program: each byte is a call, those after it are its arguments, and 0 where the file ends. There are four
 * places for each kind of handle; a call takes any of them, whatever is there, or a number that is no handle.
 *
 * With RAVE_LIBFUZZER, libFuzzer makes the programs (scripts/fuzz.sh); the models are those in the folder
 * RAVE_FUZZ_MODELS.
 */

#include "fixture.h"

enum { PLACES = 4, SIDE = 24, BYTES = 2 * SIDE * 2 * SIDE * 4, KINDS = 3 };

static const uint8_t *next, *end;
static const char *models[2];
static RaveContext *contexts[PLACES];
static RaveModel *loaded[PLACES];
static RaveSession *sessions[PLACES];
static uint8_t pixels[2][BYTES];

static uint8_t byte(void)
{
    return next < end ? *next++ : 0;
}

static uint32_t number(void)
{
    /* Small ones, as are sensible, and any others. */
    uint8_t first = byte();
    return first < 0xf0 ? first % 64 : (uint32_t)byte() << 24 | (uint32_t)byte() << 12 | byte();
}

/* What a caller says is the size of a structure of `has` bytes: it may be too small, or beyond reason, but what looks
 * possible has to be there. */
static uint32_t size_of(size_t has)
{
    const uint32_t given = number();
    return given > has && given < 1u << 20 ? (uint32_t)has : given;
}

/* That a call has ended in a status that the header knows. */
static void told(int32_t status)
{
    static const char unknown[] = "unknown error";
    CHECK(status == RAVE_OK || strcmp(rave_error_message(status), unknown) != 0);
    CHECK(status != RAVE_ERROR_PANIC);
    CHECK(status == RAVE_OK || *rave_last_error(NULL) == '[');
}

/* Any handle of its kind, one of another kind, NULL, or a number. */
static void *any(void *const *own, uint8_t which)
{
    void *const *kinds[KINDS] = {(void *const *)contexts, (void *const *)loaded, (void *const *)sessions};
    if (which < 0xc0)
        return own[which % PLACES];
    if (which < 0xe0)
        return kinds[which % KINDS][which / KINDS % PLACES];
    return which < 0xf0 ? NULL : (void *)(uintptr_t)(which * 16u);
}

static RaveFrame any_frame(uint8_t *memory)
{
    static const int32_t formats[] = {RAVE_PIX_FMT_RGB24, RAVE_PIX_FMT_YUV420P, RAVE_PIX_FMT_NV12, RAVE_PIX_FMT_GRAY8,
                                      RAVE_PIX_FMT_GBRP};
    RaveFrame frame = RAVE_FRAME_INIT;
    uint8_t strange = byte();
    frame.format = formats[byte() % (sizeof formats / sizeof formats[0])];
    frame.width = SIDE;
    frame.height = SIDE;
    if (strange & 1)
        frame.width = frame.height = 2 * SIDE;
    for (int i = 0; i < 3; i++) {
        frame.data[i] = memory + (size_t)i * (BYTES / 4);
        frame.linesize[i] = (int64_t)frame.width * (frame.format == RAVE_PIX_FMT_RGB24 ? 3 : 1);
    }
    frame.matrix = strange & 2 ? (int32_t)number() : 2;
    frame.range = strange & 4 ? (int32_t)number() : 0;
    frame.siting = strange & 8 ? (int32_t)number() : 0;
    /* Never more than there is: what the caller says of its memory has to be true. */
    if (strange & 16)
        frame.crop_left = number();
    if (strange & 32)
        frame.crop_bottom = number();
    if (strange & 64)
        frame.memory = (int32_t)(byte() % 3);
    if (strange & 128)
        frame.struct_size = size_of(sizeof frame);
    if (frame.format == RAVE_PIX_FMT_RGB24 && frame.width > SIDE)
        frame.data[0] = memory;
    return frame;
}

static void create_context(void)
{
    RaveContextConfig config = RAVE_CONTEXT_CONFIG_INIT;
    uint8_t place = byte() % PLACES, strange = byte();
    int32_t error = RAVE_OK;
    RaveContext *made;
    if (strange & 1)
        config.log_level = (int32_t)number();
    if (strange & 2)
        config.device = (int32_t)(byte() % 3);
    if (strange & 4)
        config.ledger_every = number();
    if (strange & 8)
        config.struct_size = size_of(sizeof config);
    made = rave_context_create(&config, &error);
    CHECK((made != NULL) == (error == RAVE_OK));
    told(error);
    if (made) {
        told(rave_context_destroy(&contexts[place]));
        contexts[place] = made;
    }
}

static void load_model(void)
{
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    uint8_t place = byte() % PLACES, strange;
    void *context = any((void *const *)contexts, byte());
    const char *path = models[byte() % 2];
    int32_t error = RAVE_OK;
    RaveModel *made;
    strange = byte();
    config.runtime_lib = "embedded";
    config.threads = strange & 1 ? 1 + byte() % 3 : 1;
    if (strange & 2)
        config.values = (int32_t)number();
    if (strange & 4)
        config.backend = (int32_t)(byte() % 4);
    if (strange & 8)
        config.mode = (int32_t)(byte() % 3);
    if (strange & 16)
        config.struct_size = size_of(sizeof config);
    made = rave_model_load(context, path, &config, &error);
    CHECK((made != NULL) == (error == RAVE_OK));
    told(error);
    if (made) {
        told(rave_model_destroy(&loaded[place]));
        loaded[place] = made;
    }
}

static void create_session(void)
{
    RaveSessionConfig config = RAVE_SESSION_CONFIG_INIT;
    uint8_t place = byte() % PLACES, strange;
    void *model = any((void *const *)loaded, byte());
    int32_t error = RAVE_OK;
    RaveSession *made;
    strange = byte();
    config.format = RAVE_PIX_FMT_RGB24;
    config.width = config.height = SIDE;
    if (strange & 1)
        config.format = (int32_t)number();
    if (strange & 2)
        config.output_format = (int32_t)number();
    if (strange & 4)
        config.width = number() % 128;
    if (strange & 8)
        config.tile_width = config.tile_height = number() % 256;
    if (strange & 16)
        config.overlap = number() % 1024;
    if (strange & 32)
        config.mode = (int32_t)(byte() % 3);
    if (strange & 64)
        config.dither = (int32_t)(byte() % 3);
    if (strange & 128)
        config.struct_size = size_of(sizeof config);
    made = rave_session_create(model, &config, &error);
    CHECK((made != NULL) == (error == RAVE_OK));
    told(error);
    if (made) {
        told(rave_session_destroy(&sessions[place]));
        sessions[place] = made;
    }
}

static void destroy(void)
{
    uint8_t which = byte(), place = byte() % PLACES;
    void *stray = any((void *const *)sessions, byte());
    switch (which % 4) {
    case 0:
        told(rave_context_destroy(&contexts[place]));
        break;
    case 1:
        told(rave_model_destroy(&loaded[place]));
        break;
    case 2:
        told(rave_session_destroy(&sessions[place]));
        break;
    default: {
        /* Perhaps twice, perhaps of another kind; the place itself keeps what was there. */
        RaveContext *other = stray;
        told(rave_context_destroy(&other));
    }
    }
}

static void ask(void)
{
    RaveModelInfo info = RAVE_MODEL_INFO_INIT;
    RaveStats stats = RAVE_STATS_INIT;
    RaveLedgerCounts counts = RAVE_LEDGER_COUNTS_INIT;
    char line[64];
    uint64_t length;
    uint32_t width, height;
    uint8_t which = byte();
    void *context = any((void *const *)contexts, byte());
    void *model = any((void *const *)loaded, byte());
    void *session = any((void *const *)sessions, byte());
    switch (which % 7) {
    case 0:
        told(rave_model_info(model, &info));
        break;
    case 1:
        told(rave_session_stats(session, &stats));
        break;
    case 2:
        told(rave_context_ledger_counts(context, &counts));
        break;
    case 3:
        told(rave_context_ledger_line(context, number(), line, sizeof line, &length));
        break;
    case 4:
        told(rave_session_output_size(session, &width, &height));
        break;
    case 5:
        told(rave_session_capacity(session, &width));
        break;
    default:
        (void)rave_model_description(model);
    }
}

static void use(void)
{
    uint8_t which = byte();
    void *session = any((void *const *)sessions, byte());
    RaveFrame input = any_frame(pixels[0]), out = any_frame(pixels[byte() % 8 ? 1 : 0]);
    int32_t repeat;
    switch (which % 5) {
    case 0:
        told(rave_session_submit(session, &input, &out));
        break;
    case 1:
        told(rave_session_finish(session));
        break;
    case 2:
        told(rave_session_drain(session));
        break;
    case 3:
        told(rave_session_is_repeat(session, &input, &out, &repeat));
        break;
    default:
        told(rave_session_process(session, &input, &out));
    }
}

static void run(void)
{
    static void (*const calls[])(void) = {create_context, load_model, create_session, use, use, use, ask, destroy};
    while (next < end)
        calls[byte() % (sizeof calls / sizeof calls[0])]();
    for (int i = 0; i < PLACES; i++) {
        /* What is there may be gone already, by another name: then that is told. */
        told(rave_session_destroy(&sessions[i]));
        told(rave_model_destroy(&loaded[i]));
        told(rave_context_destroy(&contexts[i]));
        contexts[i] = NULL;
        loaded[i] = NULL;
        sessions[i] = NULL;
    }
}

#ifdef RAVE_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char paths[2][4096];
    static const char *const names[2] = {"identity-1x.onnx", "replicate-2x.onnx"};
    const char *folder = getenv("RAVE_FUZZ_MODELS");
    for (int i = 0; i < 2 && !models[i]; i++) {
        if (snprintf(paths[i], sizeof paths[i], "%s/%s", folder ? folder : ".", names[i]) >= (int)sizeof paths[i])
            abort();
        models[i] = paths[i];
    }
    next = data;
    end = data + size;
    run();
    if (expect_failures)
        abort();
    return 0;
}

#else

int main(int argc, char **argv)
{
    static uint8_t program[4096];
    REQUIRE(argc > 3);
    models[0] = argv[1];
    models[1] = argv[2];
    noise(pixels[0], BYTES, 1);
    for (int i = 3; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        REQUIRE(file);
        next = program;
        end = program + fread(program, 1, sizeof program, file);
        fclose(file);
        run();
        if (expect_failures) {
            fprintf(stderr, "in %s\n", argv[i]);
            break;
        }
    }
    return expect_result();
}

#endif
