/*
 * Structures of wrong size, with reserved fields set, and with numbers that are no constants.
 *
 *     misuse_structs identity-1x.onnx
 */

#define _DEFAULT_SOURCE
#include <dlfcn.h>

#include "fixture.h"
#include "guard_page.h"

enum { SIDE = 16 };

static Fixture live;
static const char *model_path;
static uint8_t pixels[2][SIDE * SIDE * 3];
static RaveFrame good_input, good_out;

/* Each function that takes a sized structure, called with a pointer that may point to anything. */

static int32_t create_context(void *config)
{
    int32_t status;
    RaveContext *context = rave_context_create(config, &status);
    CHECK((context != NULL) == (status == RAVE_OK));
    CHECK_STATUS(rave_context_destroy(&context), RAVE_OK);
    return status;
}

static int32_t load_model(void *config)
{
    int32_t status;
    RaveModel *model = rave_model_load(live.context, model_path, config, &status);
    CHECK((model != NULL) == (status == RAVE_OK));
    CHECK_STATUS(rave_model_destroy(&model), RAVE_OK);
    return status;
}

static int32_t create_session(void *config)
{
    int32_t status;
    RaveSession *session = rave_session_create(live.model, config, &status);
    CHECK((session != NULL) == (status == RAVE_OK));
    CHECK_STATUS(rave_session_destroy(&session), RAVE_OK);
    return status;
}

static int32_t model_info(void *info)
{
    return rave_model_info(live.model, info);
}

static int32_t session_stats(void *stats)
{
    return rave_session_stats(live.session, stats);
}

static int32_t ledger_counts(void *counts)
{
    return rave_context_ledger_counts(live.context, counts);
}

static int32_t process_input(void *input)
{
    RaveFrame out = good_out;
    return rave_session_process(live.session, input, &out);
}

static int32_t process_out(void *out)
{
    return rave_session_process(live.session, &good_input, out);
}

/* `size` bytes before a guard page that begin with as much of `good` as fits, and say that they are `said` many. */
static void *placed(const void *good, size_t good_size, size_t size, uint32_t said)
{
    uint8_t *place = before_guard_page(size);
    memcpy(place, good, size < good_size ? size : good_size);
    memcpy(place, &said, sizeof said);
    return place;
}

static void refused(int32_t (*call)(void *), void *structure, size_t size)
{
    uint8_t before[256];
    REQUIRE(size <= sizeof before);
    memcpy(before, structure, size);
    CHECK_STATUS(call(structure), RAVE_ERROR_ABI_MISMATCH);
    CHECK_SAID("struct_size is");
    CHECK(memcmp(before, structure, size) == 0);
}

static void sizes(int32_t (*call)(void *), const void *good, uint32_t size)
{
    enum { LARGEST = 4096 };
    const uint8_t zeros[LARGEST] = {0};
    uint8_t *structure;
    refused(call, placed(good, size, 4, 0), 4);
    refused(call, placed(good, size, 4, 3), 4);
    refused(call, placed(good, size, 4, UINT32_MAX), 4);
    refused(call, placed(good, size, 4, LARGEST + 1), 4);
    refused(call, placed(good, size, size - 1, size - 1), size - 1);
    CHECK_STATUS(call(placed(good, size, size, size)), RAVE_OK);

    /* A newer program's structure: what this version does not know must be zero, and stays as it is. */
    structure = placed(good, size, size + 8, size + 8);
    CHECK_STATUS(call(structure), RAVE_OK);
    CHECK(memcmp(structure + size, zeros, 8) == 0);
    structure = placed(good, size, LARGEST, LARGEST);
    CHECK_STATUS(call(structure), RAVE_OK);
    CHECK(memcmp(structure + size, zeros, LARGEST - size) == 0);
    for (uint32_t at = size; at < size + 8; at++) {
        structure = placed(good, size, size + 8, size + 8);
        structure[at] = 1;
        refused(call, structure, size + 8);
    }

    /* What lies behind struct_size is not the library's, whatever it holds. */
    structure = placed(good, size, size + 8, size);
    memset(structure + size, 0xA5, 8);
    CHECK_STATUS(call(structure), RAVE_OK);
    for (uint32_t at = size; at < size + 8; at++)
        CHECK(structure[at] == 0xA5);
}

/* Calls `call` with `field` of `base` at each of the numbers, which must give `status` and name the field. */
#define REFUSE_EACH(call, base, field, word, status, ...)                   \
    do {                                                                    \
        const int64_t numbers[] = {__VA_ARGS__};                            \
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {   \
            (base).field = numbers[i];                                      \
            CHECK_STATUS(call(&(base)), status);                            \
            CHECK_SAID(word);                                               \
        }                                                                   \
        (base).field = 0;                                                   \
    } while (0)

