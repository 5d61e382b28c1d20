/*
 * Strings that are empty, not UTF-8, too long, or without an end.
 *
 *     misuse_strings identity-1x.onnx
 */

#define _DEFAULT_SOURCE
#include "fixture.h"
#include "guard_page.h"

static Fixture live;
static const char *model_path;

static int32_t load_path(const char *path)
{
    int32_t status;
    RaveModel *model = rave_model_load(live.context, path, NULL, &status);
    CHECK(!model);
    return status;
}

static int32_t load_with_library(const char *path)
{
    int32_t status;
    RaveModel *model;
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    config.runtime_lib = path;
    model = rave_model_load(live.context, model_path, &config, &status);
    CHECK(!model);
    return status;
}

/* Loads with one of the strings that are for engines; on the CPU nothing more is done with them than to read them. */
static int32_t load_for_engine(const char *cache, const char *builder)
{
    int32_t status;
    RaveModel *model;
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    config.runtime_lib = "embedded";
    config.cache = cache;
    config.builder = builder;
    model = rave_model_load(live.context, model_path, &config, &status);
    CHECK((model != NULL) == (status == RAVE_OK));
    CHECK_STATUS(rave_model_destroy(&model), RAVE_OK);
    return status;
}

static int32_t load_with_cache(const char *folder)
{
    return load_for_engine(folder, NULL);
}

static int32_t load_with_builder(const char *program)
{
    return load_for_engine(NULL, program);
}

/* `length` times the letter a, and a NUL if `ended`; then no byte more may be read. */
static const char *letters(size_t length, int ended)
{
    char *text = before_guard_page(length + (ended ? 1 : 0));
    memset(text, 'a', length);
    return text;
}

static void refused(int32_t (*take)(const char *), const char *name)
{
    const char *not_utf8[] = {"\xff", "model\xc3", "\xed\xa0\x80.onnx", "\xc0\xaf.onnx"};
    const char *too_long[] = {letters(RAVE_MAX_STRING + 1, 0), letters(RAVE_MAX_STRING + 1, 1), letters(1 << 20, 1)};
    CHECK_STATUS(take(""), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("is empty");
    CHECK_SAID(name);
    for (size_t i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++) {
        CHECK_STATUS(take(not_utf8[i]), RAVE_ERROR_INVALID_PARAMETER);
        CHECK_SAID("is not UTF-8");
        CHECK_SAID(name);
    }
    for (size_t i = 0; i < sizeof too_long / sizeof too_long[0]; i++) {
        CHECK_STATUS(take(too_long[i]), RAVE_ERROR_INVALID_PARAMETER);
        CHECK_SAID("is too long");
        CHECK_SAID(name);
    }
}

static void format_names(void)
{
    const char *unknown[] = {"", "RGB24", "rgb24 ", " rgb24", "\xff", "rgb", "rgb24le"};
    CHECK(rave_pixel_format_from_name("rgb24") == RAVE_PIX_FMT_RGB24);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        CHECK(rave_pixel_format_from_name(unknown[i]) == 0);
    CHECK(rave_pixel_format_from_name(letters(RAVE_MAX_STRING, 1)) == 0);
    CHECK(rave_pixel_format_from_name(letters(RAVE_MAX_STRING + 1, 0)) == 0);
    CHECK(rave_pixel_format_from_name(letters(1 << 20, 1)) == 0);
}

int main(int argc, char **argv)
{
    int32_t status;
    REQUIRE(argc == 2);
    model_path = argv[1];
    live = fixture_open(model_path, RAVE_PIX_FMT_RGB24, 16, 16, NULL, NULL);
    refused(load_path, "path is");
    refused(load_with_library, "runtime_lib is");
    refused(load_with_cache, "cache is");
    refused(load_with_builder, "builder is");
    CHECK_STATUS(load_with_cache(letters(RAVE_MAX_STRING, 1)), RAVE_OK);
    CHECK_STATUS(load_with_builder(letters(RAVE_MAX_STRING, 1)), RAVE_OK);

    /* The longest string is taken; what becomes of it as a path is the system's affair. */
    status = load_path(letters(RAVE_MAX_STRING, 1));
    CHECK(status == RAVE_ERROR_FILE_NOT_FOUND || status == RAVE_ERROR_IO);
    CHECK_STATUS(load_with_library(letters(RAVE_MAX_STRING, 1)), RAVE_ERROR_RUNTIME_LIBRARY_MISSING);

    format_names();
    fixture_close(&live);
    return expect_result();
}
