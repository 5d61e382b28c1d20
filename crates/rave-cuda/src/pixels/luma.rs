//! A luma model's output to a frame, beside chroma that is scaled from the model's input frame.

use rave_core::{
    ChromaSiting, Colorimetry, ElementType, Error, PixelFormat, Rect, Result, Scale, Size, Status,
    TensorShape, ValueRange,
};

use super::PixelKernels;
use super::luma_plan::{FilterKey, LumaLaunches, LumaPlan, filter_key};
use super::non_finite::NonFiniteCounter;
use super::taps::{AxisTaps, Taps};
use crate::module::Kernel;
use crate::{DeviceBuffer, FrameOnDevice, ScratchOnDevice, Stream, TensorOnDevice};

/// What is fixed while frames keep their formats and sizes.
#[derive(Clone, Copy, Debug)]
pub struct LumaGeometry {
    /// Format of the frames that the model's input was made of.
    pub input_format: PixelFormat,
    /// Size of their visible part.
    pub visible: Size,
    /// Format of the frames to write.
    pub output_format: PixelFormat,
    /// How much larger than the visible part they are, rounded down as [`Scale::apply`] does.
    pub scale: Scale,
    /// Type of the model's output.
    pub element: ElementType,
    /// Size of the model's output, at least that of the frames to write. What is on the right and at the bottom of the
    /// frame is not read.
    pub tensor: Size,
    /// Whether to dither, which has an effect on formats of 8 bits only.
    pub dither: bool,
}

/// What one frame is made of.
#[derive(Clone, Copy, Debug)]
pub struct LumaFrame<'a> {
    /// The frame that the model's input was made of, for its chroma.
    pub input: &'a FrameOnDevice,
    /// How it is to be read. Levels are kept: the matrix should be that of `color`.
    pub input_color: Colorimetry,
    /// The model's output, of one channel.
    pub tensor: &'a TensorOnDevice,
    /// What 1.0 of signal is in the tensor.
    pub white: ValueRange,
    /// The frame to write, which may be the input itself.
    pub output: &'a FrameOnDevice,
    /// How it is to be read.
    pub color: Colorimetry,
    /// [`LumaPackKernel::scratch_bytes`] of memory.
    pub scratch: &'a ScratchOnDevice,
    /// Counts elements that are NaN or infinite; the frame's content is then undefined.
    pub non_finite: Option<&'a NonFiniteCounter>,
}

/// Turns luma tensors on the device into frames, with the chroma of other frames, as
/// [`rave_core::pixels::ChromaScaler`] and [`Pack::run_luma`](rave_core::pixels::Pack::run_luma) do on the host, in two
/// launches: chroma is scaled horizontally into scratch memory, then vertically on its way into the frame. Where chroma is
/// as large as luma it would be the most of what is moved; there, one launch keeps it on the chip unless the frame is made
/// much smaller.
///
/// The filters are on the device, in memory that is freed with this object: a graph in which a launch was captured must
/// not be launched after that.
#[derive(Debug)]
pub struct LumaPackKernel {
    plan: LumaPlan,
    scale_chroma: Kernel,
    pack_luma: Kernel,
    pack_luma_whole: Option<Kernel>,
    filters: Vec<(FilterKey, Filters)>,
}

/// Filters on the device.
#[derive(Debug)]
struct Filters {
    axes: [AxisTaps; 2],
    memory: DeviceBuffer,
}

impl LumaPackKernel {
    /// Prepares for frames and tensors of `geometry`. [`LumaPackKernel::prepare`] must follow.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a format that CUDA frames do not have, [`Status::InvalidParameter`] when a size
    /// is impossible or the tensor is smaller than the frame.
    pub fn new(kernels: &PixelKernels, geometry: &LumaGeometry) -> Result<Self> {
        let plan = LumaPlan::new(geometry)?;
        let modules = kernels.luma()?;
        let whole = plan.pack_luma_whole.as_ref().map(|name| modules.pack_luma_whole.kernel(name));
        Ok(LumaPackKernel {
            scale_chroma: modules.scale_chroma.kernel(&plan.scale_chroma)?,
            pack_luma: modules.pack_luma.kernel(&plan.pack_luma)?,
            pack_luma_whole: whole.transpose()?,
            plan,
            filters: Vec::new(),
        })
    }