static int releases;

static void count_release(void *owner)
{
    (void)owner;
    releases++;
}

static void context_fields(void)
{
    RaveContextConfig config = RAVE_CONTEXT_CONFIG_INIT;
    REFUSE_EACH(create_context, config, device, "device is", RAVE_ERROR_INVALID_PARAMETER, 2, -1, INT32_MIN, INT32_MAX);
    REFUSE_EACH(create_context, config, log_level, "log_level is", RAVE_ERROR_INVALID_PARAMETER, -1, 6, INT32_MAX);
    config.cuda_context = &live;
    CHECK_STATUS(create_context(&config), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("cuda_context");
    config.cuda_context = NULL;
    config.cuda_stream = &live;
    CHECK_STATUS(create_context(&config), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("cuda_stream");
    config.cuda_stream = NULL;
    config.cuda_owner = &live;
    CHECK_STATUS(create_context(&config), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("cuda_owner");
    config.cuda_release = count_release;
    CHECK_STATUS(create_context(&config), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("cuda_release");
    config.cuda_owner = NULL;
    config.cuda_release = NULL;
    CHECK_STATUS(create_context(&config), RAVE_OK);
    /* A GPU needs a CUDA context to work in, whatever the machine has. What was not taken is not released. */
    config.device = RAVE_DEVICE_CUDA;
    config.cuda_release = count_release;
    CHECK_STATUS(create_context(&config), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("cuda_context is NULL");
    CHECK(releases == 0);
}

/*
 * RV-FFI-1106
 * A CUDA context where there is no driver that could have made it: it is not touched, and stays its owner's.
 */
static void cuda_context_without_a_driver(void)
{
    RaveContextConfig config = RAVE_CONTEXT_CONFIG_INIT;
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY);
    int32_t error = RAVE_OK;
    if (driver) {
        dlclose(driver);
        fprintf(stderr, "skipped: a CUDA context without a driver, as this machine has a driver\n");
        return;
    }
    config.device = RAVE_DEVICE_CUDA;
    config.cuda_context = &live;
    config.cuda_stream = &live;
    for (int with_owner = 0; with_owner < 2; with_owner++) {
        config.cuda_release = with_owner ? count_release : NULL;
        config.cuda_owner = with_owner ? &live : NULL;
        CHECK(rave_context_create(&config, &error) == NULL);
        CHECK_STATUS(error, RAVE_ERROR_DEVICE_NOT_FOUND);
        CHECK_SAID("libcuda.so.1");
        CHECK(releases == 0);
    }
}

static void model_fields(void)
{
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    config.runtime_lib = "embedded";
    REFUSE_EACH(load_model, config, backend, "backend is", RAVE_ERROR_INVALID_PARAMETER, -1, 3, INT32_MIN, INT32_MAX);
    REFUSE_EACH(load_model, config, values, "values is", RAVE_ERROR_INVALID_PARAMETER, -1, 2, INT32_MIN, INT32_MAX);
    REFUSE_EACH(load_model, config, threads, "threads is", RAVE_ERROR_INVALID_PARAMETER, 1025, UINT32_MAX);
    REFUSE_EACH(load_model, config, backend, "tensorrt", RAVE_ERROR_INVALID_PARAMETER, RAVE_BACKEND_TENSORRT);
    REFUSE_EACH(load_model, config, allow_host_code, "allow_host_code is", RAVE_ERROR_INVALID_PARAMETER, 2, UINT32_MAX);
    REFUSE_EACH(load_model, config, precision, "precision is", RAVE_ERROR_INVALID_PARAMETER, -1, 5, INT32_MIN, INT32_MAX);
    REFUSE_EACH(load_model, config, build, "build is", RAVE_ERROR_INVALID_PARAMETER, -1, 3, INT32_MIN, INT32_MAX);
    REFUSE_EACH(load_model, config, mode, "mode is", RAVE_ERROR_INVALID_PARAMETER, -1, 2, INT32_MIN, INT32_MAX);
    REFUSE_EACH(load_model, config, width, "width and height", RAVE_ERROR_INVALID_PARAMETER, 1, 32768, UINT32_MAX);
    REFUSE_EACH(load_model, config, height, "width and height", RAVE_ERROR_INVALID_PARAMETER, 1, 32768, UINT32_MAX);
    config.width = 32769;
    REFUSE_EACH(load_model, config, height, "32769", RAVE_ERROR_INVALID_PARAMETER, 1, 32768);
    config.width = 0;
    CHECK_STATUS(load_model(&config), RAVE_OK);
}

static int asked;

static int32_t never_cancel(void *opaque)
{
    asked++;
    return opaque == NULL;
}

/*
 * RV-ENG-1506
 * What is wished of an engine where the model runs on the CPU: refused if it would have made a difference.
 */
static void engine_wishes_on_the_cpu(void)
{
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    config.runtime_lib = "embedded";
    REFUSE_EACH(load_model, config, precision, "precision", RAVE_ERROR_INVALID_PARAMETER, RAVE_PRECISION_FP32,
                RAVE_PRECISION_FP16, RAVE_PRECISION_BF16, RAVE_PRECISION_TF32);
    REFUSE_EACH(load_model, config, build, "build only", RAVE_ERROR_INVALID_PARAMETER, RAVE_BUILD_ONLY);
    CHECK_SAID("host memory");
    config.build = RAVE_BUILD_NEVER;
    config.mode = RAVE_MODE_HARDENED;
    config.width = 1920;
    config.height = 1080;
    config.cache = "off";
    config.builder = "/nonexistent/rave";
    config.cancel = never_cancel;
    config.cancel_opaque = &live;
    CHECK_STATUS(load_model(&config), RAVE_OK);
    config.cache = "/nonexistent/folder";
    CHECK_STATUS(load_model(&config), RAVE_OK);
    CHECK(asked == 0);
}

static void session_fields(void)
{
    RaveSessionConfig config = RAVE_SESSION_CONFIG_INIT;
    config.width = config.height = SIDE;
    REFUSE_EACH(create_session, config, format, "config: format", RAVE_ERROR_UNSUPPORTED_FORMAT, 0, -1, 999, INT32_MAX);
    config.format = RAVE_PIX_FMT_RGB24;
    REFUSE_EACH(create_session, config, output_format, "config: output_format", RAVE_ERROR_UNSUPPORTED_FORMAT, -1, 999);
    REFUSE_EACH(create_session, config, dither, "dither is", RAVE_ERROR_INVALID_PARAMETER, -1, 2, INT32_MAX);
    REFUSE_EACH(create_session, config, mode, "mode is", RAVE_ERROR_INVALID_PARAMETER, -1, 2, INT32_MAX);
    REFUSE_EACH(create_session, config, graph, "graph is", RAVE_ERROR_INVALID_PARAMETER, -1, 3, INT32_MAX);
    REFUSE_EACH(create_session, config, tile_width, "tile", RAVE_ERROR_INVALID_PARAMETER, 1, 16, UINT32_MAX);
    REFUSE_EACH(create_session, config, tile_height, "tile", RAVE_ERROR_INVALID_PARAMETER, 1, 16, UINT32_MAX);
    REFUSE_EACH(create_session, config, width, "frame", RAVE_ERROR_INVALID_PARAMETER, 0, 32769, UINT32_MAX);
    config.width = SIDE;
    REFUSE_EACH(create_session, config, height, "frame", RAVE_ERROR_INVALID_PARAMETER, 0, 32769, UINT32_MAX);
    config.width = config.height = 64;
    config.tile_width = config.tile_height = 32;
    REFUSE_EACH(create_session, config, overlap, "overlap", RAVE_ERROR_INVALID_PARAMETER, 17, 32, UINT32_MAX);
    CHECK_STATUS(create_session(&config), RAVE_OK);
}

int main(int argc, char **argv)
{
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveModelConfig runtime = RAVE_MODEL_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    RaveModelInfo info = RAVE_MODEL_INFO_INIT;
    RaveStats stats = RAVE_STATS_INIT;
    RaveLedgerCounts counts = RAVE_LEDGER_COUNTS_INIT;
    REQUIRE(argc == 2);
    model_path = argv[1];
    live = fixture_open(model_path, RAVE_PIX_FMT_RGB24, SIDE, SIDE, NULL, NULL);
    good_input = rgb_frame(pixels[0], SIDE, SIDE);
    good_out = rgb_frame(pixels[1], SIDE, SIDE);
    runtime.runtime_lib = "embedded";
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = geometry.height = SIDE;

    sizes(create_context, &device, sizeof device);
    sizes(load_model, &runtime, sizeof runtime);
    sizes(create_session, &geometry, sizeof geometry);
    sizes(model_info, &info, sizeof info);
    sizes(session_stats, &stats, sizeof stats);
    sizes(ledger_counts, &counts, sizeof counts);
    sizes(process_input, &good_input, sizeof good_input);
    sizes(process_out, &good_out, sizeof good_out);
    context_fields();
    cuda_context_without_a_driver();
    model_fields();
    engine_wishes_on_the_cpu();
    session_fields();
    fixture_close(&live);
    return expect_result();
}
