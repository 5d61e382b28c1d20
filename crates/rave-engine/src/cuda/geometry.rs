//! How frames of one geometry go through a model, and what a lane is made of for that.

use rave_core::tiling::TilePlan;
use rave_core::{ElementType, Error, Result, Size, Status, TensorShape};
use rave_cuda::{
    DeviceTiler, LumaGeometry, LumaPackKernel, PackKernel, PixelKernels, ScratchOnDevice, Stream,
    TensorBatchOnDevice, TensorOnDevice, TileElements, UnpackKernel, element_bytes, tiles_together,
};

use super::device::CudaDevice;
use super::model::{BoundContext, Profile, TensorRtModel};
use super::program::{Pack, Program, Tiles};
use crate::SessionOptions;
use crate::model::Model;
use crate::tile_choice;

/// What every lane of a session has in common.
#[derive(Debug)]
pub(super) struct Geometry<'a> {
    model: &'a Model,
    tensorrt: &'a TensorRtModel,
    device: &'a CudaDevice,
    options: &'a SessionOptions,
    profile: (u32, Profile),
    kernels: PixelKernels,
    /// The size of a tile; `None` for frames that go through whole.
    tile: Option<Size>,
    pub(super) output_size: Size,
    /// How many frames go through together.
    pub(super) batch: u32,
}

/// Where memory comes from: an address of as many bytes as asked for.
pub(super) type Take<'a> = dyn FnMut(usize) -> Result<u64> + 'a;

impl<'a> Geometry<'a> {
    pub(super) fn new(
        model: &'a Model,
        tensorrt: &'a TensorRtModel,
        device: &'a CudaDevice,
        options: &'a SessionOptions,
    ) -> Result<Self> {
        let size = options.size.checked("frame")?;
        let contract = model.contract();
        let asked = tile_choice::asked(options, contract.fixed_size())?;
        let profile = tensorrt.profile_for(asked.unwrap_or(size))?;
        let Profile { sizes, batch: largest_batch } = profile.1;
        let fits = |whole: Size| size.width <= whole.width && size.height <= whole.height;
        let tile = match asked {
            Some(tile) => (!fits(tile)).then_some(tile),
            None => (!fits(sizes.max)).then(|| {
                let best = sizes.best;
                // Along an axis that fits there is nothing to cut.
                let side = |frame: u32, best: u32, most: u32| if frame <= most { frame } else { best };
                Size::new(
                    side(size.width, best.width, sizes.max.width),
                    side(size.height, best.height, sizes.max.height),
                )
            }),
        };
        let batch = options.batch.max(1);
        // RV-ENG-1313
        if batch > largest_batch {
            return Err(Error::new(Status::InvalidParameter, format!("batch {batch}"))
                .expected(format!("1 to {largest_batch}, the batches that the engine takes")));
        }
        Ok(Geometry {
            model,
            tensorrt,
            device,
            options,
            profile,
            kernels: device.kernels()?,
            output_size: contract.scale.apply(size)?,
            batch: if tile.is_some() { 1 } else { batch },
            tile,
        })
    }

    /// Makes what a lane carries out, and says how many tiles a frame is made of. `stream` is the lane's.
    pub(super) fn program(&self, stream: &Stream, take: &mut Take<'_>) -> Result<(Program, u32)> {
        match self.tile {
            None => self.whole(take).map(|program| (program, 1)),
            Some(tile) => self.tiled(tile, stream, take),
        }
    }

    fn whole(&self, take: &mut Take<'_>) -> Result<Program> {
        let contract = self.model.contract();
        let types = (contract.input_type, contract.output_type);
        let mut context = self.tensorrt.bind(self.profile, self.options.size, self.batch)?;
        let (inputs, outputs) = memory(&mut context, types, self.batch as usize, take)?;
        let pack = self.pack(types.1, context.output, take)?;
        Ok(Program {
            unpack: self.unpack(types.0, context.input.size)?,
            pack,
            tiles: None,
            white: self.model.values(),
            inputs: tensors(&inputs)?,
            outputs: tensors(&outputs)?,
            context,
        })
    }

