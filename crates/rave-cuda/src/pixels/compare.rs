//! Whether two frames are equal.

use rave_core::{Error, PixelFamily, Result, Status};

use super::PixelKernels;
use super::params::CompareParams;
use crate::memory::MappedWord;
use crate::module::{Kernel, LaunchDims};
use crate::{Device, FrameOnDevice, Stream};

/// Rows and warps of a block, as `BLOCK_ROWS` in `kernels/compare.cu`.
const BLOCK_ROWS: u32 = 8;
/// Bytes of a row that a block covers, as `BLOCK_BYTES` in `kernels/compare.cu`.
const BLOCK_BYTES: u32 = 2048;

/// Compares frames on the device, byte for byte.
#[derive(Clone, Debug)]
pub struct FrameComparer {
    kernel: Kernel,
}

/// What comparisons have found. It lies in host memory that the device writes to: nothing is copied. Comparisons whose
/// results are wanted apart need one each.
#[derive(Debug)]
pub struct FrameDifference {
    found: MappedWord,
}

impl FrameDifference {
    /// One that nothing was found yet for.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`], [`Status::DeviceLost`].
    pub fn new(device: &Device) -> Result<Self> {
        Ok(FrameDifference { found: MappedWord::new(device)? })
    }

    /// Whether a comparison since the last call found a difference. Call it only after the comparisons have ended, that
    /// is once an event recorded after them [is done](crate::Event::is_done): before, what is found meanwhile may be lost.
    #[must_use]
    pub fn take(&self) -> bool {
        self.found.take() != 0
    }
}

impl FrameComparer {
    /// Prepares for frames of any format and size.
    ///
    /// # Errors
    /// [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
    pub fn new(kernels: &PixelKernels) -> Result<Self> {
        Ok(FrameComparer { kernel: kernels.compare.kernel("compare")? })
    }

    /// Enqueues comparing the visible parts of two frames, chroma that covers them included: all bytes of their samples,
    /// and none beside. Allocates nothing, and can be recorded by [`Stream::capture`].
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when formats or visible sizes differ, or when the visible parts begin in different
    /// places of a chroma sample; [`Status::KernelLaunchFailed`], [`Status::DeviceLost`].
    pub fn compare(
        &self,
        stream: &Stream,
        a: &FrameOnDevice,
        b: &FrameOnDevice,
        difference: &FrameDifference,
    ) -> Result<()> {
        let (dims, params) = plan(a, b, difference.found.address())?;
        // SAFETY: the kernel takes CompareParams, whose layout both sides assert. It reads visible samples of both frames,
        // which may be used until the work is done by the contract of `FrameOnDevice::new`, and writes the word, which
        // is freed only after the device is done with it.
        unsafe { self.kernel.launch(stream, dims, &params) }
    }
}

/// `differs` is the address of the word to write.
pub(super) fn plan(
    a: &FrameOnDevice,
    b: &FrameOnDevice,
    differs: u64,
) -> Result<(LaunchDims, CompareParams)> {
    let mut params = CompareParams {
        differs,
        a: [0; 3],
        b: [0; 3],
        pitch_a: [0; 3],
        pitch_b: [0; 3],
        row_bytes: [0; 3],
        rows: [0; 3],
        first_block: [i32::MAX; 3],
        reserved: 0,
    };
    let describe = |frame: &FrameOnDevice| {
        let visible = frame.visible();
        format!("{} {} visible at ({}, {})", visible.size, frame.format(), visible.x, visible.y)
    };
    let (mut blocks, mut widest) = (0, 0);
    for index in 0..a.format().layout().planes {
        let (of_a, of_b) = (VisiblePlane::of(a, index), VisiblePlane::of(b, index));
        let alike = (of_a.row_bytes, of_a.rows) == (of_b.row_bytes, of_b.rows);
        if a.format() != b.format() || a.visible().size != b.visible().size || !alike {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("frames to compare: {}, and {}", describe(a), describe(b)),
            )
            .expected("equal formats, sizes and places within chroma samples"));
        }
        (params.a[index], params.b[index]) = (of_a.address, of_b.address);
        (params.pitch_a[index], params.pitch_b[index]) = (of_a.pitch, of_b.pitch);
        (params.row_bytes[index], params.rows[index]) = (of_a.row_bytes as i32, of_a.rows as i32);
        params.first_block[index] = blocks as i32;
        blocks += of_a.rows.div_ceil(BLOCK_ROWS);
        widest = widest.max(of_a.row_bytes);
    }
    let dims = LaunchDims { grid: (widest.div_ceil(BLOCK_BYTES), blocks), block: (32, BLOCK_ROWS) };
    Ok((dims, params))
}

