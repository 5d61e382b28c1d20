//! A lost device, in a process of its own: what is remembered here would fail every other test.

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rave_core::{Status, note_device_hung};
use rave_engine::{CudaDevice, Owner};

/// RV-ENG-1206
#[test]
fn a_process_that_lost_its_gpu_adopts_none_and_leaves_the_owner_alone() {
    note_device_hung();
    let released = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&released);
    let mut owner = Some(Owner::new(move || seen.store(true, Ordering::Relaxed)));
    // SAFETY: null is allowed and refused; the loss is reported before that.
    let error = unsafe { CudaDevice::adopt(null_mut(), null_mut(), &mut owner) }.unwrap_err();
    // Not DeviceNotFound, on a machine with a driver or without: the driver is not even asked.
    assert_eq!(error.status(), Status::DeviceLost, "{error}");
    assert!(owner.is_some() && !released.load(Ordering::Relaxed));
}
