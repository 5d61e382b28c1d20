//! A lost device, in a process of its own: what is remembered here would fail every other test.

use rave_core::{Status, check_device_alive, note_cuda_error};
use rave_cuda::Device;

/// RV-CUDA-1201, RV-CUDA-1202
#[test]
fn after_a_sticky_error_every_call_says_that_the_device_is_lost_and_names_the_first() {
    note_cuda_error(2);
    note_cuda_error(600);
    assert!(check_device_alive().is_ok(), "running out of memory or not being done is not sticky");

    note_cuda_error(700);
    note_cuda_error(719);
    let error = check_device_alive().unwrap_err();
    assert_eq!(error.status(), Status::DeviceLost);
    assert!(error.to_string().contains("700"), "{error}");
    // Not DeviceNotFound, on a machine with a driver or without: the driver is not even asked.
    assert_eq!(Device::create(0).unwrap_err().status(), Status::DeviceLost);
    // SAFETY: null is allowed and refused; the loss is reported before that.
    let adopted = unsafe { Device::adopt(std::ptr::null_mut()) };
    assert_eq!(adopted.unwrap_err().status(), Status::DeviceLost);
}
