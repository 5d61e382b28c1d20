//! Memory that is missing for what grows with a model's file. One test, because what is missing is so in the whole process.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{models, options};
use rave_core::Status;
use rave_onnx::{OnnxModel, RuntimeChoice};

struct Failing;

/// The bytes of the allocation that fails.
static MISSING: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: null says that there is no memory; every other call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() == MISSING.load(Ordering::Relaxed) {
            return null_mut();
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of the call below.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above, and the pointer came from `System` because every allocation does.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// RV-FFI-1013
#[test]
fn a_copy_of_a_model_that_finds_no_memory_is_an_error() {
    let mut bytes = models::identity().encode();
    // `doc_string` of 65432 bytes, so that nothing else is as large as the file.
    bytes.extend(b"\x32\x98\xff\x03");
    bytes.resize(bytes.len() + 65432, b'x');
    let load = || OnnxModel::from_bytes(&bytes, "large.onnx", &options(RuntimeChoice::Embedded, 1));
    load().unwrap();
    MISSING.store(bytes.len(), Ordering::Relaxed);
    let error = load().unwrap_err();
    MISSING.store(usize::MAX, Ordering::Relaxed);
    assert_eq!(error.status(), Status::OutOfMemory, "{error}");
}
