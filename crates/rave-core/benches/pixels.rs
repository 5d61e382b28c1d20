//! Speed of the pixel kernels at 1920x1080, on one thread and on all.
//!
//! `cargo bench -p rave-core --bench pixels`; criterion's throughput is in pixels.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use half::f16;
use rave_core::pixels::{ChromaScaler, Pack, Unpack};
use rave_core::{
    ChromaSiting, ColorTags, Colorimetry, Elements, ElementsMut, Frame, FrameMut, Matrix, PixelFormat, Range,
    Scale, Size, ValueRange,
};

const SIZE: Size = Size::new(1920, 1080);
const COLOR: Colorimetry =
    Colorimetry { matrix: Matrix::Bt709, range: Range::Limited, siting: ChromaSiting::Left };
const FORMATS: [PixelFormat; 5] =
    [PixelFormat::Yuv420p, PixelFormat::Nv12, PixelFormat::Yuv420p10, PixelFormat::Rgb24, PixelFormat::Gbrp];

/// Planes with rows padded to 64 bytes, as decoders make them.
struct Picture {
    format: PixelFormat,
    planes: Vec<(Vec<u8>, isize)>,
}

impl Picture {
    fn new(format: PixelFormat) -> Self {
        let planes = (0..format.layout().planes)
            .map(|plane| {
                let stride = format.row_bytes(plane, SIZE.width).next_multiple_of(64);
                let bytes = stride * format.plane_size(plane, SIZE).height as usize;
                // High bytes of 10-bit samples stay within 2 bits.
                let limit = if format.layout().depth == 10 { 3 } else { 255 };
                let noise = (0..bytes as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & limit);
                (noise.collect(), stride as isize)
            })
            .collect();
        Picture { format, planes }
    }

    fn frame(&self) -> Frame<'_> {
        let planes: Vec<(&[u8], isize)> =
            self.planes.iter().map(|(bytes, stride)| (&bytes[..], *stride)).collect();
        Frame::new(self.format, SIZE, ColorTags::default(), &planes).expect("the planes are large enough")
    }

    fn frame_mut(&mut self) -> FrameMut<'_> {
        let planes = self.planes.iter_mut().map(|(bytes, stride)| (&mut bytes[..], *stride)).collect();
        FrameMut::new(self.format, SIZE, planes).expect("the planes are large enough")
    }
}

fn pixels(criterion: &mut Criterion) {
    for (label, threads) in [("1 thread", 1), ("all threads", 0)] {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        let mut group = criterion.benchmark_group(label);
        group.throughput(Throughput::Elements(SIZE.pixels()));
        for format in FORMATS {
            let mut picture = Picture::new(format);
            let white = ValueRange::Unit;
            let mut unpack = Unpack::new(format, SIZE, 3, SIZE).expect("valid");
            let mut pack = Pack::new(format, SIZE, 3, SIZE, true).expect("valid");
            let mut tensor = vec![0.0; unpack.tensor().elements()];
            let mut half = vec![f16::ZERO; unpack.tensor().elements()];
            group.bench_function(format!("{format} to fp32"), |bencher| {
                let frame = picture.frame();
                bencher.iter(|| {
                    pool.install(|| unpack.run(&frame, COLOR, white, ElementsMut::F32(&mut tensor)))
                        .expect("runs");
                });
            });
            group.bench_function(format!("{format} to fp16"), |bencher| {
                let frame = picture.frame();
                bencher.iter(|| {
                    pool.install(|| unpack.run(&frame, COLOR, white, ElementsMut::F16(&mut half)))
                        .expect("runs");
                });
            });
            group.bench_function(format!("fp32 to {format}"), |bencher| {
                let mut frame = picture.frame_mut();
                bencher.iter(|| {
                    pool.install(|| pack.run(Elements::F32(&tensor), white, COLOR, &mut frame))
                        .expect("runs");
                });
            });
            group.bench_function(format!("fp16 to {format}"), |bencher| {
                let mut frame = picture.frame_mut();
                bencher.iter(|| {
                    pool.install(|| pack.run(Elements::F16(&half), white, COLOR, &mut frame)).expect("runs");
                });
            });
        }
        let picture = Picture::new(PixelFormat::Yuv420p);
        let two = Scale::new(2, 1).expect("not zero");
        let mut chroma =
            ChromaScaler::new(PixelFormat::Yuv420p, SIZE, PixelFormat::Yuv420p, two).expect("valid");
        group.bench_function("yuv420p chroma, doubled", |bencher| {
            let frame = picture.frame();
            bencher.iter(|| {
                pool.install(|| chroma.run(&frame, COLOR, COLOR)).expect("runs");
            });
        });
        group.finish();
    }
}

criterion_group!(benches, pixels);
criterion_main!(benches);
