//! Pictures as the model's session takes them: in a format that RAVE has kernels for, of one size.

use rave_core::{Error, PixelFormat, Result, Size, Status};
use rave_ffmpeg::{Converter, FrameFormat};

use super::picture::Picture;
use super::repack::container_of;
use crate::{FrameStage, Outlet};

/// What pictures are to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Where pictures are: on a GPU or not.
    pub(crate) on_gpu: bool,
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
}

impl Geometry {
    /// As such pictures go into a model on a GPU: there, in a format that `has` says yes to and that keeps all of their samples.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] where there is none, as for gray and for RGB of more than 8 bits.
    // RV-PIPE-2303
    pub(crate) fn for_gpu(&self, has: impl Fn(PixelFormat) -> bool) -> Result<Self> {
        if self.on_gpu {
            return Ok(self.clone());
        }
        match container_of(self.format, has) {
            Some(format) => Ok(Geometry { on_gpu: true, format, size: self.size }),
            None => Err(Error::new(Status::UnsupportedFormat, format!("{} pictures on a GPU", self.format))
                .expected("a format that holds their samples there, which this one has none of")
                .help(
                    "run the .onnx model on the CPU (--device cpu), or convert the input (ffmpeg -pix_fmt yuv444p16le)",
                )),
        }
    }
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

#[cfg(test)]
mod tests {
    use rave_core::PixelFormat::{
        Bgr0, Gbrp, Gbrp10, Gbrp16, Gray8, Gray16, Nv12, P010, Rgb24, Rgb48, Yuv420p, Yuv420p10, Yuv444p16,
    };

    use super::*;

    /// RV-PIPE-2303
    #[test]
    fn what_no_frame_on_a_gpu_holds_is_refused_with_what_to_do() {
        let gpu = [Nv12, Yuv420p, P010, Yuv444p16, Bgr0];
        let size = Size::new(64, 48);
        let decoded = |format| Geometry { on_gpu: false, format, size };
        for (format, there) in [(Nv12, Nv12), (Yuv420p10, P010), (Rgb24, Bgr0), (Gbrp, Bgr0)] {
            let expected = Geometry { on_gpu: true, format: there, size };
            assert_eq!(
                decoded(format).for_gpu(|format| gpu.contains(&format)).unwrap(),
                expected,
                "{format}"
            );
        }
        for format in [Gray8, Gray16, Rgb48, Gbrp10, Gbrp16] {
            let error = decoded(format).for_gpu(|format| gpu.contains(&format)).unwrap_err();
            assert_eq!(error.status(), Status::UnsupportedFormat);
            let said = error.to_string();
            assert!(said.contains(format.name()) && said.contains("--device cpu"), "{said}");
        }
        // What NVDEC has put there is there.
        let there = Geometry { on_gpu: true, format: Nv12, size };
        assert_eq!(there.for_gpu(|_| false).unwrap(), there);
    }
}
