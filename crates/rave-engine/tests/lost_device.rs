//! A lost device, in processes of their own: what is remembered here would fail every other test.

mod driver;

use std::ptr::{dangling_mut, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use driver::in_a_process_with_a_driver;
use rave_core::{Status, note_device_hung};
use rave_engine::{CudaDevice, Owner};

/// RV-ENG-1206
#[test]
fn a_context_that_is_known_is_not_adopted_once_the_gpu_is_lost() {
    let test = "a_context_that_is_known_is_not_adopted_once_the_gpu_is_lost";
    if !in_a_process_with_a_driver(test, |_, _| {}) {
        return;
    }
    let context = dangling_mut::<u64>().cast();
    // SAFETY: to the stand-in every context is live.
    let adopt = || unsafe { CudaDevice::adopt(context, null_mut(), &mut None) };
    let known = adopt().unwrap();
    drop(adopt().unwrap());
    note_device_hung();
    assert_eq!(adopt().unwrap_err().status(), Status::DeviceLost);
    drop(known);
}

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
