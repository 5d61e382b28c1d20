//! What the launches of luma packing are made of, without a device.

use rave_core::pixels::{ChromaConstants, ChromaScaler, LumaToRgbConstants, PackConstants};
use rave_core::{ChromaSiting, Error, PixelFormat, Rect, Result, Size, Status};

use super::layout::{self, Storage};
use super::luma::{LumaFrame, LumaGeometry};
use super::params::{FRAME_ALIGNED, PackLumaParams, PackLumaWholeParams, ScaleChromaParams};
use super::taps::{AxisTaps, Taps, WHOLE_BLOCK};
use super::target::PackTarget;
use super::{check_picture, launch_dims};
use crate::module::LaunchDims;

/// Warps of a block, as `BLOCK_WARPS` in `kernels/scale_chroma.cu` and `kernels/pack_luma.cu`.
const BLOCK_WARPS: u32 = 8;
/// Columns of a block of `kernels/scale_chroma.cu`: one a lane.
const SCALE_COLUMNS: usize = 32;
/// Rows of such a block, as `BLOCK_WARPS * ROWS` there.
const SCALE_ROWS: usize = 32;
/// Columns and rows of chroma that a block has room for, as in `kernels/pack_luma_whole.cu`.
const MOST_COLUMNS: usize = 264;
const MOST_ROWS: usize = 16;
/// What scratch memory is aligned to at least: 16 bytes are read at a time.
const SCRATCH_ALIGNMENT: u64 = 16;

/// What filters depend on beside the geometry: the sitings of input and output, and whether the visible part begins at
/// an odd column and row.
pub(super) type FilterKey = (ChromaSiting, ChromaSiting, [bool; 2]);

pub(super) fn filter_key(visible: Rect, input: ChromaSiting, output: ChromaSiting) -> FilterKey {
    (input, output, [!visible.x.is_multiple_of(2), !visible.y.is_multiple_of(2)])
}

/// What is fixed for a geometry: which kernels, and the parameters that follow.
#[derive(Clone, Debug)]
pub(super) struct LumaPlan {
    pub(super) scale_chroma: String,
    pub(super) pack_luma: String,
    /// The kernel that does both where it can.
    pub(super) pack_luma_whole: Option<String>,
    input_format: PixelFormat,
    input_storage: Storage,
    visible: Size,
    scaler: ChromaScaler,
    pub(super) target: PackTarget,
    /// Columns and rows of the scaled chroma; the rows are those of the crop that needs the most.
    chroma_pitch: usize,
    most_chroma_rows: usize,
}

/// The grids and the parameters of what is launched for a frame.
#[derive(Clone, Copy, Debug)]
pub(super) enum LumaLaunches {
    /// One launch.
    Whole(LaunchDims, PackLumaWholeParams),
    /// The scaling of chroma, and what writes the frame.
    Halves((LaunchDims, ScaleChromaParams), (LaunchDims, PackLumaParams)),
}

impl LumaPlan {
    pub(super) fn new(geometry: &LumaGeometry) -> Result<Self> {
        let LumaGeometry { input_format, visible, output_format, scale, element, tensor, dither } = *geometry;
        let input_storage = Storage::of(input_format)?;
        let scaler = ChromaScaler::new(input_format, visible, output_format, scale)?;
        let target = PackTarget::new(output_format, scaler.size(), element, 1, tensor, dither)?;
        let (input, output) = (input_format.layout(), output_format.layout());
        let columns = output.chroma_columns(target.size.width as usize);
        let stored_alike = input_storage.chroma_kernel(&input) == target.storage.chroma_kernel(&output);
        let whole = target.storage.has_whole_chroma() && stored_alike;
        Ok(LumaPlan {
            scale_chroma: format!("scale_chroma_{}", input_storage.chroma_kernel(&input)),
            pack_luma: format!("pack_luma_{}", target.kernel()),
            pack_luma_whole: whole.then(|| format!("pack_luma_whole_{}", target.kernel())),
            input_format,
            input_storage,
            visible,
            scaler,
            chroma_pitch: columns.next_multiple_of(SCALE_COLUMNS),
            // Where rows are halved, a crop that begins at an odd one may touch one more.
            most_chroma_rows: input.chroma_rows(visible.height as usize + input.log2_chroma_height as usize),
            target,
        })
    }

    fn plane_bytes(&self) -> usize {
        self.chroma_pitch * self.most_chroma_rows * size_of::<f32>()
    }

    pub(super) fn scratch_bytes(&self) -> usize {
        2 * self.plane_bytes()
    }

