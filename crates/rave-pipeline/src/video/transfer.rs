//! Pictures between host memory and a GPU.

use rave_core::{PixelFormat, Result, Size};
use rave_engine::Readback;
use rave_ffmpeg::{FrameFormat, FramePool, HardwareFrames};

use super::cuda_inference::describe;
use super::encoding::Encoding;
use super::engine::Gpu;
use super::picture::Picture;
use super::repack::Repack;
use crate::{FrameStage, Outlet};

/// Brings pictures to a GPU that its decoder did not put there.
#[derive(Debug)]
pub(crate) struct Upload {
    repack: Option<Repack>,
    frames: HardwareFrames,
}

impl Upload {
    /// For pictures of `size` and `from`, which become `to` there.
    pub(crate) fn new(gpu: &Gpu, from: PixelFormat, to: PixelFormat, size: Size) -> Result<Self> {
        let repack = (from != to).then(|| Repack::new(from, to, size, None)).transpose()?;
        Ok(Upload { repack, frames: HardwareFrames::new(&gpu.hardware, to, size)? })
    }
}

impl FrameStage<Picture> for Upload {
    fn process(&mut self, mut picture: Picture, out: &mut Outlet<Picture>) -> Result<()> {
        if matches!(picture.format(), FrameFormat::Cuda(_)) {
            return out.send(picture);
        }
        if let Some(repack) = &mut self.repack {
            let mut repacked = out.blank()?;
            repack.run(&picture.frame, &mut repacked.frame)?;
            repacked.follow(&mut picture)?;
            out.recycle(std::mem::replace(&mut picture, repacked));
        }
        let mut uploaded = out.blank()?;
        self.frames.take(&mut uploaded.frame)?;
        uploaded.frame.upload_from(&picture.frame)?;
        uploaded.follow(&mut picture)?;
        out.recycle(picture);
        out.send(uploaded)
    }
}

/// Brings pictures from a GPU to an encoder that takes them in host memory, in its format. The GPU goes on with the next
/// picture meanwhile.
#[derive(Debug)]
pub(crate) struct Download {
    readback: Readback,
    pool: FramePool,
    repack: Option<Repack>,
}

impl Download {
    /// For pictures of `size`, as `encoding` has them.
    pub(crate) fn new(gpu: &Gpu, encoding: &Encoding, size: Size) -> Result<Self> {
        let from = encoding.format;
        Ok(Download {
            readback: Readback::new(&gpu.cuda)?,
            pool: FramePool::new(from, size)?,
            repack: encoding.repack(size)?,
        })
    }
}

impl FrameStage<Picture> for Download {
    // RV-PIPE-2304
    fn process(&mut self, mut picture: Picture, out: &mut Outlet<Picture>) -> Result<()> {
        let mut host = out.blank()?;
        self.pool.take(&mut host.frame)?;
        self.readback.copy(&describe(&picture.frame)?, &mut host.frame.view_mut()?)?;
        host.frame.copy_properties(&picture.frame)?;
        if let Some(repack) = &mut self.repack {
            let mut repacked = out.blank()?;
            repack.run(&host.frame, &mut repacked.frame)?;
            out.recycle(std::mem::replace(&mut host, repacked));
        }
        host.follow(&mut picture)?;
        out.recycle(picture);
        out.send(host)
    }
}

/// Brings pictures in host memory into what the encoder takes.
#[derive(Debug)]
pub(crate) struct Convert(pub(crate) Repack);

impl FrameStage<Picture> for Convert {
    fn process(&mut self, mut picture: Picture, out: &mut Outlet<Picture>) -> Result<()> {
        let mut converted = out.blank()?;
        self.0.run(&picture.frame, &mut converted.frame)?;
        converted.follow(&mut picture)?;
        out.recycle(picture);
        out.send(converted)
    }
}
