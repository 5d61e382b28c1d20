/*
 * Threads that make, use and end handles as fast as they can, and hand them to each other.
 *
 *     storm ROUNDS MODEL MODEL
 *
 * Both models double the size. Every result is compared with that of a run in which nothing else was going on, and every
 * message of an error with what its own thread has done.
 */

#define _DEFAULT_SOURCE
#include <pthread.h>
#include <unistd.h>

#include "fixture.h"

enum {
    WIDTH = 24,
    HEIGHT = 16,
    BYTES = WIDTH * HEIGHT * 3,
    DOUBLED = 4 * BYTES,
    MODELS = 2,
    PICTURES = 16,
    THREADS = 8,
    /* Fewer than threads, so that most handles end on another thread than they began on. */
    PLACES = 3,
    /* Long after everything is done; a program that hangs is ended by a signal then. */
    PATIENCE_SECONDS = 900
};

static const char *models[MODELS];
static size_t rounds;
static uint8_t inputs[PICTURES][BYTES], expected[MODELS][PICTURES][DOUBLED];

/* Handles, and what their log has heard. It is freed after them: a message that comes later is one too late. */
typedef struct Held {
    Fixture live;
    size_t model;
    _Atomic unsigned messages;
} Held;

static void count(void *opaque, int32_t level, const char *message)
{
    Held *held = opaque;
    (void)level, (void)message;
    held->messages++;
}

static Held *make(size_t model)
{
    Held *held = calloc(1, sizeof *held);
    REQUIRE(held != NULL);
    held->model = model;
    held->live = fixture_open(models[model], RAVE_PIX_FMT_RGB24, WIDTH, HEIGHT, count, held);
    return held;
}

static void end(Held *held)
{
    CHECK(held->messages > 0);
    fixture_close(&held->live);
    free(held);
}

static void run(Held *held, size_t picture, uint8_t *result)
{
    RaveFrame input = rgb_frame(inputs[picture], WIDTH, HEIGHT);
    RaveFrame out = rgb_frame(result, 2 * WIDTH, 2 * HEIGHT);
    CHECK_STATUS(rave_session_process(held->live.session, &input, &out), RAVE_OK);
}

static void check(Held *held, size_t picture)
{
    uint8_t result[DOUBLED];
    run(held, picture, result);
    CHECK(memcmp(result, expected[held->model][picture], DOUBLED) == 0);
}

/* Puts handles into a place that all threads see, and takes out what was there. */
static Held *exchanged(Held *held, size_t place)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static Held *places[PLACES];
    Held *taken;
    pthread_mutex_lock(&lock);
    taken = places[place];
    places[place] = held;
    pthread_mutex_unlock(&lock);
    return taken;
}

static void *storm(void *number)
{
    size_t thread = (size_t)(uintptr_t)number;
    for (size_t round = 0; round < rounds; round++) {
        size_t turn = 7 * thread + round;
        char absent[64];
        int32_t error;
        Held *held = make(turn % MODELS);
        check(held, turn % PICTURES);

        snprintf(absent, sizeof absent, "/absent/of-%zu/in-%zu.onnx", thread, round);
        CHECK(!rave_model_load(held->live.context, absent, NULL, &error));
        CHECK_STATUS(error, RAVE_ERROR_FILE_NOT_FOUND);
        CHECK_SAID(absent);

        held = exchanged(held, turn % PLACES);
        if (held) {
            check(held, (turn + 1) % PICTURES);
            end(held);
        }
        /* The message is this thread's own, whatever others have failed at meanwhile. */
        CHECK_SAID(absent);
    }
    return NULL;
}

/* What comes out when nothing else is going on. */
static void run_one_after_the_other(void)
{
    for (size_t model = 0; model < MODELS; model++) {
        Held *held = make(model);
        for (size_t picture = 0; picture < PICTURES; picture++) {
            noise(inputs[picture], BYTES, (uint32_t)picture);
            run(held, picture, expected[model][picture]);
        }
        end(held);
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    REQUIRE(argc == 2 + MODELS);
    rounds = strtoul(argv[1], NULL, 10);
    REQUIRE(rounds > 0);
    for (size_t i = 0; i < MODELS; i++)
        models[i] = argv[2 + i];
    alarm(PATIENCE_SECONDS);
    run_one_after_the_other();
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, storm, (void *)(uintptr_t)i) == 0);
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    for (size_t place = 0; place < PLACES; place++) {
        Held *held = exchanged(NULL, place);
        if (held)
            end(held);
    }
    return expect_result();
}