    /// The shape of the tensor that [`LumaPackKernel::launch`] reads.
    #[must_use]
    pub fn tensor(&self) -> TensorShape {
        self.plan.target.tensor
    }

    /// The size of the frame that [`LumaPackKernel::launch`] writes.
    #[must_use]
    pub fn size(&self) -> Size {
        self.plan.target.size
    }

    /// How much memory a launch uses for itself, a multiple of 256 bytes. Launches that may run at the same time need
    /// one piece each.
    #[must_use]
    pub fn scratch_bytes(&self) -> usize {
        self.plan.scratch_bytes()
    }

    /// Makes the filters for input frames with the visible part `visible` and chroma sited as `input` says, and output
    /// frames with chroma as `output` says, and waits until they are on the device. Does nothing when they are: filters
    /// are kept, and depend on the sitings and on whether the visible part begins at an odd column or row alone. To be
    /// called before a launch and not during a capture.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn prepare(
        &mut self,
        stream: &Stream,
        visible: Rect,
        input: ChromaSiting,
        output: ChromaSiting,
    ) -> Result<()> {
        let key = filter_key(visible, input, output);
        if self.filters(key).is_none() {
            let Taps { axes, bytes } = self.plan.taps(key)?;
            let memory = DeviceBuffer::new(stream.device(), bytes.len())?;
            memory.upload(stream, 0, &bytes)?;
            self.filters.push((key, Filters { axes, memory }));
        }
        Ok(())
    }

    fn filters(&self, key: FilterKey) -> Option<&Filters> {
        self.filters.iter().find(|(of, _)| *of == key).map(|(_, filters)| filters)
    }

    /// Enqueues writing `frame.output`. Nothing is allocated and nothing waits, so that it can be captured.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when a frame or the tensor is not what [`LumaPackKernel::new`] was told, the output
    /// is cropped, scratch memory is too small, or [`LumaPackKernel::prepare`] was not called for these sitings and this
    /// crop; [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
    pub fn launch(&self, stream: &Stream, frame: &LumaFrame<'_>) -> Result<()> {
        let (input, output) = (frame.input_color.siting, frame.color.siting);
        let visible = frame.input.visible();
        // RV-CUDA-1006
        let filters = self.filters(filter_key(visible, input, output)).ok_or_else(|| {
            Error::new(
                Status::InvalidParameter,
                format!(
                    "no chroma filters from {input:?} to {output:?} for a frame cropped at ({}, {})",
                    visible.x, visible.y
                ),
            )
            .expected("filters on the device")
            .help("call LumaPackKernel::prepare first")
        })?;
        let counter = frame.non_finite.map_or(0, NonFiniteCounter::address);
        let launches = self.plan.launches(frame, &filters.axes, filters.memory.address(), counter)?;
        // SAFETY: each kernel takes the struct that it is given, whose layout both sides assert. The first of two reads the
        // input's chroma samples and a filter and writes scratch memory; the second reads that, the tensor's elements and
        // a filter, writes the output's samples and adds to the counter; the one does both without scratch memory. Frames,
        // tensor and scratch memory may be used until the work is done by the contracts of `FrameOnDevice::new`,
        // `TensorOnDevice::new` and `ScratchOnDevice::new`, and were checked against the launches above; the memory of
        // filters and counter is freed only after the device is done with it.
        unsafe {
            match (&self.pack_luma_whole, launches) {
                (Some(kernel), LumaLaunches::Whole(dims, params)) => kernel.launch(stream, dims, &params),
                (None, LumaLaunches::Whole(..)) => unreachable!("the plan names no such kernel"),
                (_, LumaLaunches::Halves(scale_chroma, pack_luma)) => {
                    self.scale_chroma.launch(stream, scale_chroma.0, &scale_chroma.1)?;
                    self.pack_luma.launch(stream, pack_luma.0, &pack_luma.1)
                }
            }
        }
    }
}
