//! Once warm, the pixel kernels allocate nothing. Alone in its program, because it counts what all threads allocate.

mod picture;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use half::f16;
use picture::{Picture, Random, color};
use rave_core::pixels::{ChromaScaler, Pack, Unpack};
use rave_core::{ChromaSiting, Elements, ElementsMut, Matrix, PixelFormat, Range, Scale, Size, ValueRange};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system's allocator with the caller's own arguments; counting touches no memory
// of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above with this `layout`, hence from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// RV-CORE-1011
#[test]
fn a_warm_kernel_allocates_nothing() {
    let color = color(Matrix::Bt709, Range::Limited, ChromaSiting::Left);
    let size = Size::new(96, 160);
    let white = ValueRange::Unit;
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for &format in PixelFormat::ALL {
            let source = Picture::random(format, size, &mut Random(5));
            let mut out = Picture::new(format, size, 0, false);
            let (frame, mut target) = (source.frame(), out.frame_mut());
            let mut unpack = Unpack::new(format, size, 3, size).unwrap();
            let mut pack = Pack::new(format, size, 3, size, true).unwrap();
            let mut luma_pack = Pack::new(format, size, 1, size, true).unwrap();
            let mut chroma = ChromaScaler::new(format, size, format, Scale::ONE).unwrap();
            let mut tensor = vec![0f32; unpack.tensor().elements()];
            let mut half = vec![f16::ZERO; tensor.len()];
            let mut frame_through_everything = || {
                unpack.run(&frame, color, white, ElementsMut::F32(&mut tensor)).unwrap();
                unpack.run(&frame, color, white, ElementsMut::F16(&mut half)).unwrap();
                pack.run(Elements::F32(&tensor), white, color, &mut target).unwrap();
                pack.run(Elements::F16(&half), white, color, &mut target).unwrap();
                chroma.run(&frame, color, color).unwrap();
                let luma = Elements::F32(&tensor[..size.pixels() as usize]);
                luma_pack.run_luma(luma, white, color, &chroma, &mut target).unwrap();
            };
            // rayon grows its own queues now and then, which this counts too; what a kernel allocated it would allocate
            // for every frame.
            let allocations = pool.install(|| {
                frame_through_everything();
                let frames = (0..20).map(|_| {
                    let before = ALLOCATIONS.load(Ordering::Relaxed);
                    frame_through_everything();
                    ALLOCATIONS.load(Ordering::Relaxed) - before
                });
                frames.min().unwrap()
            });
            assert_eq!(allocations, 0, "{format}, {threads} threads");
        }
    }
}
