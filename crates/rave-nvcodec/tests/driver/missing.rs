//! Libraries that are not there, or are something else.

use std::ffi::c_void;
use std::path::Path;

use rave_core::{Result, Status};
use rave_nvcodec::{Decoder, Encoder};

/// No function of these libraries gets as far as looking at the context.
fn encoder(path: &str) -> Result<Encoder> {
    // SAFETY: as above.
    unsafe { Encoder::open_library("GPU", 0x1000 as *mut c_void, Path::new(path)) }
}

/// RV-NVC-1001
#[test]
fn a_library_that_is_not_there_is_named_with_what_to_install() {
    for error in [
        Decoder::open_library("GPU", Path::new("libno-such-nvcuvid.so.1")).unwrap_err(),
        encoder("libno-such-nvcuvid.so.1").unwrap_err(),
    ] {
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        let text = error.to_string();
        assert!(text.contains("libno-such-nvcuvid.so.1 cannot be loaded"), "{text}");
        assert!(text.contains("NVIDIA_DRIVER_CAPABILITIES"), "{text}");
    }
}

/// RV-NVC-1001
#[test]
fn a_library_without_the_functions_is_named_with_the_driver_that_has_them() {
    for (error, function, driver) in [
        (Decoder::open_library("GPU", Path::new("libm.so.6")).unwrap_err(), "cuvidGetDecoderCaps", "378.13"),
        (encoder("libm.so.6").unwrap_err(), "NvEncodeAPIGetMaxSupportedVersion", "520.56.06"),
    ] {
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        let text = error.to_string();
        assert!(text.contains("libm.so.6 is unusable"), "{text}");
        assert!(text.contains(function) && text.contains(driver), "{text}");
    }
}

/// RV-NVC-1001
#[test]
fn the_names_that_the_dynamic_linker_gets_are_the_drivers() {
    // On a machine with a driver they open; on one without, the message has the name.
    if let Err(error) = Decoder::open("GPU") {
        assert!(error.to_string().contains("libnvcuvid.so.1"), "{error}");
    }
    // SAFETY: opening looks at the context only for null.
    if let Err(error) = unsafe { Encoder::open("GPU", 0x1000 as *mut c_void) } {
        assert!(error.to_string().contains("libnvidia-encode.so.1"), "{error}");
    }
}

/// RV-NVC-1004
#[test]
fn a_null_context_is_refused_before_anything_is_loaded() {
    // SAFETY: a null context is what the function looks for.
    let error =
        unsafe { Encoder::open_library("GPU", std::ptr::null_mut(), Path::new("nothing")) }.unwrap_err();
    assert_eq!(error.status(), Status::InvalidDevice);
    assert!(error.to_string().contains("the CUDA context is null"), "{error}");
}
