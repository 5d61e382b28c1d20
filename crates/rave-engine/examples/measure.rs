//! Measures a session on the CPU, frame by frame, from inside the process.
//!
//! ```console
//! $ cargo run --release -p rave-engine --example measure -- MODEL RUNTIME WIDTH HEIGHT FRAMES THREADS
//! ```
//!
//! RUNTIME is ONNX Runtime's library, or `embedded`. Frames are yuv420p that this program makes, the same on every
//! machine. Prints a line of JSON: milliseconds of each stage of each frame, heap allocations of all frames together, and
//! the SHA-256 of the first frames that came out. scripts/bench.sh runs it; numbers of a debug build mean nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rave_core::{
    ChromaSiting, ColorTags, Error, Frame, FrameMut, Log, Matrix, PixelFormat, Range, Result, Size, Status,
};
use rave_engine::{Model, ModelOptions, Session, SessionOptions, Stats};
use sha2::{Digest, Sha256};

/// The system's allocator, counting what all threads of Rust ask of it. Inference libraries of C++ have their own.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is the system's allocator, called with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FORMAT: PixelFormat = PixelFormat::Yuv420p;
/// Frames that differ, which go round; the output of each is hashed once.
const DISTINCT: usize = 4;
/// Frames before the first that counts: buffers are filled and threads started.
const WARM_UP: usize = DISTINCT;
const TAGS: ColorTags =
    ColorTags { matrix: Some(Matrix::Bt709), range: Some(Range::Limited), siting: Some(ChromaSiting::Left) };

/// The planes of a frame and their strides.
struct Picture {
    size: Size,
    planes: Vec<(Vec<u8>, isize)>,
}

impl Picture {
    /// Gradients with noise on them, another one for each `index`.
    fn new(size: Size, index: usize) -> Self {
        let planes = (0..FORMAT.layout().planes).map(|plane| {
            let stride = FORMAT.row_bytes(plane, size.width);
            let rows = FORMAT.plane_size(plane, size).height as usize;
            let bytes = (0..stride * rows).map(|at| {
                let noise = (at as u32 ^ (index as u32) << 24).wrapping_mul(2_654_435_761) >> 27;
                (32 + (at % stride + at / stride + 16 * index) % 160) as u8 + noise as u8
            });
            (bytes.collect(), stride as isize)
        });
        Picture { size, planes: planes.collect() }
    }

    fn frame(&self) -> Result<Frame<'_>> {
        let mut planes: [(&[u8], isize); 3] = [(&[], 0); 3];
        for (lent, (bytes, stride)) in planes.iter_mut().zip(&self.planes) {
            *lent = (bytes, *stride);
        }
        Frame::new(FORMAT, self.size, TAGS, &planes)
    }

    fn frame_mut(&mut self) -> Result<FrameMut<'_>> {
        let planes = self.planes.iter_mut().map(|(bytes, stride)| (&mut bytes[..], *stride)).collect();
        FrameMut::new(FORMAT, self.size, planes)
    }
}

/// Nanoseconds of unpacking, inference and packing so far.
fn stages(stats: &Stats) -> [u64; 3] {
    [&stats.unpack_ns, &stats.inference_ns, &stats.pack_ns].map(|stage| stage.load(Ordering::Relaxed))
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let usage = || {
        Error::new(Status::InvalidParameter, format!("{words:?}"))
            .expected("MODEL RUNTIME WIDTH HEIGHT FRAMES THREADS")
    };
    let [model, runtime, numbers @ ..] = &words[..] else { return Err(usage()) };
    let numbers: Vec<u32> = numbers.iter().filter_map(|word| word.parse().ok()).collect();
    let [width, height, frames, threads] = numbers[..] else { return Err(usage()) };
    let size = Size::new(width, height);

    let options = ModelOptions {
        runtime_lib: Some(PathBuf::from(runtime)),
        threads: threads as usize,
        ..ModelOptions::default()
    };
    let model = Model::load(model.as_ref(), &options)?;
    let mut session = Session::new(&model, &SessionOptions::new(FORMAT, size), Log::default())?;
    let stats = session.stats();
    let inputs: Vec<Picture> = (0..DISTINCT).map(|index| Picture::new(size, index)).collect();
    let mut output = Picture::new(session.output_size(), 0);

    let mut hash = Sha256::new();
    for input in &inputs[..WARM_UP] {
        session.process(&input.frame()?, &mut output.frame_mut()?.with_wanted(TAGS))?;
        output.planes.iter().for_each(|(bytes, _)| hash.update(bytes));
    }
    let mut milliseconds: [Vec<f64>; 4] = std::array::from_fn(|_| Vec::with_capacity(frames as usize));
    let mut allocations = 0;
    for index in 0..frames as usize {
        let (frame, mut out) = (inputs[index % DISTINCT].frame()?, output.frame_mut()?.with_wanted(TAGS));
        let (before, counted, start) = (stages(&stats), ALLOCATIONS.load(Ordering::Relaxed), Instant::now());
        session.process(&frame, &mut out)?;
        let whole = start.elapsed().as_secs_f64() * 1e3;
        allocations += ALLOCATIONS.load(Ordering::Relaxed) - counted;
        let after = stages(&stats);
        for stage in 0..3 {
            milliseconds[stage].push((after[stage] - before[stage]) as f64 / 1e6);
        }
        milliseconds[3].push(whole);
    }
    let [unpack, inference, pack, frame] = milliseconds;
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!(
        "{}",
        serde_json::json!({
            "runtime": model.description(),
            "frames": frames,
            "stages_ms": { "unpack": unpack, "inference": inference, "pack": pack, "frame": frame },
            "allocations": allocations,
            "output_sha256": digest,
        })
    );
    Ok(())
}
