// The counts, the window between two marks, and the report.
#ifndef CUDA_COUNTER_COUNTS_H
#define CUDA_COUNTER_COUNTS_H

#include <stdio.h>

#include "calls.h"

// Counts one call. `from` is the caller's return address. Any thread; allocates nothing.
void count(enum call call, enum direction direction, size_t bytes, void *from);

// What a call does.
enum kind kind_of(enum call call);

// The error that a call is to return in place of being made, or CUDA_SUCCESS. `from` is as of count. Any thread.
CUresult planned_failure(enum call call, const void *from);

// Writes which call failed first and who made it, as JSON; null when none did.
void write_failures(FILE *file);

// Notes that a function of CUDA was looked up and is not counted though its name says that it should be.
void note_uncounted(const char *name);

// The last part of the path of the library that holds an address.
const char *library_of(const void *address);

#endif
