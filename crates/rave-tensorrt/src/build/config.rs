//! TensorRT's builder configuration, of [`BuildOptions`].

use std::ffi::CString;

use rave_core::LogLevel;

use super::owned::Owned;
use super::{BuildOptions, Builder, Precision};
use crate::faults::Faults;
use crate::{Flavour, Shape, sys};

impl Builder {
    /// The options as the shim takes them.
    // RV-TRT-1303
    pub(super) fn raw_options(&self, options: &BuildOptions) -> sys::BuildOptions {
        sys::BuildOptions {
            fp16: i32::from(options.precision == Precision::Fp16),
            bf16: i32::from(options.precision == Precision::Bf16),
            tf32: i32::from(options.precision == Precision::Tf32),
            version_compatible: i32::from(options.version_compatible),
            level: options.level.into(),
            workspace: options.workspace.map_or(0, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        }
    }

    /// One optimisation profile; what was refused if it was.
    pub(super) fn add_profile(
        &self,
        builder: &Owned<sys::Builder>,
        config: &Owned<sys::Config>,
        input: &str,
        shapes: &[Shape; 3],
    ) -> Result<(), String> {
        let refused =
            || format!("TensorRT refuses the shapes {} to {} for input `{input}`", shapes[0], shapes[2]);
        let c_input = CString::new(input).map_err(|_| refused())?;
        let dims = shapes.map(|shape| shape.0);
        // SAFETY: config and builder are alive and belong together; the name is NUL-terminated; there are three shapes.
        let added = unsafe {
            (self.library.api.config_add_profile)(
                config.as_ptr(),
                builder.as_ptr(),
                c_input.as_ptr(),
                dims.as_ptr(),
            )
        };
        if added == 1 { Ok(()) } else { Err(refused()) }
    }

    /// The GPUs to build for; what was refused if one was.
    pub(super) fn set_capabilities(
        &self,
        config: &Owned<sys::Config>,
        options: &BuildOptions,
    ) -> Result<(), String> {
        if self.library.flavour() != Flavour::Rtx {
            return Ok(());
        }
        let asked = &options.compute_capabilities;
        let mut numbers: Vec<i32> = asked.iter().map(|&(major, minor)| (major * 10 + minor) as i32).collect();
        if numbers.is_empty() {
            numbers.push(sys::THIS_GPU);
        }
        // SAFETY: the config is alive; the numbers are a live slice of that length.
        let taken = unsafe {
            (self.library.api.config_set_capabilities)(
                config.as_ptr(),
                numbers.as_ptr(),
                numbers.len() as i32,
            )
        };
        match usize::try_from(taken).ok().and_then(|taken| numbers.get(taken)) {
            None => Ok(()),
            Some(&sys::THIS_GPU) => {
                Err(format!("{} does not build for the GPU of this machine", self.library))
            }
            Some(number) => Err(format!(
                "{} does not build for compute capability {}.{}",
                self.library,
                number / 10,
                number % 10
            )),
        }
    }

    /// Timings of an earlier build, or a fresh store where there are none that fit: they only save time.
    pub(super) fn attach_timings(
        &self,
        config: &Owned<sys::Config>,
        options: &BuildOptions,
        faults: &Faults,
    ) -> Option<Owned<sys::Timings>> {
        let api = self.library.api;
        let attach = |data: &[u8]| {
            // SAFETY: the config is alive; the slice is. TensorRT checks a blob that it wrote by its own header, and
            // its origin is the caller's affair, as a plan's.
            let timings = unsafe { (api.timings_create)(config.as_ptr(), data.as_ptr().cast(), data.len()) };
            Owned::new(timings, api.timings_destroy)
        };
        let earlier = options.timings.as_ref().filter(|_| self.has_timings())?;
        attach(earlier).or_else(|| {
            let (_, said) = faults.take();
            self.log
                .write(LogLevel::Warning, format_args!("the timings of earlier builds are not used: {said}"));
            attach(&[])
        })
    }
}
