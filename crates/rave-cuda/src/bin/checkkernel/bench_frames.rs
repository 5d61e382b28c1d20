//! How long cutting and blending a frame's tiles takes, and comparing two frames; see `bench`.

use rave_core::tiling::{AxisWeights, DEFAULT_OVERLAP, TileBlender, TilePlan};
use rave_core::{ElementType, PixelFormat, Result, Scale, Size, TensorShape};
use rave_cuda::{
    DeviceBuffer, DeviceTiler, FrameComparer, FrameDifference, FrameOnDevice, TensorBatchOnDevice,
    TensorOnDevice, TileElements, element_bytes, tiles_together,
};

use crate::bench::{FULL_HD, Measurement, ULTRA_HD, time};
use crate::case::{Content, Pitch};
use crate::compare::Bed;
use crate::image::FrameLayout;
use crate::random::Random;

/// A 1080p frame in tiles.
struct Tiling {
    tile: Size,
    scale: u32,
    channels: u32,
    element: ElementType,
    batch: usize,
}

/// A luma model of fixed size, and an RGB one in fp16, by the batches that they take.
const TILINGS: [Tiling; 4] = [luma(1), luma(8), rgb(1), rgb(5)];

const fn luma(batch: usize) -> Tiling {
    Tiling { tile: Size::new(224, 224), scale: 3, channels: 1, element: ElementType::F32, batch }
}

const fn rgb(batch: usize) -> Tiling {
    Tiling { tile: Size::new(512, 512), scale: 2, channels: 3, element: ElementType::F16, batch }
}

/// The tensors of a frame in tiles.
struct Tensors {
    canvas: DeviceBuffer,
    input: DeviceBuffer,
    output: DeviceBuffer,
    blended: DeviceBuffer,
}

fn tensor(memory: &DeviceBuffer, element: ElementType, shape: TensorShape) -> Result<TensorOnDevice> {
    // SAFETY: callers pass memory that holds the elements, and keep it until their stream is done.
    unsafe { TensorOnDevice::new(memory.address(), element, shape) }
}

/// Measures the cutting and the blending of whole frames, by as many launches as a session takes.
pub(crate) fn tiles(bed: &Bed, bandwidth: f64) -> Result<Vec<Measurement>> {
    let stream = &bed.stream;
    let mut measurements = Vec::new();
    for Tiling { tile, scale, channels, element, batch } in TILINGS {
        let scale = Scale::new(scale, 1).expect("it is not 0");
        let plan = TilePlan::new(FULL_HD, tile, DEFAULT_OVERLAP, scale)?;
        let elements = TileElements { canvas: element, input: element, output: element };
        let tiler = DeviceTiler::new(&bed.kernels, stream, &plan, scale, channels, elements)?;
        let unit = element_bytes(element);
        let each = [tiler.input_tile(), tiler.output_tile()].map(|shape| shape.elements() * unit);
        let together = tiles_together(tiler.count(), batch, each);
        let memory = |bytes: usize| {
            let memory = DeviceBuffer::new(stream.device(), bytes)?;
            memory.fill(stream, 0)?;
            Ok::<_, rave_core::Error>(memory)
        };
        let (input, output) = (tiler.input_tile(), tiler.output_tile());
        // Every tile of a frame has memory of its own, so that no launch finds the last one's in the L2 cache.
        let sets: Vec<Tensors> = (0..4)
            .map(|_| {
                Ok(Tensors {
                    canvas: memory(tiler.input_canvas().elements() * unit)?,
                    input: memory(tiler.count() * input.elements() * unit)?,
                    output: memory(tiler.count() * output.elements() * unit)?,
                    blended: memory(tiler.output_canvas().elements() * 4)?,
                })
            })
            .collect::<Result<_>>()?;
        let launches =
            (0..tiler.count()).step_by(together).map(|first| first..tiler.count().min(first + together));
        let slots = |memory: &DeviceBuffer, shape: TensorShape, first: usize, count: usize| {
            let address = memory.address() + (first * shape.elements() * unit) as u64;
            // SAFETY: the memory holds every tile of the plan, and lives until the end of this function.
            unsafe { TensorBatchOnDevice::new(address, element, shape, count) }
        };
        let cut = time(stream, 8, |stream, index| {
            let set = &sets[index % sets.len()];
            let canvas = tensor(&set.canvas, element, tiler.input_canvas())?;
            launches.clone().try_for_each(|tiles| {
                let batch = slots(&set.input, input, tiles.start, tiles.len())?;
                tiler.cut(stream, &canvas, tiles, &batch)
            })
        })?;
        let blend = time(stream, 8, |stream, index| {
            let set = &sets[index % sets.len()];
            let canvas = tensor(&set.blended, ElementType::F32, tiler.output_canvas())?;
            launches.clone().try_for_each(|tiles| {
                let batch = slots(&set.output, output, tiles.start, tiles.len())?;
                tiler.blend(stream, tiles, &batch, &canvas)
            })
        })?;
        let cut_bytes = (tiler.input_canvas().elements() + tiler.count() * input.elements()) * unit;
        let blender = TileBlender::new(&plan, scale, channels)?;
        let parts = |axis: &[AxisWeights]| axis.iter().map(|part| part.weights.len()).sum::<usize>();
        let read = parts(blender.columns()) * parts(blender.rows()) * channels as usize;
        let blend_bytes = read * unit + tiler.output_canvas().elements() * 4;
        for (what, bytes, (microseconds, spread)) in [("cut", cut_bytes, cut), ("blend", blend_bytes, blend)]
        {
            measurements.push(Measurement {
                name: format!("{what} {} {tile} {scale} {element} by {together}", tiler.count()),
                bytes,
                microseconds,
                spread,
                floor: bytes as f64 / bandwidth * 1e6,
            });
        }
    }
    Ok(measurements)
}

