//! Pixel kernels: frame to tensor before inference, tensor to frame after it, one launch each, or two for a luma model
//! whose frames have halved chroma.
//!
//! What they compute is defined by [`rave_core::pixels`]; with the same constants and the same order of operations the
//! results are equal to the bit (`checkkernel` shows it on a GPU).

use std::sync::{Arc, OnceLock};

use rave_core::{Error, Result, Size, Status, TensorShape};

use crate::module::{LaunchDims, Module};
use crate::{Device, TensorOnDevice};

mod compare;
mod layout;
mod luma;
mod luma_plan;
mod non_finite;
#[cfg(test)]
mod on_host;
mod pack;
mod params;
mod taps;
mod target;
mod tiles;
mod unpack;

pub use compare::{FrameComparer, FrameDifference};
pub use luma::{LumaFrame, LumaGeometry, LumaPackKernel};
pub use non_finite::NonFiniteCounter;
pub use pack::PackKernel;
pub use tiles::{DeviceTiler, TileElements, tiles_together};
pub use unpack::UnpackKernel;

static UNPACK_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/unpack.image"));
static PACK_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pack.image"));
static COMPARE_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/compare.image"));
static TILES_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tiles.image"));
static SCALE_CHROMA_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scale_chroma.image"));
static PACK_LUMA_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pack_luma.image"));
static PACK_LUMA_WHOLE_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pack_luma_whole.image"));

/// The pixel kernels, compiled for one device. Load them once and share them.
#[derive(Clone, Debug)]
pub struct PixelKernels {
    unpack: Arc<Module>,
    pack: Arc<Module>,
    tiles: Arc<Module>,
    compare: Arc<Module>,
    luma: Arc<OnceLock<LumaModules>>,
    device: Device,
}

/// What only luma models need.
#[derive(Debug)]
struct LumaModules {
    scale_chroma: Arc<Module>,
    pack_luma: Arc<Module>,
    pack_luma_whole: Arc<Module>,
}

impl PixelKernels {
    /// Has the driver compile the embedded PTX (which it caches on disk) and loads the result. What only luma models need
    /// follows with the first of them.
    ///
    /// # Errors
    /// [`Status::KernelLaunchFailed`] when the driver cannot compile for this GPU, [`Status::OutOfMemory`],
    /// [`Status::DeviceLost`].
    pub fn load(device: &Device) -> Result<Self> {
        // SAFETY: the images are what the compiler wrote for kernels/*.cu, with the NUL byte that PTX ends with.
        unsafe {
            Ok(PixelKernels {
                unpack: Module::load(device, "unpack", UNPACK_IMAGE)?,
                pack: Module::load(device, "pack", PACK_IMAGE)?,
                tiles: Module::load(device, "tiles", TILES_IMAGE)?,
                compare: Module::load(device, "compare", COMPARE_IMAGE)?,
                luma: Arc::default(),
                device: device.clone(),
            })
        }
    }

    /// The kernels of luma models; the first call loads them.
    fn luma(&self) -> Result<&LumaModules> {
        if let Some(modules) = self.luma.get() {
            return Ok(modules);
        }
        let device = &self.device;
        // SAFETY: as in `load`.
        let modules = unsafe {
            LumaModules {
                scale_chroma: Module::load(device, "scale_chroma", SCALE_CHROMA_IMAGE)?,
                pack_luma: Module::load(device, "pack_luma", PACK_LUMA_IMAGE)?,
                pack_luma_whole: Module::load(device, "pack_luma_whole", PACK_LUMA_WHOLE_IMAGE)?,
            }
        };
        Ok(self.luma.get_or_init(|| modules))
    }
}

/// Blocks that cover `size`, `rows` rows each, and threads of a block of `warps` warps.
fn launch_dims(size: Size, rows: u32, warps: u32) -> LaunchDims {
    LaunchDims {
        grid: (size.width.div_ceil(layout::BLOCK_COLUMNS), size.height.div_ceil(rows)),
        block: (32, warps),
    }
}

/// The shape of a tensor that has to hold a picture of `size`.
fn checked_shape(what: &str, size: Size, channels: u32, tensor: Size) -> Result<TensorShape> {
    size.checked(what)?;
    tensor.checked("tensor")?;
    if tensor.width < size.width || tensor.height < size.height {
        return Err(Error::new(Status::InvalidParameter, format!("the tensor is {tensor}"))
            .expected(format!("at least the {what}'s {size}")));
    }
    Ok(TensorShape { channels, size: tensor })
}

fn check_tensor(found: &TensorOnDevice, element: rave_core::ElementType, shape: TensorShape) -> Result<()> {
    if (found.element(), found.shape()) == (element, shape) {
        return Ok(());
    }
    Err(Error::new(Status::InvalidParameter, format!("the tensor is {} {}", found.shape(), found.element()))
        .expected(format!("{shape} {element}"))
        .help("prepare the kernel again when shapes change"))
}

fn check_picture(
    what: &str,
    found: (rave_core::PixelFormat, Size),
    expected: (rave_core::PixelFormat, Size),
) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::new(Status::InvalidParameter, format!("{what} is {} {}", found.1, found.0))
        .expected(format!("{} {}", expected.1, expected.0))
        .help("prepare the kernel again when the frames change"))
}
