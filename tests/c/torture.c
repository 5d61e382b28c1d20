/*
 * One round of torture: a scenario in which the N-th event of a kind fails, and what is left of it must be sound.
 *
 *     torture SCENARIO KIND N once|lasting strict|hardened MODEL FOLDER RUNTIME
 *
 * KIND is "memory" (malloc and its like), "thread" (pthread_create) or "file" (open, read, write; not of what the kernel
 * tells in /proc and /sys, which no disk can lose) or "vendor" (calls of the ONNX Runtime at RUNTIME, when that is
 * onnxruntime_torture.c; RUNTIME is otherwise "embedded"). With N = 0 nothing fails. Prints "events COUNT" and "status STATUS" of the call that the scenario is about. Events count from when that
 * call begins to when it ends, on every thread. Afterwards nothing fails any more, and the same has to work.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fixture.h"

/* glibc's own, behind the names that are taken here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_int armed;
static atomic_long events;
static long fails_at;
static int lasting;
static const char *kind;

/* Whether this event of `which` is to fail; says so, with its size, without an allocation. */
static int fails(const char *which, size_t size)
{
    char line[64] = "failed ";
    size_t digits = 0, at = strlen(line);
    long number;
    if (!atomic_load(&armed) || strcmp(kind, which))
        return 0;
    number = atomic_fetch_add(&events, 1) + 1;
    if (!fails_at || (lasting ? number < fails_at : number != fails_at))
        return 0;
    if (number == fails_at) {
        for (size_t rest = size; rest || !digits; rest /= 10)
            digits++;
        for (size_t i = 0, rest = size; i < digits; i++, rest /= 10)
            line[at + digits - 1 - i] = (char)('0' + rest % 10);
        line[at + digits] = '\n';
        if (write(STDERR_FILENO, line, at + digits + 1) < 0)
            _exit(3);
    }
    return 1;
}

/* For libraries that make events of their own. */
int torture_fails(const char *which, size_t what);

int torture_fails(const char *which, size_t what)
{
    return fails(which, what);
}

