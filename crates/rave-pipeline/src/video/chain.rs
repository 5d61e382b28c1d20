//! Which stages a run has, and what pictures are between them.

use std::sync::Arc;

use rave_core::{ColorTags, Error, PixelFamily, PixelFormat, Result, Size, Status};
use rave_engine::{SessionOptions, Stats};
use rave_ffmpeg::{FrameFormat, FramePool, HardwareFrames, VideoFrame, closest_known_format};

use super::cuda_inference::CudaInference;
use super::encoding::Encoding;
use super::engine::{Engine, Gpu};
use super::host_inference::HostInference;
use super::picture::Picture;
use super::prepare::{Geometry, Prepare};
use super::results::{Counts, Results};
use super::source::Remains;
use super::transfer::{Convert, Download, Upload};
use super::upscale::{Target, Upscale};
use crate::{DeviceMemory, FrameSource, Pipeline};

/// What pictures are on their way.
pub(super) struct Chain {
    /// As they come out of the decoder, in formats that RAVE knows.
    decoded: Geometry,
    /// As they go into the model.
    pub(super) geometry: Geometry,
    /// The GPU that they are on then.
    gpu: Option<Gpu>,
    /// `None` where they go to the program.
    pub(super) encoding: Option<Encoding>,
    /// The format that the model's output is packed into.
    format: PixelFormat,
    pub(super) output_size: Size,
}

impl Chain {
    /// The chain of a run whose first picture is `first`.
    pub(super) fn new(upscale: &Upscale, to: &Target, engine: &Engine, first: &Picture) -> Result<Self> {
        let (format, on_gpu) = match first.format() {
            FrameFormat::Host(format) => (format, false),
            FrameFormat::Cuda(format) => (format, true),
            FrameFormat::Foreign(name) => match closest_known_format(&name) {
                Some(format) => (format, false),
                None => return Err(unsupported(&name)),
            },
            FrameFormat::ForeignDevice(name) => return Err(unsupported(&name)),
        };
        let decoded = Geometry { on_gpu, format, size: first.size() };
        let log = &upscale.model_options.log;
        let geometry = match &engine.gpu {
            Some(gpu) => decoded.for_gpu(|format| gpu.has_frames_of(format, decoded.size))?,
            None => decoded.clone(),
        };
        let gpu = engine.gpu.clone();
        let output_size = engine.model.contract().scale.apply(decoded.size)?;
        check_limit(upscale.limit, output_size)?;
        let options = &upscale.encoding;
        let input = (geometry.format, first.frame.color().tags()?.resolve(geometry.format, geometry.size));
        let encoding = match (to, &gpu) {
            (Target::Sink(_), _) => None,
            (Target::File(path), None) => Some(Encoding::on_host(path, input, options)?),
            (Target::File(path), Some(gpu)) => {
                Some(Encoding::on_gpu(path, input, output_size, gpu, options, log)?)
            }
        };
        let format = match &encoding {
            Some(encoding) => encoding.format,
            None => options.format.unwrap_or(geometry.format),
        };
        Ok(Chain { decoded, geometry, gpu, encoding, format, output_size })
    }

    /// The stage that runs the model.
    pub(super) fn inference(
        &self,
        upscale: &Upscale,
        engine: &Engine,
        (counts, remains): (&Arc<Counts>, &Remains),
    ) -> Result<Inference> {
        // RV-PIPE-2111
        let options = SessionOptions {
            output_format: self.format,
            tile: upscale.tile,
            overlap: upscale.overlap,
            dither: upscale.dither,
            mode: upscale.model_options.mode,
            streams: upscale.streams,
            ..SessionOptions::new(self.geometry.format, self.geometry.size)
        };
        let log = upscale.model_options.log.clone();
        let results = Results::new(counts, remains);
        Ok(match &self.gpu {
            None => Inference::Host(Box::new(HostInference::new(
                &engine.model,
                &options,
                upscale.dedup,
                results,
                log,
            )?)),
            Some(_) => {
                Inference::Cuda(Box::new(CudaInference::new(engine, &options, upscale.dedup, results, log)?))
            }
        })
    }

