//! Kernels: loading their image and launching them.

use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use rave_core::{Error, Result, Status};

use crate::sys::{self, CUDA_KERNEL_NODE_PARAMS_v2, CUfunction, CUmodule, CUresult};
use crate::{Device, ExecutableGraph, GraphNode, Stream};

/// A loaded image: PTX, which the driver has compiled for the GPU, or machine code.
#[derive(Debug)]
pub(crate) struct Module {
    device: Device,
    handle: CUmodule,
}

// SAFETY: a CUmodule is a handle that the driver lets any thread use, also several at once.
unsafe impl Send for Module {}
// SAFETY: as for Send.
unsafe impl Sync for Module {}

impl Module {
    /// Loads `image`, PTX that ends with a NUL byte or a fat binary; `name` is for the error.
    ///
    /// # Errors
    /// [`Status::KernelLaunchFailed`] with the compiler's log when the GPU or the driver cannot use it,
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    ///
    /// # Safety
    /// `image` is a complete image as a CUDA compiler wrote it; it becomes code that runs on the device.
    pub(crate) unsafe fn load(device: &Device, name: &str, image: &[u8]) -> Result<Arc<Self>> {
        let bound = device.bind()?;
        let mut handle = ptr::null_mut();
        let mut log = [0u8; 2048];
        let mut options: [c_int; 2] = sys::JIT_ERROR_LOG;
        // The driver takes the size as a pointer's value and writes the length back in its place.
        let mut values: [*mut c_void; 2] = [log.as_mut_ptr().cast(), ptr::without_provenance_mut(log.len())];
        // SAFETY: the image by the contract; two options and two values are passed as their count says, the log's size
        // is that of `log`, and everything outlives the call.
        let result = unsafe {
            (bound.driver.cuModuleLoadDataEx)(
                &mut handle,
                image.as_ptr().cast(),
                2,
                options.as_mut_ptr(),
                values.as_mut_ptr(),
            )
        };
        if result != CUresult::SUCCESS {
            let log = log.split(|&byte| byte == 0).next().unwrap_or_default();
            let log = String::from_utf8_lossy(log);
            let error = bound.driver.error("cuModuleLoadData", result).context(format!("kernels `{name}`"));
            return Err(match log.trim() {
                "" => error,
                log => error.context(format!("the driver's compiler says: {log}")),
            });
        }
        drop(bound);
        Ok(Arc::new(Module { device: device.clone(), handle }))
    }

    /// The kernel `name`.
    ///
    /// # Errors
    /// [`Status::KernelLaunchFailed`] when the image has none of this name.
    pub(crate) fn kernel(self: &Arc<Self>, name: &str) -> Result<Kernel> {
        let symbol = CString::new(name)
            .map_err(|_| Error::new(Status::InvalidParameter, "a kernel name with a NUL byte"))?;
        let bound = self.device.bind()?;
        let mut function = ptr::null_mut();
        // SAFETY: the module is live, `symbol` is NUL-terminated, both locals outlive the call.
        let result =
            unsafe { (bound.driver.cuModuleGetFunction)(&mut function, self.handle, symbol.as_ptr()) };
        bound
            .check("cuModuleGetFunction", result)
            .map_err(|error| error.context(format!("kernel `{name}`")))?;
        drop(bound);
        Ok(Kernel { module: Arc::clone(self), function })
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and no `Kernel` is left, for each holds the module. cuModuleUnload waits for
        // kernels that still run.
        self.device.destroy("cuModuleUnload", |driver| unsafe { (driver.cuModuleUnload)(self.handle) });
    }
}

/// The extents of a launch: blocks in x and y, threads of a block in x and y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaunchDims {
    pub(crate) grid: (u32, u32),
    pub(crate) block: (u32, u32),
}

/// One kernel of a module, which takes a single struct by value.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    module: Arc<Module>,
    function: CUfunction,
}

// SAFETY: a CUfunction is a handle that the driver lets any thread launch, also several at once; the module keeps it
// alive.
unsafe impl Send for Kernel {}
// SAFETY: as for Send.
unsafe impl Sync for Kernel {}

impl Kernel {
    /// Enqueues a launch. The driver copies `params` before this returns.
    ///
    /// # Errors
    /// [`Status::KernelLaunchFailed`], [`Status::InvalidParameter`] when the stream belongs to another context,
    /// [`Status::DeviceLost`].
    ///
    /// # Safety
    /// `P` is the kernel's parameter struct (same layout), and every address in `params` may be used as the kernel uses
    /// it until the work is done.
    pub(crate) unsafe fn launch<P: Copy>(&self, stream: &Stream, dims: LaunchDims, params: &P) -> Result<()> {
        if !self.module.device.is_same(stream.device()) {
            return Err(Error::new(
                Status::InvalidParameter,
                "a kernel loaded in one CUDA context launched on a stream of another",
            ));
        }
        let bound = self.module.device.bind()?;
        let mut arguments = [ptr::from_ref(params).cast_mut().cast::<c_void>()];
        // SAFETY: the function is live (the module is held) and takes one argument of P's layout, by the contract; the
        // array holds that one pointer and is not written to. Static shared memory only, hence 0 bytes more.
        let result = unsafe {
            (bound.driver.cuLaunchKernel)(
                self.function,
                dims.grid.0,
                dims.grid.1,
                1,
                dims.block.0,
                dims.block.1,
                1,
                0,
                stream.handle(),
                arguments.as_mut_ptr(),
                ptr::null_mut(),
            )
        };
        bound.check("cuLaunchKernel", result)
    }

    /// Records a launch on a stream that is being captured; what it became in the graph.
    ///
    /// # Errors
    /// As [`Kernel::launch`]; [`Status::InvalidParameter`] when the stream is not being captured.
    ///
    /// # Safety
    /// As [`Kernel::launch`], for every launch of the graph.
    pub(crate) unsafe fn capture<P: Copy>(
        &self,
        stream: &Stream,
        dims: LaunchDims,
        params: &P,
    ) -> Result<GraphNode> {
        // SAFETY: by the contract.
        stream.recorded_node(|| unsafe { self.launch(stream, dims, params) })
    }

    /// Has later launches of `graph` run this kernel, with `params`, where `node` was recorded. The driver copies `params`
    /// before this returns. Nothing is allocated.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when `node` belongs to another graph, or the graph to another context;
    /// [`Status::DeviceLost`].
    ///
    /// # Safety
    /// As [`Kernel::launch`], for every later launch of the graph.
    pub(crate) unsafe fn update<P: Copy>(
        &self,
        graph: &mut ExecutableGraph,
        node: GraphNode,
        dims: LaunchDims,
        params: &P,
    ) -> Result<()> {
        let mut arguments = [ptr::from_ref(params).cast_mut().cast::<c_void>()];
        let params = CUDA_KERNEL_NODE_PARAMS_v2 {
            func: self.function,
            gridDimX: dims.grid.0,
            gridDimY: dims.grid.1,
            gridDimZ: 1,
            blockDimX: dims.block.0,
            blockDimY: dims.block.1,
            blockDimZ: 1,
            sharedMemBytes: 0,
            kernelParams: arguments.as_mut_ptr(),
            extra: ptr::null_mut(),
            // Both are ignored beside `func`.
            kern: ptr::null_mut(),
            ctx: ptr::null_mut(),
        };
        // SAFETY: the function is live (the module is held) and takes one argument of P's layout, by the contract; the
        // array holds that one pointer, and both outlive the call.
        unsafe { graph.set_kernel_params(node, &self.module.device, &params) }
    }
}
