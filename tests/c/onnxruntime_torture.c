/*
 * ONNX Runtime, of which the n-th call fails: the library that RAVE_TORTURE_ONNXRUNTIME names, behind a table of functions
 * that asks the program before each call. The program exports `torture_fails`; a call that it lets fail is not made, and
 * gives a status of this library in its place.
 *
 * Linux on x86-64 alone. A function of the table is entered with whatever arguments it takes, and goes on to the real one
 * with the same. Which functions return no status and can therefore not fail, and how many there are, is of
 * onnxruntime_c_api.h, ORT_API_VERSION 17; functions are never moved.
 *
 * When the program ends, everything that was made has to be released, but for the session of the one model that RAVE keeps
 * loaded: otherwise it exits with status 5.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    API_VERSION = 17,
    FUNCTIONS = 276,
    CREATE_STATUS = 0,
    CREATE_SESSION_FROM_ARRAY = 8,
    CREATE_SESSION_OPTIONS = 10,
    CLONE_SESSION_OPTIONS = 12,
    RELEASE_STATUS = 93,
    RELEASE_SESSION = 95,
    RELEASE_SESSION_OPTIONS = 100,
    CREATE_IO_BINDING = 134,
    RELEASE_IO_BINDING = 135,
    FAILED = 1, /* ORT_FAIL */
};

/* Those that return no status. */
static const unsigned char infallible[FUNCTIONS] = {
    [1] = 1,   [2] = 1,   [92] = 1,  [93] = 1,  [94] = 1,  [95] = 1,  [96] = 1,  [97] = 1,  [98] = 1,
    [99] = 1,  [100] = 1, [101] = 1, [108] = 1, [109] = 1, [118] = 1, [122] = 1, [132] = 1, [135] = 1,
    [141] = 1, [142] = 1, [157] = 1, [167] = 1, [174] = 1, [208] = 1, [212] = 1, [215] = 1, [218] = 1,
    [219] = 1, [224] = 1, [225] = 1, [243] = 1, [254] = 1, [258] = 1,
};

typedef void *five(void *, void *, void *, void *, void *);
typedef void release(void *);

struct base {
    void *const *(*api)(uint32_t version);
    const char *(*version)(void);
};

struct outcome {
    void *status; /* NULL: the call is made */
    void *go_on;
};

static const struct base *real_base;
static void *const *real;
static void *table[FUNCTIONS];
static int (*program_fails)(const char *kind, size_t function);

enum { STATUSES, SESSIONS, OPTIONS, BINDINGS, CLASSES };
static const char *const class_names[CLASSES] = {"statuses", "sessions", "session options", "bindings"};
static atomic_long alive[CLASSES];

/* What a call of the function comes to. */
__attribute__((visibility("hidden"))) struct outcome vendor_call(unsigned function);

struct outcome vendor_call(unsigned function)
{
    struct outcome outcome = {NULL, real[function]};
    if (function != CREATE_STATUS && program_fails && program_fails("vendor", function)) {
        void *(*create)(int, const char *) = (__extension__(void *(*)(int, const char *))real[CREATE_STATUS]);
        outcome.status = create(FAILED, "tortured");
        alive[STATUSES]++;
    }
    return outcome;
}

/* One entry for each function, 16 bytes apart: its number, and on to what they share. That keeps every register that may
 * hold an argument, asks, and returns the status or goes on to the function as if it had been called itself. */
extern const unsigned char vendor_entries[] __attribute__((visibility("hidden")));
__asm__(".text\n"
        "        .balign 16\n"
        "        .hidden vendor_entries\n"
        "        .globl vendor_entries\n"
        "vendor_entries:\n"
        "        .set number, 0\n"
        "        .rept 276\n"
        "        .balign 16\n"
        "        movl $number, %eax\n"
        "        jmp vendor_entered\n"
        "        .set number, number + 1\n"
        "        .endr\n"
        "vendor_entered:\n"
        "        pushq %rdi\n"
        "        pushq %rsi\n"
        "        pushq %rdx\n"
        "        pushq %rcx\n"
        "        pushq %r8\n"
        "        pushq %r9\n"
        "        subq $72, %rsp\n"
        "        movsd %xmm0, (%rsp)\n"
        "        movsd %xmm1, 8(%rsp)\n"
        "        movsd %xmm2, 16(%rsp)\n"
        "        movsd %xmm3, 24(%rsp)\n"
        "        movsd %xmm4, 32(%rsp)\n"
        "        movsd %xmm5, 40(%rsp)\n"
        "        movsd %xmm6, 48(%rsp)\n"
        "        movsd %xmm7, 56(%rsp)\n"
        "        movl %eax, %edi\n"
        "        call vendor_call\n"
        "        movq %rax, %r10\n"
        "        movq %rdx, %r11\n"
        "        movsd (%rsp), %xmm0\n"
        "        movsd 8(%rsp), %xmm1\n"
        "        movsd 16(%rsp), %xmm2\n"
        "        movsd 24(%rsp), %xmm3\n"
        "        movsd 32(%rsp), %xmm4\n"
        "        movsd 40(%rsp), %xmm5\n"
        "        movsd 48(%rsp), %xmm6\n"
        "        movsd 56(%rsp), %xmm7\n"
        "        addq $72, %rsp\n"
        "        popq %r9\n"
        "        popq %r8\n"
        "        popq %rcx\n"
        "        popq %rdx\n"
        "        popq %rsi\n"
        "        popq %rdi\n"
        "        movq %r10, %rax\n"
        "        testq %r10, %r10\n"
        "        je 1f\n"
        "        ret\n"
        "1:      jmp *%r11\n");

