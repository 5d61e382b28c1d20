// The calls of the CUDA driver that are counted.
#ifndef CUDA_COUNTER_CALLS_H
#define CUDA_COUNTER_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include <ffnvcodec/dynlink_cuda.h>

enum direction { NO_DIRECTION, HTOD, DTOH, DTOD, HTOH, DIRECTIONS };

enum kind { COPY, ALLOCATION, FREE, SYNCHRONISATION, LAUNCH, QUERY, EVENT };

// CUDA_MEMCPY3D and CUDA_MEMCPY3D_PEER of cuda.h, which dynlink_cuda.h lacks; they differ in what `src_context` and
// `dst_context` are, a reserved pointer or a CUcontext.
struct copy_3d {
    size_t src_x, src_y, src_z, src_lod;
    CUmemorytype src_type;
    const void *src_host;
    CUdeviceptr src_device;
    CUarray src_array;
    void *src_context;
    size_t src_pitch, src_height;
    size_t dst_x, dst_y, dst_z, dst_lod;
    CUmemorytype dst_type;
    void *dst_host;
    CUdeviceptr dst_device;
    CUarray dst_array;
    void *dst_context;
    size_t dst_pitch, dst_height;
    size_t width, height, depth;
};

// Where copies lead and how much they move. They ask the driver only for unified addresses.
enum direction direction_of(CUdeviceptr to, CUdeviceptr from);
enum direction direction_2d(const CUDA_MEMCPY2D *copy);
enum direction direction_3d(const struct copy_3d *copy);
enum direction direction_batch(const CUdeviceptr *to, const CUdeviceptr *from, size_t count); // the first copy's
size_t bytes_2d(const CUDA_MEMCPY2D *copy);
size_t bytes_3d(const struct copy_3d *copy);
size_t bytes_batch(const size_t *sizes, size_t count);

#define LAUNCH_PARAMETERS \
    (CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, \
     CUstream s, void **parameters, void **extra)
#define COOPERATIVE_PARAMETERS \
    (CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, \
     CUstream s, void **parameters)

