//! Kernels of a user's own, compiled while the program runs.

use rave_core::{Error, Result, Status};

use crate::module::{Kernel, LaunchDims, Module};
use crate::nvrtc::Nvrtc;
use crate::{Device, FrameOnDevice, Stream};

/// What every source of a user begins with.
const PRELUDE: &str = "\
struct RavePlane {
    unsigned char *data;        // the first row
    unsigned long long pitch;   // bytes from one row to the next
    unsigned width;             // samples of a row
    unsigned height;            // rows
    unsigned sample_bytes;      // 1, or 2 where samples have more than 8 bits
    unsigned plane;             // 0 is Y', or all of RGB; see the pixel format
};
#line 1
";

/// Threads of a block in x and y.
const BLOCK: (u32, u32) = (32, 8);

/// As `RavePlane` of [`PRELUDE`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct PlaneParams {
    data: u64,
    pitch: u64,
    width: u32,
    height: u32,
    sample_bytes: u32,
    plane: u32,
}

/// A kernel of a user's own, which changes frames in their place.
#[derive(Clone, Debug)]
pub struct UserKernel {
    kernel: Kernel,
}

impl UserKernel {
    /// Compiles CUDA C++ by NVRTC. `source` has a function
    ///
    /// ```c
    /// extern "C" __global__ void name(RavePlane plane)
    /// ```
    ///
    /// which is launched for each plane of a frame, with a thread for each sample: column `blockIdx.x * blockDim.x +
    /// threadIdx.x` and row `blockIdx.y * blockDim.y + threadIdx.y`. Threads beyond `width` and `height` do nothing.
    /// `RavePlane` is declared before the source: `data`, `pitch` (bytes), `width` (samples), `height` (rows), `sample_bytes`,
    /// `plane` (its number).
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`] without NVRTC, [`Status::KernelLaunchFailed`] with the compiler's messages,
    /// [`Status::DeviceLost`].
    ///
    /// # Safety
    /// The source becomes code that runs on the GPU: it reads and writes nothing but the plane that it is given.
    // RV-CUDA-1502
    pub unsafe fn compile(device: &Device, name: &str, source: &str) -> Result<Self> {
        let info = device.info();
        let nvrtc = Nvrtc::open(info.driver_cuda)?;
        let ptx = nvrtc.compile(name, &format!("{PRELUDE}{source}"), info.compute_capability)?;
        // SAFETY: the compiler has written it, whole and with its NUL; that it may run is the caller's promise.
        let module = unsafe { Module::load(device, name, &ptx) }?;
        Ok(UserKernel { kernel: module.kernel(name)? })
    }

    /// Enqueues the kernel for each plane of `frame`, the visible part of which must be all of it.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a frame with a crop; [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
    // RV-CUDA-1502
    pub fn launch(&self, stream: &Stream, frame: &FrameOnDevice) -> Result<()> {
        if frame.visible() != rave_core::Rect::of(frame.size()) {
            return Err(Error::new(Status::InvalidParameter, "a kernel of the user's for a cropped frame")
                .expected("one without a crop"));
        }
        let (format, size) = (frame.format(), frame.size());
        let layout = format.layout();
        for (index, plane) in frame.planes().iter().enumerate().take(layout.planes) {
            let (row, rows) = (format.row_bytes(index, size.width), format.plane_size(index, size).height);
            let params = PlaneParams {
                data: plane.address,
                pitch: plane.pitch as u64,
                width: (row / layout.sample_bytes) as u32,
                height: rows,
                sample_bytes: layout.sample_bytes as u32,
                plane: index as u32,
            };
            let dims = LaunchDims {
                grid: (params.width.div_ceil(BLOCK.0), params.height.div_ceil(BLOCK.1)),
                block: BLOCK,
            };
            // SAFETY: the kernel takes this struct, as the prelude declares it; it touches nothing but the plane, which
            // whoever compiled it has promised, and which may be used until the work is done (`FrameOnDevice::new`).
            unsafe { self.kernel.launch(stream, dims, &params) }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// RV-CUDA-1501
    #[test]
    fn a_source_has_the_struct_and_its_own_line_numbers() {
        let Ok(nvrtc) = Nvrtc::open(13_000).inspect_err(|error| eprintln!("skipped: {error}")) else {
            return;
        };
        let kernel = |body: &str| {
            let source = format!("{PRELUDE}extern \"C\" __global__ void change(RavePlane p) {{\n{body}\n}}");
            nvrtc.compile("change", &source, (9, 0))
        };
        kernel("p.data[p.pitch * (p.height - 1) + p.width - 1] = p.sample_bytes + p.plane;").unwrap();
        let error = kernel("p.colour = 1;").unwrap_err();
        assert!(error.to_string().contains("(2): error") && error.to_string().contains("colour"), "{error}");
    }

    /// RV-CUDA-1502
    #[test]
    fn the_struct_is_laid_out_as_the_prelude_declares_it() {
        let offsets = [
            ("data", offset_of!(PlaneParams, data)),
            ("pitch", offset_of!(PlaneParams, pitch)),
            ("width", offset_of!(PlaneParams, width)),
            ("height", offset_of!(PlaneParams, height)),
            ("sample_bytes", offset_of!(PlaneParams, sample_bytes)),
            ("plane", offset_of!(PlaneParams, plane)),
        ];
        assert_eq!(offsets.map(|(_, offset)| offset), [0, 8, 16, 20, 24, 28]);
        let declared: Vec<_> = PRELUDE.lines().filter_map(|line| line.split_once(';')).collect();
        for ((name, _), (field, _)) in offsets.iter().zip(&declared) {
            assert!(field.ends_with(name), "{field}: {name}");
        }
    }
}