void *malloc(size_t size)
{
    if (fails("memory", size)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (fails("memory", count * size)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    if (fails("memory", size)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, size);
}

int posix_memalign(void **place, size_t alignment, size_t size)
{
    void *made = fails("memory", size) ? NULL : __libc_memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *place = made;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails("memory", size) ? NULL : __libc_memalign(alignment, size);
}

/* The next definition of `name` after this program's. */
static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    REQUIRE(found);
    return found;
}

static int (*next_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static int (*next_open)(const char *, int, ...);
static ssize_t (*next_read)(int, void *, size_t);
static ssize_t (*next_write)(int, const void *, size_t);

static void find_next(void)
{
    *(void **)&next_create = next("pthread_create");
    *(void **)&next_open = next("open64");
    *(void **)&next_read = next("read");
    *(void **)&next_write = next("write");
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    if (!next_create)
        find_next();
    return fails("thread", 0) ? EAGAIN : next_create(thread, attributes, start, argument);
}

/* Whether a file is the kernel's own. */
enum { FILES = 1024 };
static atomic_char of_kernel[FILES];

static int can_fail(int file)
{
    return file > STDERR_FILENO && !(file < FILES && atomic_load(&of_kernel[file]));
}

int open64(const char *path, int flags, ...)
{
    const int kernel = strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0;
    int file;
    va_list arguments;
    mode_t mode = 0;
    if (!next_open)
        find_next();
    va_start(arguments, flags);
    if (flags & O_CREAT)
        mode = (mode_t)va_arg(arguments, int);
    va_end(arguments);
    if (!kernel && fails("file", 0)) {
        errno = EIO;
        return -1;
    }
    file = next_open(path, flags, mode);
    if (file >= 0 && file < FILES)
        atomic_store(&of_kernel[file], (char)kernel);
    return file;
}

ssize_t read(int file, void *bytes, size_t size)
{
    if (!next_read)
        find_next();
    if (can_fail(file) && fails("file", size)) {
        errno = EIO;
        return -1;
    }
    return next_read(file, bytes, size);
}

ssize_t write(int file, const void *bytes, size_t size)
{
    if (!next_write)
        find_next();
    if (can_fail(file) && fails("file", size)) {
        errno = ENOSPC;
        return -1;
    }
    return next_write(file, bytes, size);
}

/* Pictures; those of a scenario "wide-..." are so wide that a row of samples is more than a few elements, and flat, which
 * keeps them small. In "wide-session" so are the tiles. */
enum { WIDTH = 96, HEIGHT = 80, WIDE = 6000, FLAT = 16, WIDE_TILE = 5008 };

static uint32_t width = WIDTH, height = HEIGHT, tile_width;
static const char *model_path, *runtime_lib;
static char ledger_path[4096];
static int32_t mode;
static uint8_t input_pixels[WIDE * FLAT * 3], output_pixels[4 * WIDE * FLAT * 3];

static RaveContext *make_context(int32_t *error)
{
    RaveContextConfig config = RAVE_CONTEXT_CONFIG_INIT;
    config.ledger = ledger_path;
    return rave_context_create(&config, error);
}

static RaveModel *make_model(RaveContext *context, int32_t *error)
{
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    config.runtime_lib = runtime_lib;
    config.threads = 1;
    config.mode = mode;
    return rave_model_load(context, model_path, &config, error);
}

static RaveSession *make_session(RaveModel *model, int32_t *error)
{
    RaveSessionConfig config = RAVE_SESSION_CONFIG_INIT;
    config.format = RAVE_PIX_FMT_RGB24;
    config.width = width;
    config.height = height;
    if (tile_width) {
        config.tile_width = tile_width;
        config.tile_height = FLAT;
    }
    config.mode = mode;
    return rave_session_create(model, &config, error);
}

static int32_t process(RaveSession *session)
{
    uint32_t out_width, out_height;
    RaveFrame input = rgb_frame(input_pixels, width, height), out;
    CHECK_STATUS(rave_session_output_size(session, &out_width, &out_height), RAVE_OK);
    REQUIRE(out_width <= 2 * width && out_height <= 2 * height);
    out = rgb_frame(output_pixels, out_width, out_height);
    return rave_session_process(session, &input, &out);
}

static RaveContext *context;
static RaveModel *model;
static RaveSession *session;

/* Makes what the scenario does not make itself. */
static void prepare(const char *scenario)
{
    int32_t error = RAVE_OK;
    if (strcmp(scenario, "context") == 0)
        return;
    REQUIRE((context = make_context(&error)));
    if (strcmp(scenario, "model") == 0)
        return;
    REQUIRE((model = make_model(context, &error)));
    if (strcmp(scenario, "session") == 0)
        return;
    REQUIRE((session = make_session(model, &error)));
    if (strcmp(scenario, "first-frame") == 0)
        return;
    CHECK_STATUS(process(session), RAVE_OK);
}

/* The call that the scenario is about. What it makes is NULL exactly if it failed. */
static int32_t act(const char *scenario)
{
    int32_t status = -1;
    if (strcmp(scenario, "context") == 0) {
        context = make_context(&status);
        CHECK((context != NULL) == (status == RAVE_OK));
    } else if (strcmp(scenario, "model") == 0) {
        model = make_model(context, &status);
        CHECK((model != NULL) == (status == RAVE_OK));
    } else if (strcmp(scenario, "session") == 0) {
        session = make_session(model, &status);
        CHECK((session != NULL) == (status == RAVE_OK));
    } else if (strcmp(scenario, "destroy") == 0) {
        status = rave_session_destroy(&session);
    } else {
        status = process(session);
    }
    return status;
}

static void close_all(void)
{
    CHECK_STATUS(rave_session_destroy(&session), RAVE_OK);
    CHECK_STATUS(rave_model_destroy(&model), RAVE_OK);
    CHECK_STATUS(rave_context_destroy(&context), RAVE_OK);
}

int main(int argc, char **argv)
{
    const char *scenario = argv[1];
    RaveLedgerCounts counts = RAVE_LEDGER_COUNTS_INIT;
    int32_t status;
    long counted;
    REQUIRE(argc == 9);
    kind = argv[2];
    fails_at = atol(argv[3]);
    lasting = strcmp(argv[4], "lasting") == 0;
    mode = strcmp(argv[5], "hardened") == 0 ? RAVE_MODE_HARDENED : RAVE_MODE_STRICT;
    model_path = argv[6];
    runtime_lib = argv[8];
    REQUIRE(snprintf(ledger_path, sizeof ledger_path, "%s/run.jsonl", argv[7]) < (int)sizeof ledger_path);
    if (strncmp(scenario, "wide-", 5) == 0) {
        scenario += 5;
        width = WIDE;
        height = FLAT;
        tile_width = strcmp(scenario, "session") == 0 ? WIDE_TILE : 0;
    }
    noise(input_pixels, sizeof input_pixels, 1);
    prepare(scenario);

    atomic_store(&armed, 1);
    status = act(scenario);
    atomic_store(&armed, 0);
    counted = atomic_load(&events);

    if (status != RAVE_OK) {
        CHECK(*rave_last_error(NULL) == '[');
        CHECK(status != RAVE_ERROR_PANIC && status != RAVE_ERROR_UNKNOWN);
        /* Nothing is in the way of doing the same now. */
        CHECK_STATUS(act(scenario), RAVE_OK);
    }
    if (context)
        CHECK_STATUS(rave_context_ledger_counts(context, &counts), RAVE_OK);
    if (session)
        CHECK_STATUS(process(session), RAVE_OK);
    close_all();
    printf("events %ld\nstatus %d\nretried %d\n", counted, (int)status, (int)counts.allocations_retried);
    return expect_result();
}
