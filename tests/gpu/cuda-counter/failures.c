// Calls that fail on purpose: CUDA_COUNTER_FAIL=CALL:N:ERROR makes the N-th CALL and all that follow return ERROR without
// reaching the driver, with `:once` behind it that one alone. `any` in place of CALL is every counted call but queries,
// whose number depends on how fast the GPU is.
#include "counts.h"
#include "lookup.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOTHING = -2, ANY = -1 };

static int failing_call = NOTHING;
static uint64_t failing_from;
static int failure;
static bool once;
static _Atomic uint64_t made, failed;

// The first call that failed, and the library that made it.
static _Atomic int first_call = NOTHING;
static char first_caller[64];

static int named(const char *name)
{
    if (!strcmp(name, "any"))
        return ANY;
    for (unsigned call = 0; call < CALL_COUNT; call++)
        if (!strcmp(call_names[call], name))
            return (int)call;
    return NOTHING;
}

static bool say(const char *text)
{
    return write(STDERR_FILENO, text, strlen(text)) > 0;
}

// Says where a process that a planned failure leads into a crash was, and lets it crash.
static void crashed(int signal_number)
{
    const int call = atomic_load_explicit(&first_call, memory_order_acquire);
    void *frames[24];

    if (say("cuda-counter: a crash, after ") && say(call < 0 ? "nothing" : call_names[call]) && say(" failed, by ") &&
        say(call < 0 ? "nobody" : first_caller) && say(", in\n"))
        backtrace_symbols_fd(frames, backtrace(frames, sizeof frames / sizeof *frames), STDERR_FILENO);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void watch_for_crashes(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    void *first;

    backtrace(&first, 1); // loads what it needs
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], crashed);
}

__attribute__((constructor)) static void read_plan(void)
{
    const char *const plan = getenv("CUDA_COUNTER_FAIL");
    char name[64], how[8] = "", rest;
    unsigned long long from;
    int error;

    if (!plan)
        return;
    const int found = sscanf(plan, "%63[^:]:%llu:%d:%7[a-z]%c", name, &from, &error, how, &rest);
    if ((found == 3 || (found == 4 && !strcmp(how, "once"))) && from > 0 && error > 0 && named(name) != NOTHING) {
        failing_call = named(name);
        failing_from = from;
        failure = error;
        once = found == 4;
        watch_for_crashes();
        return;
    }
    fprintf(stderr, "cuda-counter: CUDA_COUNTER_FAIL is `%s`; it must be CALL:N:ERROR or CALL:N:ERROR:once, with a call of "
                    "calls.h or `any`\n", plan);
    exit(2);
}

CUresult planned_failure(enum call call, const void *from)
{
    if (failing_call == ANY ? kind_of(call) == QUERY : (int)call != failing_call)
        return CUDA_SUCCESS;
    const uint64_t number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    if (once ? number != failing_from : number < failing_from)
        return CUDA_SUCCESS;
    if (atomic_fetch_add_explicit(&failed, 1, memory_order_relaxed) == 0) {
        snprintf(first_caller, sizeof first_caller, "%s", library_of(from));
        atomic_store_explicit(&first_call, (int)call, memory_order_release);
    }
    return (CUresult)failure;
}

void write_failures(FILE *file)
{
    const int call = atomic_load_explicit(&first_call, memory_order_acquire);
    if (call < 0)
        fprintf(file, "null");
    else
        fprintf(file, "{\"call\": \"%s\", \"library\": \"%s\", \"times\": %llu}", call_names[call], first_caller,
                (unsigned long long)failed);
}
