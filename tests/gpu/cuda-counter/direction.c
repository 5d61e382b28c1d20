#include "lookup.h"

enum place { HOST, DEVICE };

// Unified addresses say nothing themselves; the driver knows what it allocated, and fails for all other memory.
static enum place place_of(CUdeviceptr pointer)
{
    enum { MEMORY_TYPE = 2 }; // CU_POINTER_ATTRIBUTE_MEMORY_TYPE
    pointer_get_attribute *const ask = driver_pointer_get_attribute();
    unsigned type = CU_MEMORYTYPE_HOST;
    if (!ask || ask(&type, MEMORY_TYPE, pointer) != CUDA_SUCCESS)
        return HOST;
    return type == CU_MEMORYTYPE_HOST ? HOST : DEVICE;
}

static enum direction between(enum place to, enum place from)
{
    if (from == HOST)
        return to == HOST ? HTOH : HTOD;
    return to == HOST ? DTOH : DTOD;
}

static enum place place_of_type(CUmemorytype type, CUdeviceptr pointer)
{
    enum { UNIFIED = 4 }; // CU_MEMORYTYPE_UNIFIED
    if ((int)type == UNIFIED)
        return place_of(pointer);
    return type == CU_MEMORYTYPE_HOST ? HOST : DEVICE;
}

enum direction direction_of(CUdeviceptr to, CUdeviceptr from) { return between(place_of(to), place_of(from)); }

enum direction direction_2d(const CUDA_MEMCPY2D *copy)
{
    return copy ? between(place_of_type(copy->dstMemoryType, copy->dstDevice),
                          place_of_type(copy->srcMemoryType, copy->srcDevice))
                : NO_DIRECTION;
}

enum direction direction_3d(const struct copy_3d *copy)
{
    return copy ? between(place_of_type(copy->dst_type, copy->dst_device),
                          place_of_type(copy->src_type, copy->src_device))
                : NO_DIRECTION;
}

enum direction direction_batch(const CUdeviceptr *to, const CUdeviceptr *from, size_t count)
{
    return to && from && count ? direction_of(to[0], from[0]) : NO_DIRECTION;
}

size_t bytes_2d(const CUDA_MEMCPY2D *copy) { return copy ? copy->WidthInBytes * copy->Height : 0; }

size_t bytes_3d(const struct copy_3d *copy) { return copy ? copy->width * copy->height * copy->depth : 0; }

size_t bytes_batch(const size_t *sizes, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; sizes && i < count; i++)
        bytes += sizes[i];
    return bytes;
}
