#include "counts.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LARGE_COPY = 4096, SITES = 1024, UNCOUNTED = 32, MARKS = 2 };

struct tally {
    uint64_t calls[DIRECTIONS], bytes[DIRECTIONS];
};

static struct {
    _Atomic uint64_t calls[DIRECTIONS], bytes[DIRECTIONS];
} counts[CALL_COUNT];

static const struct {
    const char *name;
    enum kind kind;
} calls[CALL_COUNT] = {
#define X(name, suffix, per_thread, kind, ...) { #name, kind },
    CALLS(X)
#undef X
};

static const char *const kind_names[] = { "copy", "allocation", "free", "synchronisation", "launch", "query", "event" };
static const char *const direction_names[] = { "none", "HtoD", "DtoH", "DtoD", "HtoH" };

// A place in the program that makes one of the calls.
struct site {
    _Atomic uint64_t key; // 0: free
    _Atomic bool named;
    char library[64];
    uintptr_t offset; // of the return address in the library
    _Atomic uint64_t calls, bytes;
};
static struct site sites[SITES];
static _Atomic uint64_t sites_dropped;

static char uncounted[UNCOUNTED][64];
static _Atomic unsigned uncounted_count;

// The window: from the first to the second mark, or the whole run without marks.
static int mark_call = -1;
static uint64_t mark_at[MARKS];
static _Atomic uint64_t mark_calls;
static struct {
    struct tally tallies[CALL_COUNT];
    struct timespec time;
    _Atomic bool reached;
} marks[MARKS];
static _Atomic bool window_open = true;

static void read_tallies(struct tally tallies[CALL_COUNT])
{
    for (unsigned call = 0; call < CALL_COUNT; call++)
        for (unsigned direction = 0; direction < DIRECTIONS; direction++) {
            tallies[call].calls[direction] =
                atomic_load_explicit(&counts[call].calls[direction], memory_order_relaxed);
            tallies[call].bytes[direction] =
                atomic_load_explicit(&counts[call].bytes[direction], memory_order_relaxed);
        }
}

const char *library_of(const void *address)
{
    Dl_info info;
    if (!dladdr(address, &info) || !info.dli_fname)
        return "?";
    const char *const slash = strrchr(info.dli_fname, '/');
    return slash ? slash + 1 : info.dli_fname;
}

static void name_site(struct site *site, void *from)
{
    Dl_info info;
    snprintf(site->library, sizeof site->library, "%s", library_of(from));
    for (char *c = site->library; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = '_';
    if (dladdr(from, &info))
        site->offset = (uintptr_t)from - (uintptr_t)info.dli_fbase;
    atomic_store_explicit(&site->named, true, memory_order_release);
}

// Addresses of user space have 47 bits; what is called fits above them.
static void count_site(enum call call, enum direction direction, size_t bytes, void *from)
{
    const uint64_t key = (uint64_t)(call * DIRECTIONS + direction + 1) << 48 | (uintptr_t)from;
    const uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15) >> 40;
    for (unsigned i = 0; i < SITES; i++) {
        struct site *const site = &sites[(hash + i) % SITES];
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&site->key, &found, key)) {
            name_site(site, from);
            found = key;
        }
        if (found == key) {
            atomic_fetch_add_explicit(&site->calls, 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&site->bytes, bytes, memory_order_relaxed);
            return;
        }
    }
    atomic_fetch_add_explicit(&sites_dropped, 1, memory_order_relaxed);
}

enum kind kind_of(enum call call)
{
    return calls[call].kind;
}

static bool worth_a_site(enum call call, size_t bytes)
{
    switch (calls[call].kind) {
    case COPY:            return bytes >= LARGE_COPY;
    case ALLOCATION:
    case FREE:
    case SYNCHRONISATION: return true;
    default:              return false;
    }
}

static void reach_mark(unsigned mark)
{
    read_tallies(marks[mark].tallies);
    clock_gettime(CLOCK_MONOTONIC, &marks[mark].time);
    atomic_store_explicit(&marks[mark].reached, true, memory_order_release);
    atomic_store_explicit(&window_open, mark == 0, memory_order_relaxed);
}

void count(enum call call, enum direction direction, size_t bytes, void *from)
{
    atomic_fetch_add_explicit(&counts[call].calls[direction], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts[call].bytes[direction], bytes, memory_order_relaxed);
    if (worth_a_site(call, bytes) && atomic_load_explicit(&window_open, memory_order_relaxed))
        count_site(call, direction, bytes, from);
    if ((int)call == mark_call) {
        // Behind the counting: the window has the calls after the first mark up to and with the second.
        const uint64_t n = atomic_fetch_add_explicit(&mark_calls, 1, memory_order_relaxed) + 1;
        for (unsigned mark = 0; mark < MARKS; mark++)
            if (n == mark_at[mark])
                reach_mark(mark);
    }
}

void note_uncounted(const char *name)
{
    const unsigned known = atomic_load(&uncounted_count);
    for (unsigned i = 0; i < known && i < UNCOUNTED; i++)
        if (strcmp(uncounted[i], name) == 0)
            return;
    const unsigned place = atomic_fetch_add(&uncounted_count, 1);
    if (place < UNCOUNTED)
        snprintf(uncounted[place], sizeof uncounted[place], "%s", name);
}

