//! A tensor to a frame.

use rave_core::pixels::PackConstants;
use rave_core::{Colorimetry, ElementType, PixelFormat, Result, Size, TensorShape, ValueRange};

use super::layout::Storage;
use super::non_finite::NonFiniteCounter;
use super::params::PackParams;
use super::target::PackTarget;
use super::{PixelKernels, launch_dims};
use crate::module::{Kernel, LaunchDims};
use crate::{ExecutableGraph, FrameOnDevice, GraphNode, Stream, TensorOnDevice};

/// Rows and warps of a block where chroma has every row, as `ROW_WARPS` in `kernels/pack.cu`.
const ROW_WARPS: u32 = 8;
/// Rows of a block where chroma rows are halved, as `TILE_ROWS` in `kernels/pack.cu`.
const TILE_ROWS: u32 = 16;
/// Warps of such a block, as `TILE_WARPS` in `kernels/pack.cu`.
const TILE_WARPS: u32 = 10;

/// Turns NCHW tensors on the device into frames, as [`rave_core::pixels::Pack`] does on the host: matrix, chroma
/// downsampling, rounding or dither, clamping and packing in one launch.
#[derive(Clone, Debug)]
pub struct PackKernel {
    plan: PackPlan,
    kernel: Kernel,
}

/// What is fixed for a geometry: which kernel, over which grid, and the parameters that follow.
#[derive(Clone, Debug)]
pub(super) struct PackPlan {
    pub(super) kernel: String,
    pub(super) dims: LaunchDims,
    target: PackTarget,
}

impl PackKernel {
    /// Prepares for frames of `format` and `size`, and `element` tensors of three channels (R, G, B) of size `tensor`,
    /// of which what is on the right and at the bottom of the frame is not read. `dither` has an effect on formats of 8
    /// bits only.
    ///
    /// # Errors
    /// [`UnsupportedFormat`](rave_core::Status::UnsupportedFormat) for a format that CUDA frames do not have,
    /// [`InvalidParameter`](rave_core::Status::InvalidParameter) when a size is impossible or the tensor is smaller than
    /// the frame.
    pub fn new(
        kernels: &PixelKernels,
        format: PixelFormat,
        size: Size,
        element: ElementType,
        tensor: Size,
        dither: bool,
    ) -> Result<Self> {
        let plan = PackPlan::new(format, size, element, tensor, dither)?;
        let kernel = kernels.pack.kernel(&plan.kernel)?;
        Ok(PackKernel { plan, kernel })
    }

    /// The shape of the tensor that [`PackKernel::launch`] reads.
    #[must_use]
    pub fn tensor(&self) -> TensorShape {
        self.plan.target.tensor
    }

    /// Enqueues writing `frame` from `tensor`, in which `white` is 1.0 of signal; `color` says how the frame is to be
    /// read. Elements that are NaN or infinite are counted in `non_finite`; the frame's content is then undefined.
    /// Nothing is allocated.
    ///
    /// # Errors
    /// [`InvalidParameter`](rave_core::Status::InvalidParameter) when the frame or the tensor is not what
    /// [`PackKernel::new`] was told, or the frame is cropped;
    /// [`KernelLaunchFailed`](rave_core::Status::KernelLaunchFailed), [`DeviceLost`](rave_core::Status::DeviceLost).
    pub fn launch(
        &self,
        stream: &Stream,
        tensor: &TensorOnDevice,
        white: ValueRange,
        color: Colorimetry,
        frame: &FrameOnDevice,
        non_finite: Option<&NonFiniteCounter>,
    ) -> Result<()> {
        let counter = non_finite.map_or(0, NonFiniteCounter::address);
        let params = self.plan.params(tensor, white, color, frame, counter)?;
        // SAFETY: the kernel takes PackParams, whose layout both sides assert. It reads the tensor's elements, writes the
        // frame's samples and adds to the counter; frame and tensor may be used until the work is done by the contracts
        // of `FrameOnDevice::new` and `TensorOnDevice::new`, the counter's memory is freed only after the device is done
        // with it, and the shapes were checked against the launch above.
        unsafe { self.kernel.launch(stream, self.plan.dims, &params) }
    }

    /// As [`PackKernel::launch`], inside [`Stream::capture`]: what the launch became in the graph, for
    /// [`PackKernel::update`]. The counter must live as long as the graph uses it.
    ///
    /// # Errors
    /// As [`PackKernel::launch`]; [`Status::InvalidParameter`](rave_core::Status::InvalidParameter) when the stream is not being captured.
    pub fn capture(
        &self,
        stream: &Stream,
        tensor: &TensorOnDevice,
        white: ValueRange,
        color: Colorimetry,
        frame: &FrameOnDevice,
        non_finite: Option<&NonFiniteCounter>,
    ) -> Result<GraphNode> {
        let counter = non_finite.map_or(0, NonFiniteCounter::address);
        let params = self.plan.params(tensor, white, color, frame, counter)?;
        // SAFETY: as in `launch`; whoever launches the graph promises that the addresses are valid then.
        unsafe { self.kernel.capture(stream, self.plan.dims, &params) }
    }

    /// Has the launches of `graph` from now on write `frame` from `tensor` where `node` was recorded, with the arguments
    /// of [`PackKernel::launch`]. Launches that are enqueued or running keep theirs. Nothing is allocated.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](rave_core::Status::InvalidParameter) when the frame or the tensor is not what
    /// [`PackKernel::new`] was told, the frame is
    /// cropped, or `node` was recorded in another graph; [`Status::DeviceLost`](rave_core::Status::DeviceLost).
    #[allow(clippy::too_many_arguments, reason = "where, and the arguments of `launch`")]
    pub fn update(
        &self,
        graph: &mut ExecutableGraph,
        node: GraphNode,
        tensor: &TensorOnDevice,
        white: ValueRange,
        color: Colorimetry,
        frame: &FrameOnDevice,
        non_finite: Option<&NonFiniteCounter>,
    ) -> Result<()> {
        let counter = non_finite.map_or(0, NonFiniteCounter::address);
        let params = self.plan.params(tensor, white, color, frame, counter)?;
        // SAFETY: as in `capture`.
        unsafe { self.kernel.update(graph, node, self.plan.dims, &params) }
    }
}

impl PackPlan {
    pub(super) fn new(
        format: PixelFormat,
        size: Size,
        element: ElementType,
        tensor: Size,
        dither: bool,
    ) -> Result<Self> {
        let target = PackTarget::new(format, size, element, 3, tensor, dither)?;
        let dims = match target.storage {
            Storage::Yuv { halved_rows: true, .. } => launch_dims(size, TILE_ROWS, TILE_WARPS),
            _ => launch_dims(size, ROW_WARPS, ROW_WARPS),
        };
        Ok(PackPlan { kernel: format!("pack_{}", target.kernel()), dims, target })
    }

    /// `non_finite` is the counter's address, or 0.
    pub(super) fn params(
        &self,
        tensor: &TensorOnDevice,
        white: ValueRange,
        color: Colorimetry,
        frame: &FrameOnDevice,
        non_finite: u64,
    ) -> Result<PackParams> {
        let constants = PackConstants::new(self.target.format, self.target.size, color, white);
        self.target.params(tensor, &constants, color.siting, frame, non_finite)
    }
}