/// Where the samples of a plane that cover the visible part lie.
struct VisiblePlane {
    address: u64,
    pitch: u32,
    row_bytes: u32,
    rows: u32,
}

impl VisiblePlane {
    // RV-CUDA-1007
    fn of(frame: &FrameOnDevice, plane: usize) -> Self {
        let (format, visible) = (frame.format(), frame.visible());
        let layout = format.layout();
        let (log2_width, log2_height) = match layout.family {
            PixelFamily::Yuv if plane > 0 => (layout.log2_chroma_width, layout.log2_chroma_height),
            _ => (0, 0),
        };
        let samples = |start: u32, extent: u32, log2: u32| {
            (start >> log2, ((start + extent - 1) >> log2) - (start >> log2) + 1)
        };
        let (left, columns) = samples(visible.x, visible.size.width, log2_width);
        let (top, rows) = samples(visible.y, visible.size.height, log2_height);
        let column_bytes = format.row_bytes(plane, 1) as u32;
        let memory = frame.planes()[plane];
        VisiblePlane {
            address: memory.address + u64::from(top) * memory.pitch as u64 + u64::from(left * column_bytes),
            pitch: memory.pitch as u32,
            row_bytes: columns * column_bytes,
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DevicePlane;
    use rave_core::{PixelFormat, Rect, Size};

    fn frame(format: PixelFormat, visible: Rect) -> FrameOnDevice {
        let planes = [DevicePlane { address: 4096, pitch: 64 }; 3];
        // SAFETY: nothing is launched with this frame.
        let frame = unsafe { FrameOnDevice::new(format, Size::new(64, 32), &planes) }.unwrap();
        frame.with_visible(visible).unwrap()
    }

    fn rect(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, size: Size::new(width, height) }
    }

    #[test]
    fn chroma_that_a_crop_covers_in_part_is_compared() {
        let odd = frame(PixelFormat::Nv12, rect(3, 5, 4, 2));
        let (dims, params) = plan(&odd, &odd, 8).unwrap();
        // Luma columns 3 to 6 and rows 5 and 6 lie in chroma columns 1 to 3, of 2 bytes, and rows 2 and 3.
        assert_eq!((params.row_bytes, params.rows), ([4, 6, 0], [2, 2, 0]));
        assert_eq!(params.a, [4096 + 5 * 64 + 3, 4096 + 2 * 64 + 2, 0]);
        assert_eq!(params.first_block, [0, 1, i32::MAX]);
        assert_eq!(dims, LaunchDims { grid: (1, 2), block: (32, 8) });
    }

    #[test]
    fn frames_that_have_no_common_samples_are_refused() {
        let whole = frame(PixelFormat::Nv12, rect(0, 0, 4, 4));
        assert!(plan(&whole, &frame(PixelFormat::Nv12, rect(2, 2, 4, 4)), 8).is_ok());
        for other in [
            frame(PixelFormat::Nv12, rect(1, 0, 4, 4)),
            frame(PixelFormat::Nv12, rect(0, 3, 4, 4)),
            frame(PixelFormat::Nv12, rect(0, 0, 4, 6)),
            frame(PixelFormat::Nv16, rect(0, 0, 4, 4)),
            frame(PixelFormat::Yuv420p, rect(0, 0, 4, 4)),
        ] {
            assert_eq!(plan(&whole, &other, 8).unwrap_err().status(), Status::InvalidParameter, "{other:?}");
            assert_eq!(plan(&other, &whole, 8).unwrap_err().status(), Status::InvalidParameter, "{other:?}");
        }
    }
}