// CUDA_COUNTER_MARK=CALL:FIRST:SECOND
__attribute__((constructor)) static void read_marks(void)
{
    const char *const text = getenv("CUDA_COUNTER_MARK");
    char name[64];
    unsigned long long first, second;
    char rest;
    if (!text)
        return;
    if (sscanf(text, "%63[^:]:%llu:%llu%c", name, &first, &second, &rest) == 3 && first > 0 && first < second)
        for (unsigned call = 0; call < CALL_COUNT; call++)
            if (strcmp(calls[call].name, name) == 0) {
                mark_at[0] = first;
                mark_at[1] = second;
                window_open = false;
                mark_call = (int)call;
                return;
            }
    fprintf(stderr, "cuda-counter: CUDA_COUNTER_MARK=%s: expected a counted call and two numbers, the second larger, "
                    "as in cuGraphLaunch:100:1100\n", text);
    exit(2);
}

static void write_tallies(FILE *file, const struct tally now[CALL_COUNT], const struct tally before[CALL_COUNT])
{
    const char *comma = "";
    fprintf(file, "{");
    for (unsigned call = 0; call < CALL_COUNT; call++)
        for (unsigned direction = 0; direction < DIRECTIONS; direction++) {
            const uint64_t n = now[call].calls[direction] - (before ? before[call].calls[direction] : 0);
            const uint64_t bytes = now[call].bytes[direction] - (before ? before[call].bytes[direction] : 0);
            if (n == 0)
                continue;
            fprintf(file, "%s\n    \"%s%s%s\": {\"kind\": \"%s\", \"calls\": %llu, \"bytes\": %llu}", comma,
                    calls[call].name, direction ? "." : "", direction ? direction_names[direction] : "",
                    kind_names[calls[call].kind], (unsigned long long)n, (unsigned long long)bytes);
            comma = ",";
        }
    fprintf(file, "\n  }");
}

static void write_sites(FILE *file)
{
    const char *comma = "";
    fprintf(file, "[");
    for (unsigned i = 0; i < SITES; i++) {
        const struct site *const site = &sites[i];
        if (!atomic_load_explicit(&site->named, memory_order_acquire))
            continue;
        const unsigned what = (unsigned)(site->key >> 48) - 1;
        fprintf(file,
                "%s\n    {\"call\": \"%s\", \"kind\": \"%s\", \"direction\": \"%s\", \"library\": \"%s\", "
                "\"offset\": \"0x%llx\", \"calls\": %llu, \"bytes\": %llu}",
                comma, calls[what / DIRECTIONS].name, kind_names[calls[what / DIRECTIONS].kind],
                direction_names[what % DIRECTIONS], site->library, (unsigned long long)site->offset,
                (unsigned long long)site->calls, (unsigned long long)site->bytes);
        comma = ",";
    }
    fprintf(file, "\n  ]");
}

static void write_window(FILE *file, const struct tally total[CALL_COUNT])
{
    if (mark_call < 0) {
        write_tallies(file, total, NULL);
    } else if (atomic_load_explicit(&marks[1].reached, memory_order_acquire)) {
        write_tallies(file, marks[1].tallies, marks[0].tallies);
        fprintf(file, ",\n  \"seconds\": %.6f",
                (double)(marks[1].time.tv_sec - marks[0].time.tv_sec) +
                    (double)(marks[1].time.tv_nsec - marks[0].time.tv_nsec) * 1e-9);
    } else {
        fprintf(file, "null"); // the run ended before the second mark
    }
}

__attribute__((destructor)) static void write_report(void)
{
    static struct tally total[CALL_COUNT];
    const char *const path = getenv("CUDA_COUNTER_REPORT");
    uint64_t any = 0;
    read_tallies(total);
    for (unsigned call = 0; call < CALL_COUNT; call++)
        for (unsigned direction = 0; direction < DIRECTIONS; direction++)
            any += total[call].calls[direction];
    // Shells and other programs that inherit LD_PRELOAD have nothing to report, and must not replace a report.
    if (!path || !any)
        return;
    FILE *const file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "cuda-counter: %s cannot be written\n", path);
        return;
    }
    fprintf(file, "{\n  \"mark\": ");
    if (mark_call < 0)
        fprintf(file, "null");
    else
        fprintf(file, "{\"call\": \"%s\", \"first\": %llu, \"second\": %llu, \"seen\": %llu}", calls[mark_call].name,
                (unsigned long long)mark_at[0], (unsigned long long)mark_at[1], (unsigned long long)mark_calls);
    fprintf(file, ",\n  \"window\": ");
    write_window(file, total);
    fprintf(file, ",\n  \"callers\": ");
    write_sites(file);
    fprintf(file, ",\n  \"callers_dropped\": %llu,\n  \"total\": ", (unsigned long long)sites_dropped);
    write_tallies(file, total, NULL);
    fprintf(file, ",\n  \"failed\": ");
    write_failures(file);
    fprintf(file, ",\n  \"looked_up_but_not_counted\": [");
    for (unsigned i = 0; i < uncounted_count && i < UNCOUNTED; i++)
        fprintf(file, "%s\"%s\"", i ? ", " : "", uncounted[i]);
    fprintf(file, "]\n}\n");
    if (fclose(file) != 0)
        fprintf(stderr, "cuda-counter: %s cannot be written\n", path);
}
