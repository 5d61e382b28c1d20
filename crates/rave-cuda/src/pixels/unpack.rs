//! A frame to a tensor.

use rave_core::pixels::UnpackConstants;
use rave_core::{
    Colorimetry, ElementType, Error, PixelFormat, Result, Size, Status, TensorShape, ValueRange,
};

use super::layout::{self, Storage};
use super::params::{FRAME_ALIGNED, TENSOR_ALIGNED, UnpackParams};
use super::{PixelKernels, check_picture, check_tensor, checked_shape, launch_dims};
use crate::module::{Kernel, LaunchDims};
use crate::{ExecutableGraph, FrameOnDevice, GraphNode, Stream, TensorOnDevice};

/// Rows and warps of a block, as `BLOCK_ROWS` in `kernels/unpack.cu`.
const BLOCK_ROWS: u32 = 8;

/// Turns the visible part of frames on the device into NCHW tensors, as [`rave_core::pixels::Unpack`] does on the host:
/// crop, chroma upsampling, matrix, range, normalisation and padding in one launch.
#[derive(Clone, Debug)]
pub struct UnpackKernel {
    plan: UnpackPlan,
    kernel: Kernel,
}

/// What is fixed for a geometry: which kernel, over which grid, and the parameters that follow.
#[derive(Clone, Debug)]
pub(super) struct UnpackPlan {
    pub(super) kernel: String,
    pub(super) dims: LaunchDims,
    format: PixelFormat,
    storage: Storage,
    visible: Size,
    element: ElementType,
    tensor: TensorShape,
}

impl UnpackKernel {
    /// Prepares for frames of `format` whose visible part is `visible`, and `element` tensors of `channels` (3: R, G, B;
    /// 1: luma) planes of size `tensor`. Tensors larger than the visible part are padded with copies of the last column
    /// and row.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a format that CUDA frames do not have, [`Status::InvalidParameter`] when a size
    /// is impossible, the tensor is smaller than the visible part or `channels` is neither 1 nor 3.
    pub fn new(
        kernels: &PixelKernels,
        format: PixelFormat,
        visible: Size,
        element: ElementType,
        channels: u32,
        tensor: Size,
    ) -> Result<Self> {
        let plan = UnpackPlan::new(format, visible, element, channels, tensor)?;
        let kernel = kernels.unpack.kernel(&plan.kernel)?;
        Ok(UnpackKernel { plan, kernel })
    }

    /// The shape of the tensor that [`UnpackKernel::launch`] fills.
    #[must_use]
    pub fn tensor(&self) -> TensorShape {
        self.plan.tensor
    }

    /// Enqueues filling `tensor` from `frame`. `color` says how to read the frame, `white` what 1.0 of signal is in the
    /// tensor. Nothing is allocated.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the frame or the tensor is not what [`UnpackKernel::new`] was told,
    /// [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
    pub fn launch(
        &self,
        stream: &Stream,
        frame: &FrameOnDevice,
        color: Colorimetry,
        white: ValueRange,
        tensor: &TensorOnDevice,
    ) -> Result<()> {
        let params = self.plan.params(frame, color, white, tensor)?;
        // SAFETY: the kernel takes UnpackParams, whose layout both sides assert. It reads the frame's visible rows and
        // writes the tensor's elements and nothing else; both may be used until the work is done by the contracts of
        // `FrameOnDevice::new` and `TensorOnDevice::new`, and their shapes were checked against the launch above.
        unsafe { self.kernel.launch(stream, self.plan.dims, &params) }
    }

    /// As [`UnpackKernel::launch`], inside [`Stream::capture`]: what the launch became in the graph, for
    /// [`UnpackKernel::update`].
    ///
    /// # Errors
    /// As [`UnpackKernel::launch`]; [`Status::InvalidParameter`] when the stream is not being captured.
    pub fn capture(
        &self,
        stream: &Stream,
        frame: &FrameOnDevice,
        color: Colorimetry,
        white: ValueRange,
        tensor: &TensorOnDevice,
    ) -> Result<GraphNode> {
        let params = self.plan.params(frame, color, white, tensor)?;
        // SAFETY: as in `launch`; whoever launches the graph promises that the addresses are valid then.
        unsafe { self.kernel.capture(stream, self.plan.dims, &params) }
    }