    pub(super) fn taps(&self, (input, output, odd): FilterKey) -> Result<Taps> {
        let [x, y] = odd.map(u32::from);
        Ok(Taps::new(&self.scaler.axes(input, output, (x, y))?))
    }

    /// `filters` is the address of what [`LumaPlan::taps`] made, `non_finite` the counter's, or 0.
    pub(super) fn launches(
        &self,
        frame: &LumaFrame<'_>,
        axes: &[AxisTaps; 2],
        filters: u64,
        non_finite: u64,
    ) -> Result<LumaLaunches> {
        let visible = frame.input.visible();
        let found = (frame.input.format(), visible.size);
        check_picture("input frame", found, (self.input_format, self.visible))?;
        // RV-CUDA-1006
        let scratch = frame.scratch;
        if scratch.bytes() < self.scratch_bytes() || !scratch.address().is_multiple_of(SCRATCH_ALIGNMENT) {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("{} bytes of scratch memory at {:#x}", scratch.bytes(), scratch.address()),
            )
            .expected(format!("{} bytes, aligned to {SCRATCH_ALIGNMENT}", self.scratch_bytes())));
        }
        let chroma = [scratch.address(), scratch.address() + self.plane_bytes() as u64];
        let [horizontal, vertical] = axes;

        let layout = self.input_format.layout();
        let constants = ChromaConstants::new(self.input_format, frame.input_color);
        let aligned = layout::planes_are_aligned(frame.input, self.input_storage);
        let scale_chroma = ScaleChromaParams {
            plane: frame.input.planes().map(|plane| plane.address),
            chroma,
            starts: filters + horizontal.starts as u64,
            weights: filters + horizontal.weights as u64,
            pitch: frame.input.planes().map(|plane| plane.pitch as u32),
            flags: if aligned { FRAME_ALIGNED } else { 0 },
            first_x: (visible.x >> layout.log2_chroma_width) as i32,
            first_y: (visible.y >> layout.log2_chroma_height) as i32,
            samples: horizontal.samples as i32,
            rows: vertical.samples as i32,
            columns: horizontal.count as i32,
            taps: horizontal.taps as i32,
            chroma_pitch: self.chroma_pitch as u32,
            shift: layout.shift,
            byte: layout::bytes(&layout),
            luma_offset: constants.luma_offset,
            luma_scale: constants.luma_scale,
            chroma_offset: constants.chroma_offset,
            chroma_scale: constants.chroma_scale,
            luma_weights: constants.weights,
            gains: constants.gains,
        };
        let target = &self.target;
        let constants = PackConstants::beside_chroma(target.format, frame.color, frame.white);
        let to_rgb = LumaToRgbConstants::new(frame.color, frame.white);
        let pack_luma = PackLumaParams {
            frame: target.params(frame.tensor, &constants, frame.color.siting, frame.output, non_finite)?,
            chroma,
            starts: filters + vertical.starts as u64,
            weights: filters + vertical.weights as u64,
            chroma_rows: vertical.samples as i32,
            rows: vertical.count as i32,
            taps: vertical.taps as i32,
            chroma_pitch: self.chroma_pitch as u32,
            to_level: to_rgb.to_level,
            r_cr: to_rgb.r_cr,
            g_cb: to_rgb.g_cb,
            g_cr: to_rgb.g_cr,
            b_cb: to_rgb.b_cb,
            reserved: 0,
        };
        if self.takes_one_launch(axes) {
            let dims = launch_dims(target.size, WHOLE_BLOCK[1] as u32, BLOCK_WARPS);
            return Ok(LumaLaunches::Whole(
                dims,
                PackLumaWholeParams { scale: scale_chroma, pack: pack_luma },
            ));
        }
        let grid = (self.chroma_pitch / SCALE_COLUMNS, vertical.samples.div_ceil(SCALE_ROWS));
        let scale_dims =
            LaunchDims { grid: (grid.0 as u32, grid.1 as u32), block: (SCALE_COLUMNS as u32, BLOCK_WARPS) };
        let rows = BLOCK_WARPS << target.format.layout().log2_chroma_height;
        Ok(LumaLaunches::Halves(
            (scale_dims, scale_chroma),
            (launch_dims(target.size, rows, BLOCK_WARPS), pack_luma),
        ))
    }

    /// Whether what a block needs of the input's chroma fits its shared memory, and no block writes what another is still
    /// to read: frames of equal size may be one.
    fn takes_one_launch(&self, [horizontal, vertical]: &[AxisTaps; 2]) -> bool {
        let apart = self.visible != self.target.size || (horizontal.taps == 1 && vertical.taps == 1);
        let fits = horizontal.reach <= MOST_COLUMNS && vertical.reach <= MOST_ROWS;
        self.pack_luma_whole.is_some() && fits && apart
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rave_core::{Colorimetry, ElementType, Matrix, Range, Scale, ValueRange};

    use super::*;
    use crate::{DevicePlane, FrameOnDevice, ScratchOnDevice, TensorOnDevice};

    const GEOMETRY: LumaGeometry = LumaGeometry {
        input_format: PixelFormat::Nv12,
        visible: Size::new(64, 32),
        output_format: PixelFormat::Nv12,
        scale: Scale::ONE,
        element: ElementType::F16,
        tensor: Size::new(64, 32),
        dither: false,
    };

    fn frame(size: Size) -> FrameOnDevice {
        let plane = DevicePlane { address: 512, pitch: 512 };
        // SAFETY: nothing is launched with this frame.
        unsafe { FrameOnDevice::new(PixelFormat::Nv12, size, &[plane; 2]) }.unwrap()
    }

    /// What is said about a launch with these frames and this scratch memory.
    fn launches(
        input: &FrameOnDevice,
        output: &FrameOnDevice,
        scratch: (u64, usize),
    ) -> Result<LumaLaunches> {
        let plan = LumaPlan::new(&GEOMETRY).unwrap();
        let color = Colorimetry { matrix: Matrix::Bt709, range: Range::Limited, siting: ChromaSiting::Left };
        let taps = plan.taps(filter_key(input.visible(), color.siting, color.siting)).unwrap();
        // SAFETY: nothing is launched with this tensor or this memory.
        let (tensor, scratch) = unsafe {
            (
                TensorOnDevice::new(512, GEOMETRY.element, plan.target.tensor)?,
                ScratchOnDevice::new(scratch.0, scratch.1),
            )
        };
        let frame = LumaFrame {
            input,
            input_color: color,
            tensor: &tensor,
            white: ValueRange::Unit,
            output,
            color,
            scratch: &scratch,
            non_finite: None,
        };
        plan.launches(&frame, &taps.axes, 512, 0)
    }

    /// RV-CUDA-1006
    #[test]
    fn frames_and_memory_that_were_not_announced_are_refused() {
        let whole = frame(GEOMETRY.visible);
        let bytes = LumaPlan::new(&GEOMETRY).unwrap().scratch_bytes();
        assert!(launches(&whole, &whole, (256, bytes)).is_ok());

        let crop = Rect { x: 2, y: 0, size: Size::new(62, 32) };
        let cropped = whole.with_visible(crop).unwrap();
        let (larger, larger_and_cropped) = (
            frame(Size::new(66, 32)),
            frame(Size::new(66, 32)).with_visible(Rect { size: GEOMETRY.visible, ..crop }),
        );
        assert!(launches(&larger_and_cropped.unwrap(), &whole, (256, bytes)).is_ok());
        for (input, output, scratch) in [
            (&cropped, &whole, (256, bytes)),
            (&larger, &whole, (256, bytes)),
            (&whole, &cropped, (256, bytes)),
            (&whole, &larger, (256, bytes)),
            (&whole, &whole, (256, bytes - 1)),
            (&whole, &whole, (8, bytes)),
        ] {
            let error = launches(input, output, scratch).unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter, "{error}");
        }
    }

    proptest! {
        #[test]
        fn scaled_chroma_fits_scratch_memory_wherever_the_crop_begins(
            (width, height) in (1..300u32, 1..300u32),
            (numerator, denominator) in (1..9u32, 1..9u32),
            output_format in prop::sample::select(&[PixelFormat::Nv12, PixelFormat::Yuv422p, PixelFormat::Bgr0][..]),
            input_format in prop::sample::select(&[PixelFormat::Nv12, PixelFormat::Yuv422p, PixelFormat::Bgr0][..]),
        ) {
            let (visible, scale) = (Size::new(width, height), Scale::new(numerator, denominator).unwrap());
            let tensor = scale.apply(visible).unwrap();
            let geometry = LumaGeometry { input_format, visible, output_format, scale, tensor, ..GEOMETRY };
            let plan = LumaPlan::new(&geometry).unwrap();
            prop_assert_eq!(plan.scratch_bytes() % 256, 0);
            let mut most = 0;
            for odd in [[false, false], [false, true], [true, false], [true, true]] {
                let [horizontal, vertical] = plan.taps((ChromaSiting::Left, ChromaSiting::Left, odd)).unwrap().axes;
                prop_assert!(horizontal.count <= plan.chroma_pitch && plan.chroma_pitch < horizontal.count + 32);
                most = most.max(vertical.samples);
            }
            prop_assert_eq!(plan.scratch_bytes(), 8 * plan.chroma_pitch * most);
        }
    }
}
