// dlsym and cuGetProcAddress in place of the real ones.
//
// A program's dlsym is ours. Names that are not counted go to the C library's dlsym by a jump, which leaves the return
// address alone: RTLD_NEXT and RTLD_DEFAULT depend on who asks. The jump is GCC's sibling call, hence -O2;
// selftest.sh sees to it that it is there.
#include "lookup.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"

#define EXPORT __attribute__((visibility("default")))

#if defined(__x86_64__)
#define FIRST_GLIBC "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_GLIBC "GLIBC_2.17"
#endif

typedef void *dlsym_function(void *handle, const char *name);
typedef CUresult get_proc_address(const char *symbol, void **function, int version, uint64_t flags, int *status);

static _Atomic(void *) real_functions[CALL_COUNT][SLOTS];
static _Atomic(void *) driver_library;
static _Atomic(pointer_get_attribute *) ask_pointer;

static dlsym_function *real_dlsym(void)
{
    static _Atomic(dlsym_function *) known;
    dlsym_function *found = atomic_load_explicit(&known, memory_order_acquire);
    if (!found) {
        // The symbol of the oldest version; later C libraries keep it.
        void *const address = dlvsym(RTLD_NEXT, "dlsym", FIRST_GLIBC);
        if (!address) {
            fprintf(stderr, "cuda-counter: the C library has no dlsym@%s\n", FIRST_GLIBC);
            abort();
        }
        memcpy(&found, &address, sizeof found);
        atomic_store_explicit(&known, found, memory_order_release);
    }
    return found;
}

pointer_get_attribute *driver_pointer_get_attribute(void)
{
    return atomic_load_explicit(&ask_pointer, memory_order_acquire);
}

// Keeps the driver loaded, since its functions are kept here, and finds what directions are told by.
static void keep_driver(const void *function)
{
    Dl_info info;
    pointer_get_attribute *ask;
    void *none = NULL;
    if (atomic_load_explicit(&driver_library, memory_order_acquire))
        return;
    if (!dladdr(function, &info) || strncmp(library_of(function), "libcuda.so", strlen("libcuda.so")) != 0)
        return;
    void *const library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library) {
        dlerror(); // the program has asked for something else, which succeeded
        return;
    }
    void *const address = real_dlsym()(library, "cuPointerGetAttribute");
    memcpy(&ask, &address, sizeof ask);
    atomic_store_explicit(&ask_pointer, ask, memory_order_release);
    if (!atomic_compare_exchange_strong(&driver_library, &none, library))
        dlclose(library);
}

static CUresult not_found(void) { return (CUresult)500; } // CUDA_ERROR_NOT_FOUND

static void *resolve_linked(enum call call, unsigned slot)
{
    const char *const name = slot <= PER_THREAD ? symbol_names[call][slot] : NULL;
    void *library = atomic_load_explicit(&driver_library, memory_order_acquire);
    void *found = name ? real_dlsym()(RTLD_NEXT, name) : NULL;
    if (!found && name && library)
        found = real_dlsym()(library, name);
    if (!found)
        return __extension__(void *)not_found;
    keep_driver(found);
    atomic_store_explicit(&real_functions[call][slot], found, memory_order_release);
    return found;
}

void *real_function(enum call call, unsigned slot)
{
    void *const known = atomic_load_explicit(&real_functions[call][slot], memory_order_acquire);
    return known ? known : resolve_linked(call, slot);
}

// Whether the code at `from` is of a library that is not counted: $CUDA_COUNTER_IGNORE, names with commas between them.
// Without it, that is the encoder, whose copies a program does not make.
static bool ignored(const void *from)
{
    const char *names = getenv("CUDA_COUNTER_IGNORE");
    const char *const library = library_of(from);
    const size_t length = strlen(library);
    for (names = names ? names : "libnvidia-encode.so.1"; *names; names += strcspn(names, ",")) {
        names += *names == ',';
        if (strcspn(names, ",") == length && strncmp(names, library, length) == 0)
            return true;
    }
    return false;
}