/// Measures the comparison of frames, equal ones and ones that differ everywhere.
pub(crate) fn compare(bed: &Bed, bandwidth: f64) -> Result<Vec<Measurement>> {
    let stream = &bed.stream;
    let comparer = FrameComparer::new(&bed.kernels)?;
    let difference = FrameDifference::new(stream.device())?;
    let mut measurements = Vec::new();
    for (format, size, equal) in [
        (PixelFormat::Nv12, FULL_HD, true),
        (PixelFormat::Nv12, FULL_HD, false),
        (PixelFormat::Nv12, ULTRA_HD, true),
        (PixelFormat::Nv12, ULTRA_HD, false),
        (PixelFormat::P010, FULL_HD, true),
        (PixelFormat::Yuv420p, FULL_HD, true),
    ] {
        let layout = FrameLayout::new(format, size, Pitch::Aligned512);
        let frames = [0, u64::from(!equal)].map(|seed| {
            let mut block = layout.block();
            layout.fill(&mut block, Content::Uniform, &mut Random::of(seed, 0));
            block
        });
        let bytes = 2 * crate::bench::frame_bytes(format, size);
        let l2 = stream.device().info().l2_cache.max(32 << 20);
        let count = (4 * l2).div_ceil(bytes).clamp(4, 64);
        let pairs: Vec<([DeviceBuffer; 2], [FrameOnDevice; 2])> = (0..count)
            .map(|_| {
                let memory = [bed.upload(&frames[0])?, bed.upload(&frames[1])?];
                let on_device =
                    [layout.on_device(memory[0].address())?, layout.on_device(memory[1].address())?];
                Ok((memory, on_device))
            })
            .collect::<Result<_>>()?;
        let (microseconds, spread) = time(stream, count.max(16), |stream, index| {
            let (_, [a, b]) = &pairs[index % count];
            comparer.compare(stream, a, b, &difference)
        })?;
        let alike = if equal { "equal" } else { "unlike" };
        measurements.push(Measurement {
            name: format!("compare {format} {size} {alike}"),
            bytes,
            microseconds,
            spread,
            floor: bytes as f64 / bandwidth * 1e6,
        });
    }
    Ok(measurements)
}
