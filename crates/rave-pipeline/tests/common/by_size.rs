//! An allocator that takes down how large allocations are, while it is told to.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rave_pipeline::CountingAllocator;

/// How many sizes are taken down.
const ROOM: usize = 64;

static WATCHED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);
static SIZES: [AtomicUsize; ROOM] = [const { AtomicUsize::new(0) }; ROOM];

/// Allocates as [`CountingAllocator`] does, and takes down sizes.
pub(crate) struct BySize;

fn note(size: usize) {
    if WATCHED.load(Ordering::Acquire) {
        let index = COUNT.fetch_add(1, Ordering::AcqRel);
        if let Some(place) = SIZES.get(index) {
            place.store(size, Ordering::Release);
        }
    }
}

// SAFETY: every call is handed to another allocator with the caller's own arguments; taking down a number touches no memory of
// the caller and allocates nothing.
unsafe impl GlobalAlloc for BySize {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { CountingAllocator.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { CountingAllocator.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: `block` came from here with this `layout`, hence from the other allocator.
        unsafe { CountingAllocator.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { CountingAllocator.dealloc(block, layout) }
    }
}

/// Takes down the sizes of all allocations of the process from here on.
pub(crate) fn watch() {
    COUNT.store(0, Ordering::Release);
    WATCHED.store(true, Ordering::Release);
}

/// Ends that.
pub(crate) fn look_away() {
    WATCHED.store(false, Ordering::Release);
}

/// What was taken down: how many allocations there were, and the sizes of the first of them.
pub(crate) fn seen() -> (usize, Vec<usize>) {
    let count = COUNT.load(Ordering::Acquire);
    (count, SIZES[..count.min(ROOM)].iter().map(|size| size.load(Ordering::Acquire)).collect())
}
