// One entry for each counted call and slot. The first two of a call are exported under the driver's own symbols, for
// programs that link to libcuda.
#include "counts.h"
#include "lookup.h"

#define LINKAGE_exported __attribute__((visibility("default")))
#define LINKAGE_ptds LINKAGE_exported
#define LINKAGE_ptsz LINKAGE_exported
#define LINKAGE_none static

#define ENTRY(name, slot, symbol, parameters, arguments, direction, bytes) \
    CUresult symbol parameters \
    { \
        count(CALL_##name, direction, bytes, __builtin_return_address(0)); \
        const CUresult planned = planned_failure(CALL_##name, __builtin_return_address(0)); \
        if (planned != CUDA_SUCCESS) \
            return planned; \
        return (__extension__(CUresult(*) parameters)real_function(CALL_##name, slot)) arguments; \
    }

#define X(name, suffix, per_thread, kind, parameters, arguments, direction, bytes) \
    LINKAGE_exported ENTRY(name, PLAIN, name##suffix, parameters, arguments, direction, bytes) \
    LINKAGE##per_thread ENTRY(name, PER_THREAD, name##suffix##per_thread, parameters, arguments, direction, bytes) \
    static ENTRY(name, SPARE, name##suffix##_spare, parameters, arguments, direction, bytes) \
    static ENTRY(name, SPARE + 1, name##suffix##_spare_2, parameters, arguments, direction, bytes)
CALLS(X)
#undef X

#define X(name, ...) #name,
const char *const call_names[CALL_COUNT] = { CALLS(X) };
#undef X

#define NAME_ptds(text) text
#define NAME_ptsz(text) text
#define NAME_none(text) NULL
#define X(name, suffix, per_thread, ...) { #name #suffix, NAME##per_thread(#name #suffix #per_thread) },
const char *const symbol_names[CALL_COUNT][2] = { CALLS(X) };
#undef X

// POSIX has functions and objects share a representation, as dlsym needs; to ISO C the conversion is an extension.
#define X(name, suffix, per_thread, ...) \
    { __extension__(void *)name##suffix, __extension__(void *)name##suffix##per_thread, \
      __extension__(void *)name##suffix##_spare, __extension__(void *)name##suffix##_spare_2 },
void *const entries[CALL_COUNT][SLOTS] = { CALLS(X) };
#undef X
