//! Pictures as the model's session takes them: in a format that RAVE has kernels for, of one size.

use rave_core::{Error, PixelFormat, Result, Size, Status};
use rave_ffmpeg::{Converter, FrameFormat};

use super::picture::Picture;
use crate::{FrameStage, Outlet};

/// What pictures are to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Where pictures are: on a GPU or not.
    pub(crate) on_gpu: bool,
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
}

/// Converts what RAVE has no kernels for, and refuses what changes in the middle.
#[derive(Debug)]
pub(crate) struct Prepare {
    geometry: Geometry,
    converter: Converter,
    number: u64,
}

impl Prepare {
    pub(crate) fn new(geometry: Geometry) -> Self {
        Prepare { geometry, converter: Converter::new(), number: 0 }
    }

    // RV-PIPE-2106
    fn check(&self, picture: &Picture) -> Result<()> {
        let found = Geometry {
            on_gpu: matches!(picture.format(), FrameFormat::Cuda(_)),
            format: match picture.format() {
                FrameFormat::Host(format) | FrameFormat::Cuda(format) => format,
                other => {
                    return Err(Error::new(
                        Status::UnsupportedFormat,
                        format!("picture {}: {other:?}", self.number),
                    )
                    .expected("pixels in a format that RAVE knows"));
                }
            },
            size: picture.size(),
        };
        if found == self.geometry {
            return Ok(());
        }
        let name = |geometry: &Geometry| {
            let place = if geometry.on_gpu { "on the GPU" } else { "in host memory" };
            format!("{} {} {place}", geometry.size, geometry.format)
        };
        Err(Error::new(Status::UnsupportedFormat, format!("picture {} is {}", self.number, name(&found)))
            .expected(format!("{}, as the first was", name(&self.geometry)))
            .help("a video whose pictures change goes through ffmpeg -vf rave, or has to be cut where they change"))
    }
}

impl FrameStage<Picture> for Prepare {
    fn process(&mut self, mut picture: Picture, out: &mut Outlet<Picture>) -> Result<()> {
        if let FrameFormat::Foreign(_) = picture.format() {
            let mut converted = out.blank()?;
            self.converter.convert(&picture.frame, &mut converted.frame)?;
            converted.follow(&mut picture)?;
            out.recycle(std::mem::replace(&mut picture, converted));
        }
        self.check(&picture)?;
        self.number += 1;
        out.send(picture)
    }
}
