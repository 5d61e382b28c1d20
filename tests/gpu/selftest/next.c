// Built twice, as two libraries that define the same symbol: whose dlsym(RTLD_NEXT) finds the other one's?
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

int marker(void) { return WHICH; }

int MARKER_BEHIND(void)
{
    int (*next)(void);
    void *const address = dlsym(RTLD_NEXT, "marker");
    memcpy(&next, &address, sizeof next);
    return address ? next() : 0;
}
