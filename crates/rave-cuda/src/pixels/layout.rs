//! Which kernel a pixel format takes, and whether a frame can be accessed 8 pixels at a time.

use rave_core::{ElementType, Error, Layout, PixelFamily, PixelFormat, Result, Status};

use crate::{DevicePlane, FrameOnDevice, TensorOnDevice, element_bytes};

/// Pixels that a thread handles, as `PIXELS` in `kernels/device.cuh`.
pub(super) const PIXELS: u32 = 8;
/// Columns that a block covers: 32 lanes of 8 pixels.
pub(super) const BLOCK_COLUMNS: u32 = 32 * PIXELS;

/// How a format stores pixels, as far as kernels differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// Luma in a plane, chroma in one or two more.
    Yuv { semi_planar: bool, halved_columns: bool, halved_rows: bool },
    /// Four bytes a pixel.
    Packed,
}

impl Storage {
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a format that FFmpeg's CUDA frames cannot have.
    // RV-CUDA-1003
    pub(super) fn of(format: PixelFormat) -> Result<Self> {
        let layout = format.layout();
        let four_bytes = layout.sample_bytes == 1 && layout.components[0].step == 4;
        match layout.family {
            PixelFamily::Yuv => Ok(Storage::Yuv {
                semi_planar: layout.planes == 2,
                halved_columns: layout.log2_chroma_width == 1,
                halved_rows: layout.log2_chroma_height == 1,
            }),
            PixelFamily::Rgb if layout.planes == 1 && four_bytes => Ok(Storage::Packed),
            _ => Err(Error::new(
                Status::UnsupportedFormat,
                format!("{format} frames in device memory"),
            )
            .expected(
                        "nv12, nv16, p010le, p012le, p016le, p210le, p216le, yuv420p, yuv422p, yuv444p or their deeper \
                         forms, rgb0, bgr0, 0rgb or 0bgr",
                    )
                    .help("convert with scale_cuda=format=nv12")),
        }
    }

    /// The part of a kernel's name that stands for this: `semi_planar_420_8` and so on.
    pub(super) fn kernel(self, layout: &Layout) -> String {
        let bits = 8 * layout.sample_bytes;
        match self {
            Storage::Packed => format!("packed_{bits}"),
            Storage::Yuv { semi_planar, halved_columns, halved_rows } => {
                let planes = if semi_planar { "semi_planar" } else { "planar" };
                let chroma = match (halved_columns, halved_rows) {
                    (true, true) => "420",
                    (true, false) => "422",
                    (false, _) => "444",
                };
                format!("{planes}_{chroma}_{bits}")
            }
        }
    }

    /// Whether chroma is as large as luma and in planes of its own, or in the same samples.
    pub(super) fn has_whole_chroma(self) -> bool {
        matches!(self, Storage::Packed | Storage::Yuv { semi_planar: false, halved_columns: false, .. })
    }

    /// The same as far as chroma is read: `semi_planar_8` and so on.
    pub(super) fn chroma_kernel(self, layout: &Layout) -> String {
        let bits = 8 * layout.sample_bytes;
        match self {
            Storage::Packed => format!("packed_{bits}"),
            Storage::Yuv { semi_planar: true, .. } => format!("semi_planar_{bits}"),
            Storage::Yuv { .. } => format!("planar_{bits}"),
        }
    }
}

/// The end of a kernel's name.
pub(super) fn element_suffix(element: ElementType) -> &'static str {
    match element {
        ElementType::F32 => "f32",
        ElementType::F16 => "f16",
    }
}

/// The byte of red, green and blue in a packed pixel; 0, 1, 2 elsewhere.
pub(super) fn bytes(layout: &Layout) -> [u32; 3] {
    match layout.family {
        PixelFamily::Rgb => layout.components.map(|component| component.offset as u32),
        _ => [0, 1, 2],
    }
}

/// Whether every row can be read or written 8 pixels at a time from column `x` on, as the kernels do where they can:
/// 8 samples of luma, 8 of chroma, 4 of each chroma plane of halved width, 8 packed pixels as two 16-byte words.
// RV-CUDA-1005
pub(super) fn frame_is_aligned(frame: &FrameOnDevice, storage: Storage) -> bool {
    planes_are_aligned(frame, storage) && frame.visible().x.is_multiple_of(PIXELS)
}

/// The same from any multiple of 8 columns on, wherever the visible part begins.
pub(super) fn planes_are_aligned(frame: &FrameOnDevice, storage: Storage) -> bool {
    let sample = frame.format().layout().sample_bytes as u64;
    let [first, second, third] = frame.planes();
    let aligned = |plane: DevicePlane, unit: u64| {
        plane.address.is_multiple_of(unit) && (plane.pitch as u64).is_multiple_of(unit)
    };
    match storage {
        Storage::Packed => aligned(first, 16),
        Storage::Yuv { semi_planar: true, .. } => aligned(first, 8 * sample) && aligned(second, 8 * sample),
        Storage::Yuv { halved_columns, .. } => {
            let chroma = if halved_columns { 4 * sample } else { 8 * sample };
            aligned(first, 8 * sample) && aligned(second, chroma) && aligned(third, chroma)
        }
    }
}

/// Whether every row of every channel can be read or written 8 elements at a time, in words of 16 bytes.
pub(super) fn tensor_is_aligned(tensor: &TensorOnDevice) -> bool {
    let row = u64::from(tensor.shape().size.width) * element_bytes(tensor.element()) as u64;
    tensor.address().is_multiple_of(16) && row.is_multiple_of(16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rave_core::{Rect, Size};

    /// RV-CUDA-1003
    #[test]
    fn every_format_that_cuda_frames_have_names_a_kernel() {
        for (format, kernel) in [
            (PixelFormat::Nv12, "semi_planar_420_8"),
            (PixelFormat::P010, "semi_planar_420_16"),
            (PixelFormat::P216, "semi_planar_422_16"),
            (PixelFormat::Yuv420p, "planar_420_8"),
            (PixelFormat::Yuv444p16, "planar_444_16"),
            (PixelFormat::ZeroBgr, "packed_8"),
        ] {
            assert_eq!(Storage::of(format).unwrap().kernel(&format.layout()), kernel);
        }
        for format in [PixelFormat::Gray8, PixelFormat::Rgb24, PixelFormat::Gbrp] {
            assert_eq!(Storage::of(format).unwrap_err().status(), Status::UnsupportedFormat);
        }
    }

    /// RV-CUDA-1005
    #[test]
    fn an_odd_pitch_address_or_crop_is_not_aligned() {
        let aligned = |address, pitch, x| {
            let planes = [DevicePlane { address, pitch }; 2];
            // SAFETY: nothing is launched with this frame.
            let frame = unsafe { FrameOnDevice::new(PixelFormat::Nv12, Size::new(64, 4), &planes) }.unwrap();
            let visible = Rect { x, y: 1, size: Size::new(16, 2) };
            let frame = frame.with_visible(visible).unwrap();
            frame_is_aligned(&frame, Storage::of(PixelFormat::Nv12).unwrap())
        };
        assert!(aligned(512, 64, 8));
        assert!(!aligned(513, 64, 8));
        assert!(!aligned(512, 65, 8));
        assert!(!aligned(512, 64, 4));
    }
}
