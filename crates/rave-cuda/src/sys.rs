//! The driver's functions as they are, loaded at run time. Nothing is checked here.
//!
//! The handle types and the search for the library are cudarc's. Its functions are not used: they return a Rust enum,
//! which a newer driver's error number would make invalid, and they panic on a symbol that is missing. Here an error is
//! a number ([`CUresult`]) and all symbols are found before the first call.

#![allow(non_camel_case_types, reason = "the driver's names")]
#![allow(non_snake_case, reason = "the driver's names")]

use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};

pub(crate) use cudarc::driver::sys::{
    CUDA_KERNEL_NODE_PARAMS_v2_st as CUDA_KERNEL_NODE_PARAMS_v2, CUDA_MEMCPY2D_v2, CUcontext, CUdevice,
    CUdeviceptr, CUevent, CUfunction, CUgraph, CUgraphExec, CUgraphNode, CUmemorytype, CUmodule, CUstream,
};

/// What every driver function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct CUresult(pub(crate) i32);

impl CUresult {
    pub(crate) const SUCCESS: CUresult = CUresult(0);
    pub(crate) const OUT_OF_MEMORY: CUresult = CUresult(2);
    pub(crate) const NOT_READY: CUresult = CUresult(600);
    pub(crate) const GRAPH_EXEC_UPDATE_FAILURE: CUresult = CUresult(910);
}

/// `CUgraphExecUpdateResultInfo`, its enum as a number.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct GraphExecUpdateResultInfo {
    pub(crate) result: c_int,
    pub(crate) error_node: CUgraphNode,
    pub(crate) error_from_node: CUgraphNode,
}

/// `CU_CTX_SCHED_BLOCKING_SYNC`, as FFmpeg makes its contexts.
pub(crate) const CTX_SCHED_BLOCKING_SYNC: c_uint = 4;
/// `CU_STREAM_NON_BLOCKING`: no implicit order with the legacy default stream.
pub(crate) const STREAM_NON_BLOCKING: c_uint = 1;
/// `CU_MEMHOSTALLOC_DEVICEMAP`: the device may access the memory.
pub(crate) const HOST_ALLOC_DEVICE_MAP: c_uint = 2;
/// `CU_EVENT_DEFAULT`.
pub(crate) const EVENT_TIMING: c_uint = 0;
/// `CU_EVENT_DISABLE_TIMING`: cheaper, for ordering only.
pub(crate) const EVENT_DISABLE_TIMING: c_uint = 2;
/// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`: other threads may go on allocating while this one captures.
pub(crate) const CAPTURE_THREAD_LOCAL: c_int = 1;
/// `CU_STREAM_CAPTURE_STATUS_ACTIVE`.
pub(crate) const CAPTURE_ACTIVE: c_int = 1;
/// `CU_JIT_ERROR_LOG_BUFFER` and `CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES`.
pub(crate) const JIT_ERROR_LOG: [c_int; 2] = [5, 6];

/// `CUdevice_attribute` numbers.
pub(crate) mod attribute {
    pub(crate) const TEXTURE_ALIGNMENT: i32 = 14;
    pub(crate) const MULTIPROCESSOR_COUNT: i32 = 16;
    pub(crate) const L2_CACHE_SIZE: i32 = 38;
    pub(crate) const COMPUTE_CAPABILITY_MAJOR: i32 = 75;
    pub(crate) const COMPUTE_CAPABILITY_MINOR: i32 = 76;
}

