//! Frames, tensors and scratch space in device memory, which somebody else owns.

use rave_core::{ElementType, Error, PixelFormat, Rect, Result, Size, Status, TensorShape};

/// One plane: where it begins and how far apart its rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DevicePlane {
    /// Device address of the first row.
    pub address: u64,
    /// Distance between rows in bytes.
    pub pitch: usize,
}

/// A frame in device memory, described, not owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameOnDevice {
    format: PixelFormat,
    size: Size,
    visible: Rect,
    planes: [DevicePlane; 3],
}

impl FrameOnDevice {
    /// A frame of `size`, all of it visible. Planes are in the format's order: FFmpeg stores yuv420p's V before its U in
    /// CUDA frames, but `data[1]` is U as ever.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the size is impossible, a plane is missing, null, or its rows overlap or are
    /// not aligned to the samples.
    ///
    /// # Safety
    /// Each plane's rows, as the format and `size` make them, may be read, and written where it is packed into, in
    /// stream order, from every launch that is given this frame (or a copy of this description) until that work is done.
    // RV-CUDA-1004
    pub unsafe fn new(format: PixelFormat, size: Size, planes: &[DevicePlane]) -> Result<Self> {
        size.checked("frame")?;
        let layout = format.layout();
        let invalid =
            |found: String| Error::new(Status::InvalidParameter, format!("a {size} {format} frame: {found}"));
        if planes.len() < layout.planes {
            return Err(invalid(format!("{} planes", planes.len())).expected(layout.planes.to_string()));
        }
        let mut checked = [DevicePlane::default(); 3];
        for (index, plane) in planes.iter().enumerate().take(layout.planes) {
            let row = format.row_bytes(index, size.width);
            let rows = format.plane_size(index, size).height;
            if plane.address == 0 {
                return Err(invalid(format!("plane {index} is null")).expected("a device address"));
            }
            if plane.pitch > u32::MAX as usize || (rows > 1 && plane.pitch < row) {
                return Err(invalid(format!("plane {index} has a pitch of {} bytes", plane.pitch))
                    .expected(format!("at least {row} and less than 4 GiB")));
            }
            let unit = layout.sample_bytes;
            if !plane.address.is_multiple_of(unit as u64) || !plane.pitch.is_multiple_of(unit) {
                return Err(invalid(format!(
                    "plane {index} at {:#x} with a pitch of {} bytes",
                    plane.address, plane.pitch
                ))
                .expected(format!("multiples of {unit} bytes")));
            }
            checked[index] = *plane;
        }
        Ok(FrameOnDevice { format, size, visible: Rect::of(size), planes: checked })
    }

    /// Restricts the frame to `visible` (FFmpeg's pending `crop_*`).
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the rectangle is empty or reaches outside the frame.
    pub fn with_visible(mut self, visible: Rect) -> Result<Self> {
        let Rect { x, y, size } = visible;
        let fits = |start: u32, extent: u32, limit: u32| {
            extent > 0 && start.checked_add(extent).is_some_and(|end| end <= limit)
        };
        if fits(x, size.width, self.size.width) && fits(y, size.height, self.size.height) {
            self.visible = visible;
            return Ok(self);
        }
        Err(Error::new(Status::InvalidParameter, format!("crop to {size} at ({x}, {y})"))
            .expected(format!("a rectangle inside the {} frame", self.size)))
    }

    /// The pixel format.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The size of the stored picture, before cropping.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The part that is to be processed.
    #[must_use]
    pub fn visible(&self) -> Rect {
        self.visible
    }

    /// The planes, those that the format has not being zero.
    #[must_use]
    pub fn planes(&self) -> [DevicePlane; 3] {
        self.planes
    }
}

/// A contiguous NCHW tensor in device memory, described, not owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorOnDevice {
    address: u64,
    element: ElementType,
    shape: TensorShape,
}

impl TensorOnDevice {
    /// A tensor of `shape` at `address`.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the address is null or not aligned to the elements, or the size is impossible.
    ///
    /// # Safety
    /// The elements may be read, and written where it is unpacked into, in stream order, from every launch that is given
    /// this tensor (or a copy of this description) until that work is done.
    pub unsafe fn new(address: u64, element: ElementType, shape: TensorShape) -> Result<Self> {
        shape.size.checked("tensor")?;
        let unit = element_bytes(element) as u64;
        if address == 0 || !address.is_multiple_of(unit) {
            return Err(Error::new(Status::InvalidParameter, format!("a {element} tensor at {address:#x}"))
                .expected(format!("a device address that is a multiple of {unit}")));
        }
        Ok(TensorOnDevice { address, element, shape })
    }

    /// The device address.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The element type.
    #[must_use]
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> TensorShape {
        self.shape
    }
}