// X(name, suffix, per_thread, kind, (parameters), (arguments), direction, bytes)
// name: as cuGetProcAddress takes it. suffix: what the exported symbol has behind it; earlier ABIs without it have
// 32-bit sizes and are left alone. per_thread: what the symbol for per-thread default streams has behind that, or _none.
#define CALLS(X) \
    X(cuMemcpy, , _ptds, COPY, (CUdeviceptr to, CUdeviceptr from, size_t n), (to, from, n), direction_of(to, from), n) \
    X(cuMemcpyAsync, , _ptsz, COPY, (CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s), (to, from, n, s), \
      direction_of(to, from), n) \
    X(cuMemcpyPeer, , _ptds, COPY, (CUdeviceptr to, CUcontext tc, CUdeviceptr from, CUcontext fc, size_t n), \
      (to, tc, from, fc, n), DTOD, n) \
    X(cuMemcpyPeerAsync, , _ptsz, COPY, \
      (CUdeviceptr to, CUcontext tc, CUdeviceptr from, CUcontext fc, size_t n, CUstream s), (to, tc, from, fc, n, s), \
      DTOD, n) \
    X(cuMemcpyHtoD, _v2, _ptds, COPY, (CUdeviceptr to, const void *from, size_t n), (to, from, n), HTOD, n) \
    X(cuMemcpyHtoDAsync, _v2, _ptsz, COPY, (CUdeviceptr to, const void *from, size_t n, CUstream s), \
      (to, from, n, s), HTOD, n) \
    X(cuMemcpyDtoH, _v2, _ptds, COPY, (void *to, CUdeviceptr from, size_t n), (to, from, n), DTOH, n) \
    X(cuMemcpyDtoHAsync, _v2, _ptsz, COPY, (void *to, CUdeviceptr from, size_t n, CUstream s), (to, from, n, s), \
      DTOH, n) \
    X(cuMemcpyDtoD, _v2, _ptds, COPY, (CUdeviceptr to, CUdeviceptr from, size_t n), (to, from, n), DTOD, n) \
    X(cuMemcpyDtoDAsync, _v2, _ptsz, COPY, (CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s), \
      (to, from, n, s), DTOD, n) \
    X(cuMemcpyDtoA, _v2, _ptds, COPY, (CUarray to, size_t at, CUdeviceptr from, size_t n), (to, at, from, n), DTOD, n) \
    X(cuMemcpyAtoD, _v2, _ptds, COPY, (CUdeviceptr to, CUarray from, size_t at, size_t n), (to, from, at, n), DTOD, n) \
    X(cuMemcpyHtoA, _v2, _ptds, COPY, (CUarray to, size_t at, const void *from, size_t n), (to, at, from, n), HTOD, n) \
    X(cuMemcpyAtoH, _v2, _ptds, COPY, (void *to, CUarray from, size_t at, size_t n), (to, from, at, n), DTOH, n) \
    X(cuMemcpyAtoA, _v2, _ptds, COPY, (CUarray to, size_t ta, CUarray from, size_t fa, size_t n), (to, ta, from, fa, n), \
      DTOD, n) \
    X(cuMemcpyHtoAAsync, _v2, _ptsz, COPY, (CUarray to, size_t at, const void *from, size_t n, CUstream s), \
      (to, at, from, n, s), HTOD, n) \
    X(cuMemcpyAtoHAsync, _v2, _ptsz, COPY, (void *to, CUarray from, size_t at, size_t n, CUstream s), \
      (to, from, at, n, s), DTOH, n) \
    X(cuMemcpy2D, _v2, _ptds, COPY, (const CUDA_MEMCPY2D *copy), (copy), direction_2d(copy), bytes_2d(copy)) \
    X(cuMemcpy2DUnaligned, _v2, _ptds, COPY, (const CUDA_MEMCPY2D *copy), (copy), direction_2d(copy), bytes_2d(copy)) \
    X(cuMemcpy2DAsync, _v2, _ptsz, COPY, (const CUDA_MEMCPY2D *copy, CUstream s), (copy, s), direction_2d(copy), \
      bytes_2d(copy)) \
    X(cuMemcpy3D, _v2, _ptds, COPY, (const struct copy_3d *copy), (copy), direction_3d(copy), bytes_3d(copy)) \
    X(cuMemcpy3DAsync, _v2, _ptsz, COPY, (const struct copy_3d *copy, CUstream s), (copy, s), direction_3d(copy), \
      bytes_3d(copy)) \
    X(cuMemcpy3DPeer, , _ptds, COPY, (const struct copy_3d *copy), (copy), direction_3d(copy), bytes_3d(copy)) \
    X(cuMemcpy3DPeerAsync, , _ptsz, COPY, (const struct copy_3d *copy, CUstream s), (copy, s), direction_3d(copy), \
      bytes_3d(copy)) \
    X(cuMemcpy3DBatchAsync, , _ptsz, COPY, \
      (size_t n, void *copies, size_t *failed, unsigned long long flags, CUstream s), (n, copies, failed, flags, s), \
      NO_DIRECTION, 0) \
    X(cuMemcpy3DBatchAsync_v2, , _ptsz, COPY, (size_t n, void *copies, unsigned long long flags, CUstream s), \
      (n, copies, flags, s), NO_DIRECTION, 0) \
    X(cuMemcpyBatchAsync, , _ptsz, COPY, \
      (CUdeviceptr *to, CUdeviceptr *from, size_t *sizes, size_t copies, void *attributes, size_t *indices, \
       size_t attribute_count, size_t *failed, CUstream s), \
      (to, from, sizes, copies, attributes, indices, attribute_count, failed, s), direction_batch(to, from, copies), \
      bytes_batch(sizes, copies)) \
    X(cuMemcpyBatchAsync_v2, , _ptsz, COPY, \
      (CUdeviceptr *to, CUdeviceptr *from, size_t *sizes, size_t copies, void *attributes, size_t *indices, \
       size_t attribute_count, CUstream s), \
      (to, from, sizes, copies, attributes, indices, attribute_count, s), direction_batch(to, from, copies), \
      bytes_batch(sizes, copies)) \
    X(cuMemAlloc, _v2, _none, ALLOCATION, (CUdeviceptr *at, size_t n), (at, n), NO_DIRECTION, n) \
    X(cuMemAllocPitch, _v2, _none, ALLOCATION, \
      (CUdeviceptr *at, size_t *pitch, size_t width, size_t height, unsigned element), \
      (at, pitch, width, height, element), NO_DIRECTION, width *height) \
    X(cuMemAllocManaged, , _none, ALLOCATION, (CUdeviceptr *at, size_t n, unsigned flags), (at, n, flags), \
      NO_DIRECTION, n) \
    X(cuMemAllocAsync, , _ptsz, ALLOCATION, (CUdeviceptr *at, size_t n, CUstream s), (at, n, s), NO_DIRECTION, n) \
    X(cuMemAllocFromPoolAsync, , _ptsz, ALLOCATION, (CUdeviceptr *at, size_t n, void *pool, CUstream s), \
      (at, n, pool, s), NO_DIRECTION, n) \
    X(cuMemCreate, , _none, ALLOCATION, \
      (unsigned long long *handle, size_t n, const void *properties, unsigned long long flags), \
      (handle, n, properties, flags), NO_DIRECTION, n) \
    X(cuMemAllocHost, _v2, _none, ALLOCATION, (void **at, size_t n), (at, n), NO_DIRECTION, n) \
    X(cuMemHostAlloc, , _none, ALLOCATION, (void **at, size_t n, unsigned flags), (at, n, flags), NO_DIRECTION, n) \
    X(cuMemHostRegister, _v2, _none, ALLOCATION, (void *at, size_t n, unsigned flags), (at, n, flags), NO_DIRECTION, n) \
    X(cuMemFree, _v2, _none, FREE, (CUdeviceptr at), (at), NO_DIRECTION, 0) \
    X(cuMemFreeAsync, , _ptsz, FREE, (CUdeviceptr at, CUstream s), (at, s), NO_DIRECTION, 0) \
    X(cuMemRelease, , _none, FREE, (unsigned long long handle), (handle), NO_DIRECTION, 0) \
    X(cuMemFreeHost, , _none, FREE, (void *at), (at), NO_DIRECTION, 0) \
    X(cuMemHostUnregister, , _none, FREE, (void *at), (at), NO_DIRECTION, 0) \
    X(cuStreamSynchronize, , _ptsz, SYNCHRONISATION, (CUstream s), (s), NO_DIRECTION, 0) \
    X(cuCtxSynchronize, , _none, SYNCHRONISATION, (void), (), NO_DIRECTION, 0) \
    X(cuCtxSynchronize_v2, , _none, SYNCHRONISATION, (CUcontext context), (context), NO_DIRECTION, 0) \
    X(cuEventSynchronize, , _none, SYNCHRONISATION, (CUevent e), (e), NO_DIRECTION, 0) \
    X(cuLaunchKernel, , _ptsz, LAUNCH, LAUNCH_PARAMETERS, \
      (f, gx, gy, gz, bx, by, bz, shared, s, parameters, extra), NO_DIRECTION, 0) \
    X(cuLaunchKernelEx, , _ptsz, LAUNCH, (const void *config, CUfunction f, void **parameters, void **extra), \
      (config, f, parameters, extra), NO_DIRECTION, 0) \
    X(cuLaunchCooperativeKernel, , _ptsz, LAUNCH, COOPERATIVE_PARAMETERS, \
      (f, gx, gy, gz, bx, by, bz, shared, s, parameters), NO_DIRECTION, 0) \
    X(cuLaunchHostFunc, , _ptsz, LAUNCH, (CUstream s, void (*function)(void *), void *data), (s, function, data), \
      NO_DIRECTION, 0) \
    X(cuGraphLaunch, , _ptsz, LAUNCH, (void *graph, CUstream s), (graph, s), NO_DIRECTION, 0) \
    X(cuStreamQuery, , _ptsz, QUERY, (CUstream s), (s), NO_DIRECTION, 0) \
    X(cuEventQuery, , _none, QUERY, (CUevent e), (e), NO_DIRECTION, 0) \
    X(cuEventRecord, , _ptsz, EVENT, (CUevent e, CUstream s), (e, s), NO_DIRECTION, 0) \
    X(cuEventRecordWithFlags, , _ptsz, EVENT, (CUevent e, CUstream s, unsigned flags), (e, s, flags), NO_DIRECTION, 0) \
    X(cuStreamWaitEvent, , _ptsz, EVENT, (CUstream s, CUevent e, unsigned flags), (s, e, flags), NO_DIRECTION, 0)

#define X(name, ...) CALL_##name,
enum call { CALLS(X) CALL_COUNT };
#undef X

#endif