/* Those that make something and give it out, or take it back: what they make is counted. Their arguments are pointers and
 * sizes, so that more of them than there are do no harm. */
#define MAKES(name, function, class)                                          \
    static void *name(void *a, void *b, void *c, void *d, void *e)            \
    {                                                                         \
        const struct outcome call = vendor_call(function);                    \
        void *status = call.status;                                           \
        if (!status) {                                                        \
            status = (__extension__(five *)call.go_on)(a, b, c, d, e);     \
            if (!status)                                                      \
                alive[class]++;                                               \
        }                                                                     \
        return status;                                                        \
    }
#define RELEASES(name, function, class)                     \
    static void name(void *what)                            \
    {                                                       \
        if (what)                                           \
            alive[class]--;                                 \
        (__extension__(release *)real[function])(what);     \
    }

MAKES(create_session, CREATE_SESSION_FROM_ARRAY, SESSIONS)
MAKES(create_options, CREATE_SESSION_OPTIONS, OPTIONS)
MAKES(clone_options, CLONE_SESSION_OPTIONS, OPTIONS)
MAKES(create_binding, CREATE_IO_BINDING, BINDINGS)
RELEASES(release_session, RELEASE_SESSION, SESSIONS)
RELEASES(release_options, RELEASE_SESSION_OPTIONS, OPTIONS)
RELEASES(release_binding, RELEASE_IO_BINDING, BINDINGS)

/* Statuses that ONNX Runtime made itself are released here, too: they are counted when they come out of it, which a call
 * that goes on to it does not see. So only those that there are of this library's are. */
static void release_status(void *status)
{
    const char *(*message)(const void *) = (__extension__(const char *(*)(const void *))real[2]);
    if (status) {
        const char *text = message(status);
        if (text[0] == 't' && text[1] == 'o' && text[2] == 'r' && text[3] == 't')
            alive[STATUSES]--;
    }
    (__extension__(release *)real[RELEASE_STATUS])(status);
}

static void *const *api(uint32_t version)
{
    if (version != API_VERSION)
        return NULL;
    real = real_base->api(version);
    if (!real)
        return NULL;
    for (unsigned i = 0; i < FUNCTIONS; i++)
        table[i] = infallible[i] ? real[i] : (void *)(uintptr_t)(vendor_entries + 16 * i);
    table[CREATE_SESSION_FROM_ARRAY] = __extension__(void *)create_session;
    table[CREATE_SESSION_OPTIONS] = __extension__(void *)create_options;
    table[CLONE_SESSION_OPTIONS] = __extension__(void *)clone_options;
    table[CREATE_IO_BINDING] = __extension__(void *)create_binding;
    table[RELEASE_SESSION] = __extension__(void *)release_session;
    table[RELEASE_SESSION_OPTIONS] = __extension__(void *)release_options;
    table[RELEASE_IO_BINDING] = __extension__(void *)release_binding;
    table[RELEASE_STATUS] = __extension__(void *)release_status;
    return table;
}

static const char *version(void)
{
    return real_base->version();
}

const struct base *OrtGetApiBase(void);

const struct base *OrtGetApiBase(void)
{
    static const struct base ours = {api, version};
    const char *path = getenv("RAVE_TORTURE_ONNXRUNTIME");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library ? dlsym(library, "OrtGetApiBase") : NULL;
    if (!symbol) {
        fprintf(stderr, "RAVE_TORTURE_ONNXRUNTIME is '%s': no ONNX Runtime\n", path ? path : "");
        return NULL;
    }
    real_base = (__extension__(const struct base *(*)(void))symbol)();
    program_fails = __extension__(int (*)(const char *, size_t))dlsym(RTLD_DEFAULT, "torture_fails");
    return &ours;
}

__attribute__((destructor)) static void all_released(void)
{
    for (int class = 0; class < CLASSES; class++)
        if (alive[class] != 0 && !(class == SESSIONS && alive[class] == 1)) {
            fprintf(stderr, "%ld %s of ONNX Runtime were not released\n", (long)alive[class], class_names[class]);
            _exit(5);
        }
}
