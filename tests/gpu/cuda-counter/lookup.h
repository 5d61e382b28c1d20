// How programs get at the driver's functions, and what they get instead.
#ifndef CUDA_COUNTER_LOOKUP_H
#define CUDA_COUNTER_LOOKUP_H

#include <stdbool.h>

#include "calls.h"

// The driver has several functions behind one name: versions, and those for per-thread default streams. Each pointer
// that a program gets is one of these, with a function of ours (an entry) that counts and goes on to it.
enum { PLAIN, PER_THREAD, SPARE, SLOTS = 4 };

// wrappers.c
// The names as cuGetProcAddress takes them; PLAIN and PER_THREAD as dlsym takes them, NULL where there is none.
extern const char *const call_names[CALL_COUNT];
extern const char *const symbol_names[CALL_COUNT][2];
extern void *const entries[CALL_COUNT][SLOTS];

// The function that a slot stands for. Resolved by its name when it was linked to instead of looked up.
void *real_function(enum call call, unsigned slot);

// The driver's cuPointerGetAttribute; NULL while no driver is known.
typedef CUresult CUDAAPI pointer_get_attribute(void *data, int attribute, CUdeviceptr pointer);
pointer_get_attribute *driver_pointer_get_attribute(void);

#endif
