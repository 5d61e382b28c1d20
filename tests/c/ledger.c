/*
 * The ledger of a context, and frames that are lost in hardened mode.
 *
 *     ledger nan-of-zero.onnx FOLDER
 *
 * FOLDER/run.jsonl becomes the ledger of a run whose frames 1, 3 and 4 have no result.
 */

#define _DEFAULT_SOURCE
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

enum { SIDE = 16, BYTES = SIDE * SIDE * 3, FRAMES = 6 };

static uint8_t pixels[BYTES], result[BYTES];

static const char *in_folder(const char *folder, const char *name)
{
    static char path[4096];
    REQUIRE(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    return path;
}

/* A context whose ledger is in the file at `path`. */
static RaveContext *open_context(const char *path, int32_t *error)
{
    RaveContextConfig config = RAVE_CONTEXT_CONFIG_INIT;
    config.ledger = path;
    return rave_context_create(&config, error);
}

/* A session in `mode` for rgb24 frames; the handles of the context and the model are given up at once. */
static RaveSession *open_session(RaveContext *context, const char *path, int32_t mode)
{
    RaveModelConfig loading = RAVE_MODEL_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    int32_t error;
    RaveModel *model;
    RaveSession *session;
    loading.runtime_lib = "embedded";
    loading.mode = mode;
    model = rave_model_load(context, path, &loading, &error);
    REQUIRE(model);
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = geometry.height = SIDE;
    geometry.mode = mode;
    session = rave_session_create(model, &geometry, &error);
    REQUIRE(session);
    CHECK_STATUS(rave_model_destroy(&model), RAVE_OK);
    return session;
}

/* Frame `number`, of which the model makes NaN where it has a hole. */
static int32_t process(RaveSession *session, uint32_t number, int hole)
{
    RaveFrame input = rgb_frame(pixels, SIDE, SIDE), out = rgb_frame(result, SIDE, SIDE);
    int32_t status;
    noise(pixels, BYTES, number);
    for (int i = 0; i < BYTES; i++)
        pixels[i] |= 1;
    if (hole)
        pixels[100] = 0;
    status = rave_session_process(session, &input, &out);
    CHECK((status == RAVE_OK) == !hole);
    CHECK(hole || memcmp(pixels, result, BYTES) == 0);
    return status;
}

/* RV-FFI-1012 */
static void run(RaveContext *context, const char *model)
{
    static const int holes[FRAMES] = {0, 1, 0, 1, 1, 0};
    static const int32_t hardened[FRAMES] = {RAVE_OK, RAVE_ERROR_FRAME_LOST,       RAVE_OK, RAVE_ERROR_FRAME_LOST,
                                             RAVE_ERROR_INFERENCE_FAILED, RAVE_OK};
    RaveSession *session = open_session(context, model, RAVE_MODE_HARDENED);
    RaveStats stats = RAVE_STATS_INIT;
    for (uint32_t i = 0; i < FRAMES; i++) {
        CHECK_STATUS(process(session, i, holes[i]), hardened[i]);
        if (hardened[i] == RAVE_ERROR_FRAME_LOST)
            CHECK_SAID("leave the frame out");
    }
    CHECK_STATUS(rave_session_stats(session, &stats), RAVE_OK);
    CHECK(stats.frames == 3 && stats.lost_frames == 2 && stats.failed_frames == 1);
    CHECK_STATUS(rave_session_destroy(&session), RAVE_OK);
}

/* RV-FFI-1012 */
static void strict_has_errors(const char *model)
{
    int32_t error;
    RaveContext *context = open_context(NULL, &error);
    RaveSession *session = open_session(context, model, RAVE_MODE_STRICT);
    RaveLedgerCounts counts = RAVE_LEDGER_COUNTS_INIT;
    CHECK_STATUS(process(session, 0, 1), RAVE_ERROR_INFERENCE_FAILED);
    CHECK_STATUS(process(session, 1, 0), RAVE_OK);
    CHECK_STATUS(rave_context_ledger_counts(context, &counts), RAVE_OK);
    CHECK(counts.frames_lost == 0 && counts.failures == 1);
    CHECK(counts.frames == 0);
    CHECK_STATUS(rave_session_destroy(&session), RAVE_OK);
    CHECK_STATUS(rave_context_destroy(&context), RAVE_OK);
}

/* RV-FFI-1011 */
static void counts_and_lines(RaveContext *context)
{
    RaveLedgerCounts counts = RAVE_LEDGER_COUNTS_INIT;
    char line[4096];
    uint64_t length = 0, again = 0;
    CHECK_STATUS(rave_context_ledger_counts(context, &counts), RAVE_OK);
    CHECK(counts.frames == 3 && counts.frames_lost == 2 && counts.failures == 1);
    CHECK(counts.allocations_retried == 0 && counts.devices_lost == 0);
    /* Opened, model, session, three frames, two acts, a failure, session closed. */
    CHECK(counts.lines == 10);
    for (uint64_t i = 0; i < counts.lines; i++) {
        CHECK_STATUS(rave_context_ledger_line(context, i, line, sizeof line, &length), RAVE_OK);
        CHECK(length == strlen(line) && strncmp(line, "{\"record\":{\"seq\":", 17) == 0);
        CHECK(!strchr(line, '\n'));
    }
    CHECK_STATUS(rave_context_ledger_line(context, 0, NULL, 0, &length), RAVE_OK);
    memset(line, '#', sizeof line);
    CHECK_STATUS(rave_context_ledger_line(context, 0, line, length, &again), RAVE_OK);
    CHECK(again == length && line[0] == '#');
    CHECK_STATUS(rave_context_ledger_line(context, 0, line, length + 1, &again), RAVE_OK);
    CHECK(line[0] == '{' && line[length] == 0 && line[length + 1] == '#');
    CHECK_STATUS(rave_context_ledger_line(context, counts.lines, line, sizeof line, &length),
                 RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("of 10 lines");
    CHECK_STATUS(rave_context_ledger_line(context, UINT64_MAX, line, sizeof line, &length),
                 RAVE_ERROR_INVALID_PARAMETER);
}

/* RV-FFI-1011 */
static void places_that_cannot_be_written(const char *folder)
{
    static const struct {
        const char *name;
        int32_t status;
    } places[] = {{"link", RAVE_ERROR_UNTRUSTED},
                  {"folder", RAVE_ERROR_IO},
                  {"fifo", RAVE_ERROR_IO},
                  {"none/run.jsonl", RAVE_ERROR_FILE_NOT_FOUND}};
    int32_t error;
    REQUIRE(symlink("elsewhere", in_folder(folder, "link")) == 0);
    REQUIRE(mkdir(in_folder(folder, "folder"), 0700) == 0);
    REQUIRE(mkfifo(in_folder(folder, "fifo"), 0600) == 0);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        CHECK(!open_context(in_folder(folder, places[i].name), &error));
        CHECK_STATUS(error, places[i].status);
        CHECK_SAID(places[i].name);
    }
    CHECK(access(in_folder(folder, "elsewhere"), F_OK) != 0);
    CHECK(!open_context("", &error));
    CHECK_STATUS(error, RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("ledger is empty");
    unlink(in_folder(folder, "link"));
    rmdir(in_folder(folder, "folder"));
    unlink(in_folder(folder, "fifo"));
}

int main(int argc, char **argv)
{
    int32_t error;
    RaveContext *context;
    REQUIRE(argc == 3);
    context = open_context(in_folder(argv[2], "run.jsonl"), &error);
    REQUIRE(context && error == RAVE_OK);
    run(context, argv[1]);
    counts_and_lines(context);
    CHECK_STATUS(rave_context_destroy(&context), RAVE_OK);
    strict_has_errors(argv[1]);
    places_that_cannot_be_written(argv[2]);
    return expect_result();
}
