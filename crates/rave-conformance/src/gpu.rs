//! The pixel kernels of a GPU.

use rave_core::{ElementType, Error, PixelFormat, Result, Scale, Size, Status, TensorShape, ValueRange};
use rave_cuda::{
    Device, DeviceBuffer, DevicePlane, FrameOnDevice, NonFiniteCounter, PackKernel, PixelKernels, Stream,
    TensorOnDevice, UnpackKernel,
};

use crate::color::Color;
use crate::kernels::Kernels;
use crate::picture::{Picture, empty_planes};

/// Planes begin at multiples of this many bytes, as cuMemAllocPitch has it.
const ALIGNMENT: usize = 512;

/// Those of rave-cuda, on the first GPU.
pub(crate) struct Gpu {
    stream: Stream,
    kernels: PixelKernels,
    name: String,
}

impl Gpu {
    /// Makes a context on the first GPU.
    ///
    /// # Errors
    /// [`rave_core::Status::DeviceNotFound`] where there is none.
    // RV-CONF-1008
    pub(crate) fn open() -> Result<Self> {
        let device = Device::create(0)?;
        let name = format!("those of {} (rave-cuda)", device.info().name);
        Ok(Gpu { stream: Stream::create(&device)?, kernels: PixelKernels::load(&device)?, name })
    }

    /// A copy of `bytes` on the device.
    fn upload(&self, bytes: &[u8]) -> Result<DeviceBuffer> {
        let buffer = DeviceBuffer::new(self.stream.device(), bytes.len())?;
        buffer.upload(&self.stream, 0, bytes)?;
        Ok(buffer)
    }

    fn tensor(&self, memory: &DeviceBuffer, shape: TensorShape) -> Result<TensorOnDevice> {
        // SAFETY: callers pass memory of that many fp32 elements, and keep it until they have waited for the stream.
        unsafe { TensorOnDevice::new(memory.address(), ElementType::F32, shape) }
    }
}

/// A frame's planes in one block.
struct Block {
    planes: Vec<(usize, usize)>,
    bytes: Vec<u8>,
}

impl Block {
    fn of(planes: &[Vec<u8>]) -> Self {
        let mut block = Block { planes: Vec::new(), bytes: Vec::new() };
        for plane in planes {
            block.bytes.resize(block.bytes.len().next_multiple_of(ALIGNMENT), 0);
            block.planes.push((block.bytes.len(), plane.len()));
            block.bytes.extend_from_slice(plane);
        }
        block
    }

    fn on_device(&self, memory: &DeviceBuffer, format: PixelFormat, size: Size) -> Result<FrameOnDevice> {
        let planes: Vec<DevicePlane> = self
            .planes
            .iter()
            .enumerate()
            .map(|(index, &(start, _))| DevicePlane {
                address: memory.address() + start as u64,
                pitch: format.row_bytes(index, size.width),
            })
            .collect();
        // SAFETY: the planes lie inside the memory, which is a copy of this block's bytes; callers keep it until they have
        // waited for the stream.
        unsafe { FrameOnDevice::new(format, size, &planes) }
    }

    /// The planes out of a block of this layout.
    fn planes_of(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.planes.iter().map(|&(start, length)| bytes[start..][..length].to_vec()).collect()
    }
}

impl Kernels for Gpu {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn may_lack_formats(&self) -> bool {
        true
    }

    fn unpack(&mut self, picture: &Picture, color: Color, channels: usize) -> Result<Vec<f32>> {
        let size = picture.size;
        let kernel =
            UnpackKernel::new(&self.kernels, picture.format, size, ElementType::F32, channels as u32, size)?;
        let block = Block::of(&picture.planes());
        let source = self.upload(&block.bytes)?;
        let mut bytes = vec![0xff; 4 * kernel.tensor().elements()];
        let target = self.upload(&bytes)?;
        let frame = block.on_device(&source, picture.format, size)?;
        let tensor = self.tensor(&target, kernel.tensor())?;
        kernel.launch(&self.stream, &frame, color.rave(), ValueRange::Unit, &tensor)?;
        // Waits for the stream.
        target.download(&self.stream, 0, &mut bytes)?;
        let values =
            bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes")));
        Ok(values.collect())
    }

    fn pack(
        &mut self,
        tensor: &[f32],
        format: PixelFormat,
        size: Size,
        color: Color,
        dither: bool,
    ) -> Result<Picture> {
        let kernel = PackKernel::new(&self.kernels, format, size, ElementType::F32, size, dither)?;
        let bytes: Vec<u8> = tensor.iter().flat_map(|value| value.to_le_bytes()).collect();
        let source = self.upload(&bytes)?;
        let mut block = Block::of(&empty_planes(format, size));
        let target = self.upload(&block.bytes)?;
        let counter = NonFiniteCounter::new(self.stream.device())?;
        let (frame, tensor) =
            (block.on_device(&target, format, size)?, self.tensor(&source, kernel.tensor())?);
        let white = ValueRange::Unit;
        kernel.launch(&self.stream, &tensor, white, color.rave(), &frame, Some(&counter))?;
        // Waits for the stream.
        target.download(&self.stream, 0, &mut block.bytes)?;
        counter.check()?;
        Ok(Picture::from_planes(format, size, &block.planes_of(&block.bytes)))
    }

    fn pack_luma(
        &mut self,
        _tensor: &[f32],
        picture: &Picture,
        _color: Color,
        _scale: Scale,
    ) -> Result<Picture> {
        // checkkernel holds this kernel against the CPU's, bit for bit.
        let found = format!("{} frames beside a luma tensor on a GPU", picture.format);
        Err(Error::new(Status::UnsupportedFormat, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_lie_apart_at_aligned_places_and_come_back() {
        let planes = [vec![1; 700], vec![2; 513], vec![3; 1]];
        let block = Block::of(&planes);
        assert_eq!(block.planes, [(0, 700), (1024, 513), (2048, 1)]);
        assert_eq!(block.planes_of(&block.bytes), planes);
    }
}
