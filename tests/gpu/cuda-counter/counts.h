// The counts, the window between two marks, and the report.
#ifndef CUDA_COUNTER_COUNTS_H
#define CUDA_COUNTER_COUNTS_H

#include "calls.h"

// Counts one call. `from` is the caller's return address. Any thread; allocates nothing.
void count(enum call call, enum direction direction, size_t bytes, void *from);

// The error that a call is to return in place of being made, or CUDA_SUCCESS. Any thread.
CUresult planned_failure(enum call call);

// Notes that a function of CUDA was looked up and is not counted though its name says that it should be.
void note_uncounted(const char *name);

// The last part of the path of the library that holds an address.
const char *library_of(const void *address);

#endif
