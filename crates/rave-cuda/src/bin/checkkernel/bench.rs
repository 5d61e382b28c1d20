//! How long a launch takes beside a copy of as many bytes.
//!
//! Launches over several sets of buffers, together larger than the L2 cache several times over, are captured in a graph;
//! the time of a graph over their number, median of many, is the time of one with its share of launch overhead.

use rave_core::{
    ChromaSiting, Colorimetry, ElementType, Matrix, PixelFamily, PixelFormat, Range, Rect, Result, Scale,
    Size, TensorShape, ValueRange,
};
use rave_cuda::{
    DeviceBuffer, Event, FrameOnDevice, LumaFrame, LumaGeometry, LumaPackKernel, PackKernel, ScratchOnDevice,
    Stream, TensorOnDevice, UnpackKernel,
};

use crate::case::{Content, Pitch};
use crate::compare::Bed;
use crate::image::{FrameLayout, TensorBlock};
use crate::random::Random;

pub(crate) const FULL_HD: Size = Size::new(1920, 1080);
pub(crate) const ULTRA_HD: Size = Size::new(3840, 2160);

/// The time of one kernel.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    pub(crate) name: String,
    /// Bytes that must be moved: each input read once, each output written once.
    pub(crate) bytes: usize,
    pub(crate) microseconds: f64,
    /// Half the span between the first and the third quartile.
    pub(crate) spread: f64,
    /// The same bytes at the bandwidth of a large copy.
    pub(crate) floor: f64,
}

impl Measurement {
    /// `bandwidth` in bytes per second.
    fn new(name: String, bytes: usize, (microseconds, spread): (f64, f64), bandwidth: f64) -> Self {
        Measurement { name, bytes, microseconds, spread, floor: bytes as f64 / bandwidth * 1e6 }
    }

    pub(crate) fn ratio(&self) -> f64 {
        self.microseconds / self.floor
    }
}

/// Bytes per second of a large device-to-device copy, counting bytes read and written.
pub(crate) fn copy_bandwidth(stream: &Stream) -> Result<f64> {
    const BYTES: usize = 1 << 30;
    let (source, target) =
        (DeviceBuffer::new(stream.device(), BYTES)?, DeviceBuffer::new(stream.device(), BYTES)?);
    source.fill(stream, 0x5a)?;
    let (microseconds, _) = time(stream, 4, |stream, _| target.copy_from(stream, &source, BYTES))?;
    Ok(2.0 * BYTES as f64 / (microseconds * 1e-6))
}

