//! A tensor to a frame.

use rave_core::pixels::PackConstants;
use rave_core::{
    Colorimetry, ElementType, Error, PixelFormat, Rect, Result, Size, Status, TensorShape, ValueRange,
};

use super::layout::{self, Storage};
use super::non_finite::NonFiniteCounter;
use super::params::{DITHER, FRAME_ALIGNED, PackParams, TENSOR_ALIGNED};
use super::{PixelKernels, check_picture, check_tensor, checked_shape, launch_dims};
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
    format: PixelFormat,
    storage: Storage,
    size: Size,
    element: ElementType,
    tensor: TensorShape,
    dither: bool,
}

impl PackKernel {
    /// Prepares for frames of `format` and `size`, and `element` tensors of three channels (R, G, B) of size `tensor`,
    /// of which what is on the right and at the bottom of the frame is not read. `dither` has an effect on formats of 8
    /// bits only.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a format that CUDA frames do not have, [`Status::InvalidParameter`] when a size
    /// is impossible or the tensor is smaller than the frame.
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
        self.plan.tensor
    }

    /// Enqueues writing `frame` from `tensor`, in which `white` is 1.0 of signal; `color` says how the frame is to be
    /// read. Elements that are NaN or infinite are counted in `non_finite`; the frame's content is then undefined.
    /// Nothing is allocated.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the frame or the tensor is not what [`PackKernel::new`] was told, or the frame
    /// is cropped; [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
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
    /// As [`PackKernel::launch`]; [`Status::InvalidParameter`] when the stream is not being captured.
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
    /// [`Status::InvalidParameter`] when the frame or the tensor is not what [`PackKernel::new`] was told, the frame is
    /// cropped, or `node` was recorded in another graph; [`Status::DeviceLost`].
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
        let storage = Storage::of(format)?;
        let tensor = checked_shape("frame", size, 3, tensor)?;
        let layout = format.layout();
        let kernel = format!("pack_{}_{}", storage.kernel(&layout), layout::element_suffix(element));
        let dims = match storage {
            Storage::Yuv { halved_rows: true, .. } => launch_dims(size, TILE_ROWS, TILE_WARPS),
            _ => launch_dims(size, ROW_WARPS, ROW_WARPS),
        };
        Ok(PackPlan {
            kernel,
            format,
            storage,
            size,
            element,
            tensor,
            dither: dither && layout.depth == 8,
            dims,
        })
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
        check_picture("output frame", (frame.format(), frame.size()), (self.format, self.size))?;
        check_tensor(tensor, self.element, self.tensor)?;
        if frame.visible() != Rect::of(frame.size()) {
            return Err(Error::new(Status::InvalidParameter, "a cropped output frame")
                .expected("a frame that is visible as a whole"));
        }

        let layout = self.format.layout();
        let constants = PackConstants::new(self.format, self.size, color, white);
        let mut flags = if self.dither { DITHER } else { 0 };
        if layout::frame_is_aligned(frame, self.storage) {
            flags |= FRAME_ALIGNED;
        }
        if layout::tensor_is_aligned(tensor) {
            flags |= TENSOR_ALIGNED;
        }
        let (near_x, far_x) = constants.extrapolate_x.unwrap_or((1.0, 0.0));
        let (near_y, far_y) = constants.extrapolate_y.unwrap_or((1.0, 0.0));
        Ok(PackParams {
            tensor: tensor.address(),
            plane: frame.planes().map(|plane| plane.address),
            non_finite,
            pitch: frame.planes().map(|plane| plane.pitch as u32),
            flags,
            width: self.size.width as i32,
            height: self.size.height as i32,
            tensor_width: self.tensor.size.width as i32,
            tensor_height: self.tensor.size.height as i32,
            shift: layout.shift,
            byte: layout::bytes(&layout),
            weights: constants.weights,
            luma_scale: constants.luma_scale,
            luma_offset: constants.luma_offset,
            cb_scale: constants.cb_scale,
            cr_scale: constants.cr_scale,
            chroma_offset: constants.chroma_offset,
            max_code: constants.max_code,
            half_steps_x: color.siting.horizontal_half_steps(),
            half_steps_y: color.siting.vertical_half_steps(),
            extrapolate_x: u32::from(constants.extrapolate_x.is_some()),
            extrapolate_y: u32::from(constants.extrapolate_y.is_some()),
            near_x,
            far_x,
            near_y,
            far_y,
            reserved: 0,
        })
    }
}
