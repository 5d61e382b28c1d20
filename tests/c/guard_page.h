/* Memory that ends where no byte can be read. */

#ifndef GUARD_PAGE_H
#define GUARD_PAGE_H

#include <sys/mman.h>
#include <unistd.h>

#include "expect.h"

/* `size` writable bytes, zero, the byte after which is in a page that may not be touched. Never freed. */
static inline void *before_guard_page(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t writable = (size + page - 1) / page * page;
    uint8_t *start =
        mmap(NULL, writable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(start != MAP_FAILED);
    REQUIRE(mprotect(start + writable, page, PROT_NONE) == 0);
    return start + writable - size;
}

#endif