/// Median time and spread of one of `launches` calls of `work`, in microseconds.
pub(crate) fn time(
    stream: &Stream,
    launches: usize,
    mut work: impl FnMut(&Stream, usize) -> Result<()>,
) -> Result<(f64, f64)> {
    const REPEATS: usize = 60;
    const WARM_UP: usize = 10;
    let mut graph =
        stream.capture(|stream| (0..launches).try_for_each(|index| work(stream, index)))?.instantiate()?;
    let (start, end) = (Event::with_timing(stream.device())?, Event::with_timing(stream.device())?);
    let mut times = Vec::new();
    for repeat in 0..WARM_UP + REPEATS {
        start.record(stream)?;
        // SAFETY: the buffers of `work` are alive while this function runs, which waits for each launch.
        unsafe { graph.launch(stream) }?;
        end.record(stream)?;
        end.synchronize()?;
        if repeat >= WARM_UP {
            times.push(f64::from(end.milliseconds_since(&start)?) * 1e3 / launches as f64);
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |fraction: f64| times[(fraction * (times.len() - 1) as f64) as usize];
    Ok((at(0.5), (at(0.75) - at(0.25)) / 2.0))
}

/// A frame and a tensor on the device.
struct Set {
    _frame_memory: DeviceBuffer,
    _tensor_memory: DeviceBuffer,
    frame: FrameOnDevice,
    tensor: TensorOnDevice,
}

/// Bytes of samples in a frame.
pub(crate) fn frame_bytes(format: PixelFormat, size: Size) -> usize {
    (0..format.layout().planes)
        .map(|plane| format.row_bytes(plane, size.width) * format.plane_size(plane, size).height as usize)
        .sum()
}

struct Subject {
    format: PixelFormat,
    element: ElementType,
    channels: u32,
    size: Size,
}

impl Subject {
    fn shape(&self) -> TensorShape {
        TensorShape { channels: self.channels, size: self.size }
    }

    fn bytes(&self) -> usize {
        frame_bytes(self.format, self.size) + self.shape().elements() * rave_cuda::element_bytes(self.element)
    }

    fn sets(&self, bed: &Bed) -> Result<Vec<Set>> {
        let stream = &bed.stream;
        let l2 = stream.device().info().l2_cache.max(32 << 20);
        let count = (4 * l2).div_ceil(self.bytes()).clamp(4, 64);
        let layout = FrameLayout::new(self.format, self.size, Pitch::Aligned512);
        let mut block = layout.block();
        layout.fill(&mut block, Content::Uniform, &mut Random::of(1, 0));
        let mut tensor = TensorBlock::new(self.element, self.shape(), false);
        let mut random = Random::of(1, 1);
        let values: Vec<f32> = (0..self.shape().elements()).map(|_| random.unit()).collect();
        match self.element {
            ElementType::F32 => tensor.set(&rave_core::Elements::F32(&values)),
            ElementType::F16 => {
                let values: Vec<_> = values.into_iter().map(half::f16::from_f32).collect();
                tensor.set(&rave_core::Elements::F16(&values));
            }
        }
        (0..count)
            .map(|_| {
                let frame_memory = bed.upload(&block)?;
                let tensor_memory = bed.upload(&tensor.bytes)?;
                Ok(Set {
                    frame: layout.on_device(frame_memory.address())?,
                    tensor: tensor.on_device(tensor_memory.address())?,
                    _frame_memory: frame_memory,
                    _tensor_memory: tensor_memory,
                })
            })
            .collect()
    }
}

const COLOR: Colorimetry =
    Colorimetry { matrix: Matrix::Bt709, range: Range::Limited, siting: ChromaSiting::Left };

/// Measures the kernels of `formats`.
pub(crate) fn run(bed: &Bed, only: impl Fn(PixelFormat) -> bool) -> Result<(f64, Vec<Measurement>)> {
    let stream = &bed.stream;
    let bandwidth = copy_bandwidth(stream)?;
    let mut measurements = Vec::new();
    let formats = [
        PixelFormat::Nv12,
        PixelFormat::P010,
        PixelFormat::Yuv420p,
        PixelFormat::Nv16,
        PixelFormat::P216,
        PixelFormat::Yuv444p,
        PixelFormat::Yuv444p16,
        PixelFormat::Bgr0,
    ];
    for format in formats.into_iter().filter(|&format| only(format)) {
        for element in [ElementType::F16, ElementType::F32] {
            for size in [FULL_HD, ULTRA_HD] {
                let subject = Subject { format, element, channels: 3, size };
                let sets = subject.sets(bed)?;
                let launches = sets.len().next_multiple_of(2).max(16);
                let kernel = UnpackKernel::new(&bed.kernels, format, size, element, 3, size)?;
                let unpack = time(stream, launches, |stream, index| {
                    let set = &sets[index % sets.len()];
                    kernel.launch(stream, &set.frame, COLOR, ValueRange::Unit, &set.tensor)
                })?;
                let kernel = PackKernel::new(&bed.kernels, format, size, element, size, true)?;
                let counter = rave_cuda::NonFiniteCounter::new(stream.device())?;
                let pack = time(stream, launches, |stream, index| {
                    let set = &sets[index % sets.len()];
                    let white = ValueRange::Unit;
                    kernel.launch(stream, &set.tensor, white, COLOR, &set.frame, Some(&counter))
                })?;
                for (direction, time) in [("unpack", unpack), ("pack", pack)] {
                    let name = format!("{direction} {format} {element} {size}");
                    measurements.push(Measurement::new(name, subject.bytes(), time, bandwidth));
                }
            }
            // A model that enlarges, and one that works in place.
            for (input, scale) in [(FULL_HD, (2, 1)), (ULTRA_HD, (1, 1))] {
                measurements.push(luma(bed, format, element, input, scale, bandwidth)?);
            }
        }
    }
    Ok((bandwidth, measurements))
}

/// Packing a luma tensor beside the chroma of a frame of size `input`, both launches.
fn luma(
    bed: &Bed,
    format: PixelFormat,
    element: ElementType,
    input: Size,
    (numerator, denominator): (u32, u32),
    bandwidth: f64,
) -> Result<Measurement> {
    let scale = Scale::new(numerator, denominator).expect("neither is 0");
    let size = scale.apply(input)?;
    let subject = Subject { format, element, channels: 1, size };
    let geometry = LumaGeometry {
        input_format: format,
        visible: input,
        output_format: format,
        scale,
        element,
        tensor: size,
        dither: true,
    };
    let stream = &bed.stream;
    let mut kernel = LumaPackKernel::new(&bed.kernels, &geometry)?;
    kernel.prepare(stream, Rect::of(input), COLOR.siting, COLOR.siting)?;
    let outputs = subject.sets(bed)?;
    let inputs =
        if scale == Scale::ONE { Vec::new() } else { Subject { size: input, ..subject }.sets(bed)? };
    // One piece of scratch memory, as a session has: what was just written to it is mostly still in the L2 cache.
    let memory = DeviceBuffer::new(stream.device(), kernel.scratch_bytes())?;
    // SAFETY: the memory is alive until the last launch is done, which `time` waits for.
    let scratch = unsafe { ScratchOnDevice::new(memory.address(), memory.bytes()) };
    let counter = rave_cuda::NonFiniteCounter::new(stream.device())?;
    let time = time(stream, outputs.len().next_multiple_of(2).max(16), |stream, index| {
        let output = &outputs[index % outputs.len()];
        let input = if inputs.is_empty() { output } else { &inputs[index % inputs.len()] };
        let frame = LumaFrame {
            input: &input.frame,
            input_color: COLOR,
            tensor: &output.tensor,
            white: ValueRange::Unit,
            output: &output.frame,
            color: COLOR,
            scratch: &scratch,
            non_finite: Some(&counter),
        };
        kernel.launch(stream, &frame)
    })?;
    // Of the input only chroma is read, where it is apart.
    let luma = if format.family() == PixelFamily::Yuv {
        format.row_bytes(0, input.width) * input.height as usize
    } else {
        0
    };
    let bytes = subject.bytes() + frame_bytes(format, input) - luma;
    Ok(Measurement::new(format!("luma {scale} {format} {element} {size}"), bytes, time, bandwidth))
}
