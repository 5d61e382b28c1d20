//! A frame allocates nothing of ours. One test, because the count is of the whole process.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{fill, load, models, picture, runtimes};
use rave_core::Size;
use rave_onnx::RuntimeChoice;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of the call below.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above, and the pointer came from `System` because every allocation does.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// RV-ONNX-1206
#[test]
fn a_frame_in_onnx_runtime_allocates_nothing_outside_of_it() {
    if !runtimes("allocations").contains(&RuntimeChoice::OnnxRuntime) {
        return;
    }
    let model = load(&models::exact(), RuntimeChoice::OnnxRuntime).unwrap();
    let mut session = model.session(Size::new(64, 48)).unwrap();
    session.run().unwrap();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..10 {
        fill(&mut session, picture);
        session.run().unwrap();
        std::hint::black_box(session.output());
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
}