    /// Has the launches of `graph` from now on fill `tensor` from `frame` where `node` was recorded, with the arguments of
    /// [`UnpackKernel::launch`]. Launches that are enqueued or running keep theirs. Nothing is allocated.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the frame or the tensor is not what [`UnpackKernel::new`] was told or `node` was
    /// recorded in another graph; [`Status::DeviceLost`].
    pub fn update(
        &self,
        graph: &mut ExecutableGraph,
        node: GraphNode,
        frame: &FrameOnDevice,
        color: Colorimetry,
        white: ValueRange,
        tensor: &TensorOnDevice,
    ) -> Result<()> {
        let params = self.plan.params(frame, color, white, tensor)?;
        // SAFETY: as in `capture`.
        unsafe { self.kernel.update(graph, node, self.plan.dims, &params) }
    }
}

impl UnpackPlan {
    pub(super) fn new(
        format: PixelFormat,
        visible: Size,
        element: ElementType,
        channels: u32,
        tensor: Size,
    ) -> Result<Self> {
        let storage = Storage::of(format)?;
        let tensor = checked_shape("visible part", visible, channels, tensor)?;
        let layout = format.layout();
        let stored = match (channels, storage) {
            (3, _) => storage.kernel(&layout),
            (1, Storage::Yuv { .. }) => format!("luma_{}", 8 * layout.sample_bytes),
            (1, Storage::Packed) => "packed_luma_8".into(),
            _ => {
                return Err(Error::new(Status::InvalidParameter, format!("a tensor of {channels} channels"))
                    .expected("3 (RGB) or 1 (luma)"));
            }
        };
        let kernel = format!("unpack_{stored}_{}", layout::element_suffix(element));
        Ok(UnpackPlan {
            kernel,
            format,
            storage,
            visible,
            element,
            tensor,
            dims: launch_dims(tensor.size, BLOCK_ROWS, BLOCK_ROWS),
        })
    }

    pub(super) fn params(
        &self,
        frame: &FrameOnDevice,
        color: Colorimetry,
        white: ValueRange,
        tensor: &TensorOnDevice,
    ) -> Result<UnpackParams> {
        let visible = frame.visible();
        check_picture("frame", (frame.format(), visible.size), (self.format, self.visible))?;
        check_tensor(tensor, self.element, self.tensor)?;

        let layout = self.format.layout();
        let constants = UnpackConstants::new(self.format, color, white);
        let mut flags = 0;
        if layout::frame_is_aligned(frame, self.storage) {
            flags |= FRAME_ALIGNED;
        }
        if layout::tensor_is_aligned(tensor) {
            flags |= TENSOR_ALIGNED;
        }
        Ok(UnpackParams {
            plane: frame.planes().map(|plane| plane.address),
            tensor: tensor.address(),
            pitch: frame.planes().map(|plane| plane.pitch as u32),
            flags,
            crop_x: visible.x as i32,
            crop_y: visible.y as i32,
            visible_width: visible.size.width as i32,
            visible_height: visible.size.height as i32,
            tensor_width: self.tensor.size.width as i32,
            tensor_height: self.tensor.size.height as i32,
            shift: layout.shift,
            byte: layout::bytes(&layout),
            luma_offset: constants.luma_offset,
            luma_scale: constants.luma_scale,
            chroma_offset: constants.chroma_offset,
            r_cr: constants.r_cr,
            g_cb: constants.g_cb,
            g_cr: constants.g_cr,
            b_cb: constants.b_cb,
            weights: constants.weights,
            horizontal: constants.horizontal,
            vertical: constants.vertical,
        })
    }
}