/// Contiguous NCHW tensors of one shape, one behind the other: a model's batch. Described, not owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorBatchOnDevice {
    first: TensorOnDevice,
    count: usize,
}

impl TensorBatchOnDevice {
    /// `count` tensors of `shape` from `address` on.
    ///
    /// # Errors
    /// As [`TensorOnDevice::new`]; [`Status::InvalidParameter`] when `count` is 0.
    ///
    /// # Safety
    /// As [`TensorOnDevice::new`], for the elements of all of them.
    pub unsafe fn new(address: u64, element: ElementType, shape: TensorShape, count: usize) -> Result<Self> {
        if count == 0 {
            return Err(Error::new(Status::InvalidParameter, "a batch of 0 tensors").expected("at least 1"));
        }
        // SAFETY: by the contract.
        let first = unsafe { TensorOnDevice::new(address, element, shape) }?;
        Ok(TensorBatchOnDevice { first, count })
    }

    /// The first tensor, behind which the others lie.
    #[must_use]
    pub fn first(&self) -> TensorOnDevice {
        self.first
    }

    /// The number of tensors.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Where tensor `index` begins, which is where the last one ends for an `index` of [`TensorBatchOnDevice::count`].
    #[must_use]
    pub fn address_of(&self, index: usize) -> u64 {
        let each = self.first.shape().elements() * element_bytes(self.first.element());
        self.first.address() + (index * each) as u64
    }
}

/// Device memory that a launch uses for itself, described, not owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScratchOnDevice {
    address: u64,
    bytes: usize,
}

impl ScratchOnDevice {
    /// `bytes` at `address`.
    ///
    /// # Safety
    /// The memory may be read and written, in stream order, from every launch that is given this (or a copy of it) until
    /// that work is done, and nothing else uses it in that time.
    #[must_use]
    pub unsafe fn new(address: u64, bytes: usize) -> Self {
        ScratchOnDevice { address, bytes }
    }

    /// The device address.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The bytes that an element takes.
#[must_use]
pub const fn element_bytes(element: ElementType) -> usize {
    match element {
        ElementType::F32 => 4,
        ElementType::F16 => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(format: PixelFormat, planes: &[(u64, usize)]) -> Result<FrameOnDevice> {
        let planes: Vec<_> = planes.iter().map(|&(address, pitch)| DevicePlane { address, pitch }).collect();
        // SAFETY: nothing is launched with these frames.
        unsafe { FrameOnDevice::new(format, Size::new(6, 4), &planes) }
    }

    /// RV-CUDA-1004
    #[test]
    fn a_frame_that_kernels_could_not_read_is_refused() {
        assert!(frame(PixelFormat::Nv12, &[(512, 6), (1024, 6)]).is_ok());
        for planes in
            [&[(512, 6)][..], &[(512, 5), (1024, 6)], &[(0, 6), (1024, 6)], &[(512, 1 << 32), (1024, 6)]]
        {
            let error = frame(PixelFormat::Nv12, planes).unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter, "{error}");
        }
        assert!(frame(PixelFormat::P010, &[(512, 12), (1024, 12)]).is_ok());
        assert!(frame(PixelFormat::P010, &[(513, 12), (1024, 12)]).is_err());
        assert!(frame(PixelFormat::P010, &[(512, 13), (1024, 12)]).is_err());
    }

    /// RV-CUDA-1004
    #[test]
    fn a_crop_must_lie_inside() {
        let frame = frame(PixelFormat::Nv12, &[(512, 6), (1024, 6)]).unwrap();
        let rect = |x, y, width, height| Rect { x, y, size: Size::new(width, height) };
        assert!(frame.with_visible(rect(1, 1, 5, 3)).is_ok());
        for outside in [rect(1, 1, 6, 3), rect(0, 0, 6, 0), rect(u32::MAX, 0, 2, 1)] {
            assert!(frame.with_visible(outside).is_err());
        }
    }

    /// RV-CUDA-1004
    #[test]
    fn a_tensor_is_aligned_to_its_elements() {
        let shape = TensorShape { channels: 3, size: Size::new(2, 2) };
        // SAFETY: nothing is launched with these tensors.
        let new = |address, element| unsafe { TensorOnDevice::new(address, element, shape) };
        assert!(new(2, ElementType::F16).is_ok());
        assert!(new(2, ElementType::F32).is_err());
        assert!(new(0, ElementType::F16).is_err());
        // SAFETY: as above.
        let batch = |count| unsafe { TensorBatchOnDevice::new(2, ElementType::F16, shape, count) };
        assert_eq!(batch(2).unwrap().count(), 2);
        assert!(batch(0).is_err());
    }
}