    /// Everything but the sink.
    // RV-PIPE-2109
    pub(super) fn pipeline(
        &self,
        upscale: &mut Upscale,
        source: impl FrameSource<Picture> + 'static,
        inference: Inference,
    ) -> Result<Pipeline<Picture>> {
        let mut pipeline = Pipeline::new("decode", source)
            .capacity(upscale.capacity)
            .cancelled_by(&upscale.cancelled_by)
            .stage("preprocess", Prepare::new(self.decoded.clone()));
        if let (Some(gpu), false) = (&self.gpu, self.decoded.on_gpu) {
            let upload = Upload::new(gpu, self.decoded.format, self.geometry.format, self.geometry.size)?;
            pipeline = pipeline.stage("upload", upload);
        }
        for (name, stage) in upscale.before.drain(..) {
            pipeline = pipeline.stage(&name, stage);
        }
        pipeline = match inference {
            Inference::Host(stage) => pipeline.stage("inference", *stage),
            Inference::Cuda(stage) => {
                let device = stage.session().device().clone();
                pipeline.stage("inference", *stage).device_memory(move || {
                    let stats = device.pool_stats();
                    DeviceMemory { pool_hit_rate: stats.hit_rate(), high_water_bytes: stats.high_water_bytes }
                })
            }
        };
        for (name, stage) in upscale.after.drain(..) {
            pipeline = pipeline.stage(&name, stage);
        }
        if let Some(encoding) = &self.encoding {
            if let Some(gpu) = self.gpu.as_ref().filter(|_| !encoding.on_gpu) {
                let download = Download::new(gpu, encoding, self.output_size)?;
                pipeline = pipeline.stage("download", download);
            } else if let Some(repack) = encoding.repack(self.output_size)? {
                pipeline = pipeline.stage("convert", Convert(repack));
            }
        }
        Ok(pipeline)
    }
}

// RV-PIPE-2203
fn check_limit(limit: Option<Size>, output: Size) -> Result<()> {
    match limit {
        Some(limit) if output.width > limit.width || output.height > limit.height => {
            Err(Error::new(Status::InvalidParameter, format!("the output would be {output}"))
                .expected(format!("at most {limit}, which was asked for"))
                .help("use a model of a smaller scale, or allow more"))
        }
        _ => Ok(()),
    }
}

fn unsupported(format: &str) -> Error {
    Error::new(Status::UnsupportedFormat, format!("pictures are {format}"))
        .expected("a pixel format that RAVE has kernels for")
        .help("convert them first, for example with ffmpeg -pix_fmt")
}

/// The stage that runs the model.
pub(super) enum Inference {
    Host(Box<HostInference>),
    Cuda(Box<CudaInference>),
}

impl Inference {
    /// A frame in host memory like those that the encoder will get, but for its pixels.
    pub(super) fn prototype(
        &self,
        encoding: &Encoding,
        first: &VideoFrame,
        size: Size,
    ) -> Result<VideoFrame> {
        let mut frame = VideoFrame::new()?;
        FramePool::new(encoding.encoded_format, size)?.take(&mut frame)?;
        let tags = first.color().tags()?;
        let made = match self {
            Inference::Host(stage) => stage.output_colors(tags),
            Inference::Cuda(stage) => stage.session().output_colors(tags, ColorTags::default()),
        };
        let made = encoding.colors.unwrap_or(made);
        frame.copy_properties(first)?;
        let rgb = encoding.encoded_format.family() == PixelFamily::Rgb;
        frame.set_color(first.color().converted(made, rgb));
        Ok(frame)
    }

    /// Where results on a GPU come from.
    pub(super) fn hardware(&self) -> Option<&HardwareFrames> {
        match self {
            Inference::Host(_) => None,
            Inference::Cuda(stage) => Some(stage.results()),
        }
    }

    /// What a session on the CPU counts.
    pub(super) fn host_stats(&self) -> Option<Arc<Stats>> {
        match self {
            Inference::Host(stage) => Some(stage.stats()),
            Inference::Cuda(_) => None,
        }
    }
}
