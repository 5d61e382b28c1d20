//! The process-wide memory of a GPU that cannot be used any more, shared by every crate that calls CUDA.

use std::sync::atomic::{AtomicI32, Ordering};

use crate::{Error, Result, Status};

/// The CUDA errors after which, by their description in cuda.h (CUDA 12.9 and 13.0), "the process must be terminated and
/// relaunched".
const STICKY: [i32; 13] = [226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911];

/// In place of an error number: the GPU did not answer for longer than any frame takes.
const HUNG: i32 = -1;

/// The first sticky error of this process, 0 while there is none.
static POISON: AtomicI32 = AtomicI32::new(0);

/// Whether a CUDA error number means that this process cannot use the GPU again.
#[must_use]
pub fn is_sticky_cuda_error(code: i32) -> bool {
    STICKY.contains(&code)
}

/// Remembers a CUDA error number that a call has returned. Numbers that are not sticky are ignored.
pub fn note_cuda_error(code: i32) {
    if is_sticky_cuda_error(code) {
        poison(code);
    }
}

/// Remembers that the GPU did not finish its work in a time that excludes that it still does.
pub fn note_device_hung() {
    poison(HUNG);
}

fn poison(code: i32) {
    // The first one is the cause, later ones are its consequences.
    let _ = POISON.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
}

/// Fails, without a CUDA call, once a sticky error was noted in this process.
///
/// # Errors
/// [`Status::DeviceLost`].
// RV-CUDA-1201
pub fn check_device_alive() -> Result<()> {
    let what = match POISON.load(Ordering::Acquire) {
        0 => return Ok(()),
        HUNG => "the GPU stopped answering".to_string(),
        code => format!("CUDA error {code} made the GPU unusable for this process"),
    };
    Err(Error::new(Status::DeviceLost, what).help("restart the process"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By name and number as cuda.h of CUDA 13.0 has them; RV-CUDA-1201.
    #[test]
    fn the_errors_after_which_a_process_must_end_are_those_of_cudas_header() {
        let lost = [
            ("CUDA_ERROR_CONTAINED", 226),
            ("CUDA_ERROR_ILLEGAL_ADDRESS", 700),
            ("CUDA_ERROR_LAUNCH_TIMEOUT", 702),
            ("CUDA_ERROR_ASSERT", 710),
            ("CUDA_ERROR_HARDWARE_STACK_ERROR", 714),
            ("CUDA_ERROR_ILLEGAL_INSTRUCTION", 715),
            ("CUDA_ERROR_MISALIGNED_ADDRESS", 716),
            ("CUDA_ERROR_INVALID_ADDRESS_SPACE", 717),
            ("CUDA_ERROR_INVALID_PC", 718),
            ("CUDA_ERROR_LAUNCH_FAILED", 719),
            ("CUDA_ERROR_TENSOR_MEMORY_LEAK", 721),
            ("CUDA_ERROR_MPS_CLIENT_TERMINATED", 810),
            ("CUDA_ERROR_EXTERNAL_DEVICE", 911),
        ];
        for (name, code) in lost {
            assert!(is_sticky_cuda_error(code), "{name}");
        }
        let sticky = (0..1000).filter(|&code| is_sticky_cuda_error(code)).count();
        assert_eq!(sticky, lost.len());
        let goes_on = [
            ("CUDA_SUCCESS", 0),
            ("CUDA_ERROR_INVALID_VALUE", 1),
            ("CUDA_ERROR_OUT_OF_MEMORY", 2),
            ("CUDA_ERROR_NO_DEVICE", 100),
            ("CUDA_ERROR_NOT_READY", 600),
            ("CUDA_ERROR_UNKNOWN", 999),
        ];
        for (name, code) in goes_on {
            assert!(!is_sticky_cuda_error(code), "{name}");
        }
    }
}
