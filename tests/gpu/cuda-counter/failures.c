// Calls that fail on purpose: CUDA_COUNTER_FAIL=CALL:N:ERROR makes the N-th CALL and all that follow return ERROR without
// reaching the driver.
#include "counts.h"
#include "lookup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failing_call = -1;
static uint64_t failing_from;
static int failure;
static _Atomic uint64_t made;

__attribute__((constructor)) static void read_plan(void)
{
    const char *const plan = getenv("CUDA_COUNTER_FAIL");
    char name[64];
    unsigned long long from;
    int error;

    if (!plan)
        return;
    if (sscanf(plan, "%63[^:]:%llu:%d", name, &from, &error) == 3 && from > 0 && error > 0)
        for (unsigned call = 0; call < CALL_COUNT; call++)
            if (!strcmp(call_names[call], name)) {
                failing_call = (int)call;
                failing_from = from;
                failure = error;
                return;
            }
    fprintf(stderr, "cuda-counter: CUDA_COUNTER_FAIL is `%s`; it must be CALL:N:ERROR with a call of calls.h\n", plan);
    exit(2);
}

CUresult planned_failure(enum call call)
{
    if ((int)call != failing_call || atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1 < failing_from)
        return CUDA_SUCCESS;
    return (CUresult)failure;
}
