/* The two handle types that TensorRT's headers need from the CUDA runtime, so that compiling the shim needs no CUDA
 * toolkit. The driver API's CUstream and CUevent are the same pointers. */
#ifndef RAVE_STUB_CUDA_RUNTIME_API_H
#define RAVE_STUB_CUDA_RUNTIME_API_H

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;

#endif
