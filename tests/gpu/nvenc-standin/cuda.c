#include "cuda.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "record.h"

static struct cuda driver;
static bool complete;

static void open_driver(void)
{
    void *const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        say("libcuda.so.1 cannot be opened: %s", dlerror());
        return;
    }
    complete = true;
    // POSIX lets a pointer to a function pass through void *, ISO C does not: hence memcpy.
#define X(member, type, symbol) \
    do { \
        void *const address = dlsym(library, symbol); \
        memcpy(&driver.member, &address, sizeof address); \
        if (!address) { \
            say("libcuda.so.1 has no %s", symbol); \
            complete = false; \
        } \
    } while (0);
    CUDA_CALLS(X)
#undef X
}

const struct cuda *cuda_driver(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_driver);
    return complete ? &driver : NULL;
}