/// Why [`Driver::load`] failed.
pub(crate) enum LoadError {
    /// No libcuda could be opened.
    NoLibrary,
    /// The library lacks a function.
    NoSymbol(&'static str),
}

macro_rules! driver {
    ($($name:ident($($argument:ty),*);)*) => {
        /// The functions that are used, under the names that the library exports.
        pub(crate) struct Driver {
            $(pub(crate) $name: unsafe extern "C" fn($($argument),*) -> CUresult,)*
        }

        impl Driver {
            /// Opens the driver library and finds every function.
            pub(crate) fn load() -> Result<Self, LoadError> {
                // SAFETY: opening runs the library's initialisers; it is the system's CUDA driver, found by its
                // well-known name, and they have no preconditions.
                if !unsafe { cudarc::driver::sys::is_culib_present() } {
                    return Err(LoadError::NoLibrary);
                }
                // SAFETY: as above. It panics when there is no library, which was just excluded.
                let library = unsafe { cudarc::driver::sys::culib() };
                Ok(Driver {
                    $($name: {
                        let symbol = concat!(stringify!($name), "\0");
                        type Function = unsafe extern "C" fn($($argument),*) -> CUresult;
                        // SAFETY: the signature is that of cuda.h for this exported (versioned) name. The pointer
                        // stays valid because cudarc never closes the library.
                        match unsafe { library.get::<Function>(symbol.as_bytes()) } {
                            Ok(function) => *function,
                            Err(_) => return Err(LoadError::NoSymbol(stringify!($name))),
                        }
                    },)*
                })
            }
        }
    };
}

driver! {
    cuInit(c_uint);
    cuDriverGetVersion(*mut c_int);
    cuGetErrorName(CUresult, *mut *const c_char);
    cuGetErrorString(CUresult, *mut *const c_char);
    cuDeviceGetCount(*mut c_int);
    cuDeviceGet(*mut CUdevice, c_int);
    cuDeviceGetName(*mut c_char, c_int, CUdevice);
    cuDeviceGetAttribute(*mut c_int, c_int, CUdevice);
    cuDeviceTotalMem_v2(*mut usize, CUdevice);
    cuCtxCreate_v2(*mut CUcontext, c_uint, CUdevice);
    cuCtxDestroy_v2(CUcontext);
    cuCtxPushCurrent_v2(CUcontext);
    cuCtxPopCurrent_v2(*mut CUcontext);
    cuCtxGetDevice(*mut CUdevice);
    cuMemGetInfo_v2(*mut usize, *mut usize);
    cuMemAlloc_v2(*mut CUdeviceptr, usize);
    cuMemFree_v2(CUdeviceptr);
    cuMemHostAlloc(*mut *mut c_void, usize, c_uint);
    cuMemHostGetDevicePointer_v2(*mut CUdeviceptr, *mut c_void, c_uint);
    cuMemFreeHost(*mut c_void);
    cuMemcpyHtoDAsync_v2(CUdeviceptr, *const c_void, usize, CUstream);
    cuMemcpyDtoHAsync_v2(*mut c_void, CUdeviceptr, usize, CUstream);
    cuMemcpy2DAsync_v2(*const CUDA_MEMCPY2D_v2, CUstream);
    cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, usize, CUstream);
    cuMemsetD8Async(CUdeviceptr, u8, usize, CUstream);
    cuStreamCreate(*mut CUstream, c_uint);
    cuStreamDestroy_v2(CUstream);
    cuStreamSynchronize(CUstream);
    cuStreamQuery(CUstream);
    cuStreamWaitEvent(CUstream, CUevent, c_uint);
    cuEventCreate(*mut CUevent, c_uint);
    cuEventDestroy_v2(CUevent);
    cuEventRecord(CUevent, CUstream);
    cuEventQuery(CUevent);
    cuEventSynchronize(CUevent);
    cuEventElapsedTime(*mut f32, CUevent, CUevent);
    cuModuleLoadDataEx(*mut CUmodule, *const c_void, c_uint, *mut c_int, *mut *mut c_void);
    cuModuleUnload(CUmodule);
    cuModuleGetFunction(*mut CUfunction, CUmodule, *const c_char);
    cuLaunchKernel(
        CUfunction, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, CUstream, *mut *mut c_void,
        *mut *mut c_void
    );
    cuStreamBeginCapture_v2(CUstream, c_int);
    cuStreamEndCapture(CUstream, *mut CUgraph);
    cuStreamIsCapturing(CUstream, *mut c_int);
    cuStreamGetCaptureInfo_v2(
        CUstream, *mut c_int, *mut u64, *mut CUgraph, *mut *const CUgraphNode, *mut usize
    );
    cuGraphInstantiateWithFlags(*mut CUgraphExec, CUgraph, c_ulonglong);
    cuGraphExecUpdate_v2(CUgraphExec, CUgraph, *mut GraphExecUpdateResultInfo);
    cuGraphExecKernelNodeSetParams_v2(CUgraphExec, CUgraphNode, *const CUDA_KERNEL_NODE_PARAMS_v2);
    cuGraphLaunch(CUgraphExec, CUstream);
    cuGraphExecDestroy(CUgraphExec);
    cuGraphDestroy(CUgraph);
}
