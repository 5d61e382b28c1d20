//! The frame that a kernel writes and the tensor that it is made of: what packing has in common.

use rave_core::pixels::PackConstants;
use rave_core::{ChromaSiting, ElementType, Error, PixelFormat, Rect, Result, Size, Status, TensorShape};

use super::layout::{self, Storage};
use super::params::{DITHER, FRAME_ALIGNED, PackParams, TENSOR_ALIGNED};
use super::{check_picture, check_tensor, checked_shape};
use crate::{FrameOnDevice, TensorOnDevice};

/// What is fixed for a geometry.
#[derive(Clone, Debug)]
pub(super) struct PackTarget {
    pub(super) format: PixelFormat,
    pub(super) storage: Storage,
    pub(super) size: Size,
    pub(super) element: ElementType,
    pub(super) tensor: TensorShape,
    dither: bool,
}

impl PackTarget {
    pub(super) fn new(
        format: PixelFormat,
        size: Size,
        element: ElementType,
        channels: u32,
        tensor: Size,
        dither: bool,
    ) -> Result<Self> {
        let storage = Storage::of(format)?;
        let tensor = checked_shape("frame", size, channels, tensor)?;
        Ok(PackTarget {
            format,
            storage,
            size,
            element,
            tensor,
            dither: dither && format.layout().depth == 8,
        })
    }

    /// The end of a kernel's name: `semi_planar_420_8_f16` and so on.
    pub(super) fn kernel(&self) -> String {
        let stored = self.storage.kernel(&self.format.layout());
        format!("{stored}_{}", layout::element_suffix(self.element))
    }

    /// `non_finite` is the counter's address, or 0.
    pub(super) fn params(
        &self,
        tensor: &TensorOnDevice,
        constants: &PackConstants,
        siting: ChromaSiting,
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
            half_steps_x: siting.horizontal_half_steps(),
            half_steps_y: siting.vertical_half_steps(),
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