// A lookup can end here, as the exported symbols are in front of the driver's. Those find the driver themselves.
static bool is_ours(const void *function)
{
    Dl_info theirs, ours;
    return dladdr(function, &theirs) && dladdr(__extension__(void *)not_found, &ours) &&
           theirs.dli_fbase == ours.dli_fbase;
}

// Our entry for a function of the driver. `slot` is the one that its name belongs to; another one is taken where that
// stands for another function already.
static void *entry_for(enum call call, unsigned slot, void *function)
{
    const unsigned slots[] = { slot, SPARE, SPARE + 1 };
    for (unsigned i = 0; i < sizeof slots / sizeof *slots; i++) {
        void *known = NULL;
        if (atomic_compare_exchange_strong(&real_functions[call][slots[i]], &known, function) || known == function)
            return entries[call][slots[i]];
    }
    note_uncounted(call_names[call]);
    return function;
}

// Names that CUDA 3.2 replaced by `_v2`: their addresses have 32 bits, so that nothing on a GPU of today can be reached by
// them. They are exported still, and libraries that look up everything look them up.
static bool has_32_bit_addresses(const char *name)
{
    const char *const names[] = {
        "cuMemAlloc", "cuMemAllocPitch", "cuMemFree", "cuMemAllocHost", "cuMemcpyHtoD", "cuMemcpyDtoH",
        "cuMemcpyDtoD", "cuMemcpyDtoA", "cuMemcpyAtoD", "cuMemcpyHtoA", "cuMemcpyAtoH", "cuMemcpyAtoA",
        "cuMemcpyHtoAAsync", "cuMemcpyAtoHAsync", "cuMemcpy2D", "cuMemcpy2DUnaligned", "cuMemcpy3D",
        "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuMemcpyDtoDAsync", "cuMemcpy2DAsync", "cuMemcpy3DAsync",
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool should_be_counted(const char *name)
{
    const char *const starts[] = { "cuMemcpy", "cuMemAlloc", "cuMemFree", "cuLaunchKernel", "cuGraphLaunch" };
    for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return strstr(name, "Synchronize") != NULL;
}

static get_proc_address get_proc_address_v1, get_proc_address_v2, get_proc_address_v2_ptsz;

// cuGetProcAddress and its later form. They differ in the last argument, which the first one does not look at.
static struct {
    const char *name;
    get_proc_address *entry;
    _Atomic(void *) real;
} lookups[] = {
    { "cuGetProcAddress", get_proc_address_v1, NULL },
    { "cuGetProcAddress_v2", get_proc_address_v2, NULL },
    { "cuGetProcAddress_v2_ptsz", get_proc_address_v2_ptsz, NULL },
};

static void *lookup_entry(unsigned which, void *function)
{
    void *entry;
    atomic_store_explicit(&lookups[which].real, function, memory_order_release);
    memcpy(&entry, &lookups[which].entry, sizeof entry);
    return entry;
}

// The counted call that a symbol belongs to.
static bool find_symbol(const char *name, enum call *call, unsigned *slot)
{
    for (*call = 0; *call < CALL_COUNT; (*call)++)
        for (*slot = PLAIN; *slot <= PER_THREAD; (*slot)++)
            if (symbol_names[*call][*slot] && strcmp(symbol_names[*call][*slot], name) == 0)
                return true;
    return false;
}

static bool find_lookup(const char *name, unsigned *which)
{
    for (*which = 0; *which < sizeof lookups / sizeof *lookups; (*which)++)
        if (strcmp(lookups[*which].name, name) == 0)
            return true;
    return false;
}

// What dlsym gives instead of `function`, which is the driver's of that name.
static void *by_symbol(const char *name, void *function)
{
    enum call call;
    unsigned slot, which;
    if (find_lookup(name, &which))
        return lookup_entry(which, function);
    if (find_symbol(name, &call, &slot))
        return entry_for(call, slot, function);
    if (should_be_counted(name) && !has_32_bit_addresses(name))
        note_uncounted(name);
    return function;
}

// What cuGetProcAddress gives instead of `function`. From CUDA 13 on, a base name stands for the second version where
// the two have different parameters.
static void *by_base_name(const char *name, int version, bool per_thread, void *function)
{
    enum { SECOND_VERSIONS = 13000, LATER_LOOKUP = 12000, FIRST_64_BIT = 3020 };
    if (strcmp(name, "cuGetProcAddress") == 0)
        return lookup_entry(version < LATER_LOOKUP ? 0 : per_thread ? 2 : 1, function);
    if (version < FIRST_64_BIT)
        return function;
    int found = -1;
    for (int call = 0; call < CALL_COUNT; call++) {
        const size_t length = strlen(name);
        if (strcmp(call_names[call], name) == 0 && found < 0)
            found = call;
        if (version >= SECOND_VERSIONS && strncmp(call_names[call], name, length) == 0 &&
            strcmp(call_names[call] + length, "_v2") == 0)
            found = call;
    }
    if (found >= 0)
        return entry_for((enum call)found, per_thread && symbol_names[found][PER_THREAD] ? PER_THREAD : PLAIN, function);
    return by_symbol(name, function);
}

static CUresult get_proc(unsigned which, const char *symbol, void **function, int version, uint64_t flags, int *status,
                         const void *from)
{
    enum { PER_THREAD_FLAG = 2 }; // CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM
    get_proc_address *real;
    void *address = atomic_load_explicit(&lookups[which].real, memory_order_acquire);
    if (!address) {
        // Linked to instead of looked up.
        address = real_dlsym()(RTLD_NEXT, lookups[which].name);
        if (!address)
            return not_found();
        lookup_entry(which, address);
        keep_driver(address);
    }
    memcpy(&real, &address, sizeof real);
    const CUresult result = real(symbol, function, version, flags, status);
    if (result == CUDA_SUCCESS && symbol && function && *function && !ignored(from) && !is_ours(*function)) {
        keep_driver(*function);
        *function = by_base_name(symbol, version, (flags & PER_THREAD_FLAG) || (which == 2 && flags == 0), *function);
    }
    return result;
}

static CUresult get_proc_address_v1(const char *symbol, void **function, int version, uint64_t flags, int *status)
{
    (void)status; // the caller passes none
    return get_proc(0, symbol, function, version, flags, NULL, __builtin_return_address(0));
}

static CUresult get_proc_address_v2(const char *symbol, void **function, int version, uint64_t flags, int *status)
{
    return get_proc(1, symbol, function, version, flags, status, __builtin_return_address(0));
}

static CUresult get_proc_address_v2_ptsz(const char *symbol, void **function, int version, uint64_t flags, int *status)
{
    return get_proc(2, symbol, function, version, flags, status, __builtin_return_address(0));
}

EXPORT CUresult cuGetProcAddress(const char *symbol, void **function, int version, uint64_t flags)
{
    return get_proc(0, symbol, function, version, flags, NULL, __builtin_return_address(0));
}

EXPORT CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags, int *status)
{
    return get_proc(1, symbol, function, version, flags, status, __builtin_return_address(0));
}

EXPORT CUresult cuGetProcAddress_v2_ptsz(const char *symbol, void **function, int version, uint64_t flags, int *status)
{
    return get_proc(2, symbol, function, version, flags, status, __builtin_return_address(0));
}

static void *lookup(void *handle, const char *name, const void *from)
{
    // This library is in front of all others but the program. What it exports must not be found in it.
    void *const function = real_dlsym()(handle == RTLD_DEFAULT ? RTLD_NEXT : handle, name);
    if (!function || ignored(from) || is_ours(function))
        return function;
    keep_driver(function);
    return by_symbol(name, function);
}

EXPORT void *dlsym(void *restrict handle, const char *restrict name)
{
    enum call call;
    unsigned slot, which;
    const bool theirs = strncmp(name, "cu", 2) != 0 || handle == RTLD_NEXT ||
                        (handle == RTLD_DEFAULT && !find_symbol(name, &call, &slot) && !find_lookup(name, &which));
    return theirs ? real_dlsym()(handle, name) : lookup(handle, name, __builtin_return_address(0));
}
