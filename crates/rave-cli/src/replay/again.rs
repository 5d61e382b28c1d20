//! Models and sessions of a ledger, made again where they were.

use rave_core::{Colorimetry, Error, Frame, FrameMut, Log, PixelFormat, Result, Size, Status};
use rave_engine::{CudaDevice, Model, ModelOptions, Precision, Session, SessionOptions, UploadingSession};
use rave_ledger::{Digest, EngineFacts, FrameDone, fingerprint, fingerprint_mut};

use crate::frame_source::planes;

/// A session that was made again, where it was.
pub(super) enum Again {
    Host(Box<Session>),
    Gpu(Box<UploadingSession>),
}

impl Again {
    /// A session of `model`, in the memory that the model is in.
    pub(super) fn open(model: &Model, options: &SessionOptions, log: &Log) -> Result<Self> {
        Ok(match model.device() {
            None => Again::Host(Box::new(Session::new(model, options, log.clone())?)),
            Some(_) => Again::Gpu(Box::new(UploadingSession::new(model, options, log.clone())?)),
        })
    }

    fn output_size(&self) -> Size {
        match self {
            Again::Host(session) => session.output_size(),
            Again::Gpu(session) => session.output_size(),
        }
    }

    fn process(&mut self, input: &Frame<'_>, out: &mut FrameMut<'_>) -> Result<Colorimetry> {
        match self {
            Again::Host(session) => session.process(input, out),
            Again::Gpu(session) => session.process(input, out),
        }
    }
}

/// A session, and how far it is.
pub(super) struct Replayed {
    pub(super) session: Again,
    pub(super) format: PixelFormat,
    pub(super) size: Size,
    pub(super) output: PixelFormat,
    /// Frames of the input that were read for it.
    pub(super) taken: u64,
    /// Frames of the input that did not go through the model.
    pub(super) repeats: u64,
}

impl Replayed {
    /// The hashes of a frame with these pixels, and of what the model makes of it.
    pub(super) fn run(&mut self, pixels: &[u8], told: &FrameDone) -> Result<(Digest, Digest)> {
        let Replayed { session, format, size, output, .. } = self;
        let mut rest = pixels;
        let from: Vec<(&[u8], isize)> = planes(*format, *size)
            .map(|(row, bytes)| {
                let (plane, others) = rest.split_at(bytes);
                rest = others;
                (plane, row as isize)
            })
            .collect();
        let input = Frame::new(*format, *size, told.tags.tags()?, &from)?;
        let made = session.output_size();
        let mut memory: Vec<(Vec<u8>, isize)> =
            planes(*output, made).map(|(row, bytes)| (vec![0; bytes], row as isize)).collect();
        let to = memory.iter_mut().map(|(plane, stride)| (&mut plane[..], *stride)).collect();
        let mut out = FrameMut::new(*output, made, to)?.with_wanted(told.wanted.tags()?);
        session.process(&input, &mut out)?;
        Ok((fingerprint(&input), fingerprint_mut(&mut out)))
    }
}

/// How a model that ran on a GPU is loaded there again. What the ledger says was allowed is only so when it is allowed now:
/// anybody can write a ledger.
// RV-CLI-1503
pub(super) fn on_gpu(told: &EngineFacts, allow_host_code: bool) -> Result<ModelOptions> {
    if told.host_code && !allow_host_code {
        return Err(Error::new(Status::Untrusted, "the engine was let bring code for the host")
            .expected("an engine without")
            .help("if you trust it: --allow-host-code"));
    }
    let device = CudaDevice::create(0).map_err(|error| error.context("the model ran on a GPU"))?;
    let precision = match &told.precision {
        None => Precision::Model,
        Some(name) => Precision::ALL
            .into_iter()
            .find(|precision| precision.to_string() == *name)
            .ok_or_else(|| Error::new(Status::Untrusted, format!("precision is {name}")))?,
    };
    Ok(ModelOptions {
        device: Some(device),
        precision,
        allow_host_code: told.host_code,
        ..ModelOptions::default()
    })
}