    fn tiled(&self, tile: Size, stream: &Stream, take: &mut Take<'_>) -> Result<(Program, u32)> {
        let contract = self.model.contract();
        let types = (contract.input_type, contract.output_type);
        // The size that the network takes, which may be larger, is the size of the tiles.
        let probe = self.tensorrt.bind(self.profile, tile, 1)?.input.size;
        let plan: TilePlan = tile_choice::plan(self.options, probe, contract.scale)?;
        // All that the engine takes at a time, unless less was asked for.
        let most = if self.options.batch > 1 { self.options.batch } else { self.profile.1.batch };
        let batch = most.min(plan.count() as u32);
        let mut context = self.tensorrt.bind(self.profile, probe, batch)?;
        let each = [(context.input, types.0), (context.output, types.1)]
            .map(|(shape, element)| shape.elements() * element_bytes(element));
        let together = tiles_together(plan.count(), batch as usize, each);
        let (input, output) = memory(&mut context, types, together, take)?;
        let elements = TileElements { canvas: ElementType::F32, input: types.0, output: types.1 };
        let tiler =
            DeviceTiler::new(&self.kernels, stream, &plan, contract.scale, contract.channels, elements)?;
        let mut canvas = |shape: TensorShape| {
            let address = take(shape.elements() * element_bytes(ElementType::F32))?;
            // SAFETY: memory of the lane, used by its work alone, in the order of its one stream.
            unsafe { TensorOnDevice::new(address, ElementType::F32, shape) }
        };
        let (from, to) = (canvas(tiler.input_canvas())?, canvas(tiler.output_canvas())?);
        let pack = self.pack(ElementType::F32, to.shape(), take)?;
        let program = Program {
            unpack: self.unpack(ElementType::F32, from.shape().size)?,
            pack,
            tiles: Some(Tiles { tiler, input, output, batch: batch as usize }),
            white: self.model.values(),
            inputs: vec![from],
            outputs: vec![to],
            context,
        };
        Ok((program, plan.count() as u32))
    }

    fn unpack(&self, element: ElementType, tensor: Size) -> Result<UnpackKernel> {
        let SessionOptions { input_format, size, .. } = *self.options;
        let channels = self.model.contract().channels;
        UnpackKernel::new(&self.kernels, input_format, size, element, channels, tensor)
    }

    fn pack(&self, element: ElementType, tensor: TensorShape, take: &mut Take<'_>) -> Result<Pack> {
        let SessionOptions { input_format, output_format, size: visible, dither, .. } = *self.options;
        let (size, tensor) = (self.output_size, tensor.size);
        let contract = self.model.contract();
        if contract.channels != 1 {
            return PackKernel::new(&self.kernels, output_format, size, element, tensor, dither)
                .map(Pack::Rgb);
        }
        let geometry = LumaGeometry {
            input_format,
            visible,
            output_format,
            scale: contract.scale,
            element,
            tensor,
            dither,
        };
        let kernel = Box::new(LumaPackKernel::new(&self.kernels, &geometry)?);
        let bytes = kernel.scratch_bytes();
        // SAFETY: memory of the lane, used by its work alone, in the order of its one stream.
        let scratch = unsafe { ScratchOnDevice::new(take(bytes)?, bytes) };
        Ok(Pack::Luma { kernel, scratch })
    }

    /// The device that lanes take their memory from.
    pub(super) fn device(&self) -> &CudaDevice {
        self.device
    }
}

/// Gives a context its memory: `count` tensors on either side, at least those of its batch, which is set to the first.
fn memory(
    context: &mut BoundContext,
    types: (ElementType, ElementType),
    count: usize,
    take: &mut Take<'_>,
) -> Result<(TensorBatchOnDevice, TensorBatchOnDevice)> {
    let bytes = |shape: TensorShape, element| shape.elements() * element_bytes(element) * count;
    let scratch = take(context.scratch_bytes)?;
    let input = take(bytes(context.input, types.0))?;
    let output = take(bytes(context.output, types.1))?;
    // SAFETY: the memory has these sizes; it belongs to the lane that the context will belong to, which waits for its work
    // before it gives the memory up. The tensors are used by the work of that lane alone.
    unsafe {
        context.set_scratch(scratch)?;
        context.set_tensors(input, output)?;
        Ok((
            TensorBatchOnDevice::new(input, types.0, context.input, count)?,
            TensorBatchOnDevice::new(output, types.1, context.output, count)?,
        ))
    }
}

/// The tensors of a batch one by one.
fn tensors(batch: &TensorBatchOnDevice) -> Result<Vec<TensorOnDevice>> {
    let first = batch.first();
    (0..batch.count())
        // SAFETY: each lies in the batch, which is described under the same promise.
        .map(|index| unsafe { TensorOnDevice::new(batch.address_of(index), first.element(), first.shape()) })
        .collect()
}
