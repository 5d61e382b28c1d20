//! What models, sessions and frames are in the ledger.

use rave_core::{ColorTags, Colorimetry, Error, Frame, Rect, Size, Status};
use rave_ledger::{
    Crop, DeviceFacts, DeviceLost, Digest, Event, Fallback, FrameDone, Ledger, Repeat, SessionClosed,
    SessionOpened,
};
use rave_tensorrt::Precision;
use std::sync::atomic::Ordering;

use crate::check::in_words;
use crate::cuda::CudaDevice;
use crate::stats::Stats;
use crate::{Mode, Model, SessionOptions, build};

/// A session's place in the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    ledger: Ledger,
    session: u32,
}

/// What a session is, beside its options.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) output_size: Size,
    /// The size of the pictures that the model gets.
    pub(crate) model_size: Size,
    pub(crate) tiles: u32,
    /// On a GPU: how many frames are computed at a time, how many go through together, and whether graphs are used.
    pub(crate) on_gpu: Option<(u32, u32, bool)>,
}

impl Noted {
    /// Takes down that `model` was bound to `options`.
    pub(crate) fn new(model: &Model, options: &SessionOptions, made: &Made) -> Self {
        let ledger = model.ledger().clone();
        let session = ledger.next_session();
        let sides = |size: Size| [size.width, size.height];
        let (streams, batch, graph) = made.on_gpu.unwrap_or_default();
        ledger.record(Event::Session(SessionOpened {
            session,
            model: model.number(),
            memory: if made.on_gpu.is_some() { "cuda" } else { "host" }.into(),
            mode: options.mode.name().into(),
            input_format: options.input_format.name().into(),
            output_format: options.output_format.name().into(),
            input_size: sides(options.size),
            output_size: sides(made.output_size),
            model_size: sides(made.model_size),
            tiles: made.tiles,
            tile: options.tile.map(sides),
            overlap: options.overlap,
            dither: options.dither,
            streams,
            batch,
            graph,
        }));
        Noted { ledger, session }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn session(&self) -> u32 {
        self.session
    }

    /// Whether frame `number` is taken down.
    pub(crate) fn wants(&self, number: u64) -> bool {
        self.ledger.wants(number)
    }

    /// Takes down a frame that came out, with the fingerprints of its input and output.
    pub(crate) fn frame(
        &self,
        number: u64,
        (input, output): (Digest, Digest),
        (tags, wanted): (ColorTags, ColorTags),
        (read, made): (Colorimetry, Colorimetry),
        crop: Option<Crop>,
    ) {
        self.ledger.record(Event::Frame(FrameDone {
            session: self.session,
            frame: number,
            input,
            output,
            tags: tags.into(),
            wanted: wanted.into(),
            read: read.into(),
            made: made.into(),
            crop,
        }));
    }

    /// Takes down that a frame repeats the one before, after `before` frames of others.
    pub(crate) fn repeat(&self, before: u64) {
        self.ledger.record(Event::Repeat(Repeat { session: self.session, before }));
    }

    /// Takes down that frame `number`, or something that concerns several, failed.
    pub(crate) fn failed(&self, number: Option<u64>, error: &Error) {
        self.ledger.failed("frame", Some(self.session), number, error);
        if error.status() == Status::DeviceLost {
            self.ledger.record(Event::DeviceLost(DeviceLost { session: self.session }));
        }
    }

    /// Takes down the end of the session.
    pub(crate) fn closed(&self, stats: &Stats) {
        self.ledger.record(Event::SessionClosed(SessionClosed {
            session: self.session,
            frames: stats.frames.load(Ordering::Relaxed),
            failed_frames: stats.failed_frames.load(Ordering::Relaxed),
            lost_frames: stats.lost_frames.load(Ordering::Relaxed),
            non_finite: stats.non_finite.load(Ordering::Relaxed),
        }));
    }
}

/// The part of `frame` that is visible, if that is not all of it.
pub(crate) fn crop(frame: &Frame<'_>) -> Option<Crop> {
    crop_of(frame.size(), frame.visible())
}

/// The part of a picture of `stored` that is visible, if that is not all of it.
pub(crate) fn crop_of(stored: Size, visible: Rect) -> Option<Crop> {
    let whole = visible == Rect::of(stored);
    (!whole).then_some(Crop { stored: [stored.width, stored.height], at: [visible.x, visible.y] })
}

pub(crate) fn device_facts(device: &CudaDevice) -> DeviceFacts {
    let info = device.info();
    let (major, minor) = info.compute_capability;
    DeviceFacts {
        name: info.name.clone(),
        compute_capability: format!("{major}.{minor}"),
        driver: build::installed_driver(),
        cuda: info.driver_cuda,
    }
}

/// What is taken down of an engine that was asked for in one precision and overflowed in it.
// RV-ENG-1706
pub(crate) fn other_precision(asked: Precision, built: Precision) -> Option<Fallback> {
    let name = |precision| format!("an engine in {}", in_words(precision));
    (asked != built).then(|| Fallback { used: name(built), missing: name(asked) })
}

impl Mode {
    /// Its name, as options have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Strict => "strict",
            Mode::Hardened => "hardened",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1706
    #[test]
    fn another_precision_than_was_asked_for_is_a_fallback_in_the_ledger() {
        assert_eq!(other_precision(Precision::Fp16, Precision::Fp16), None);
        let fallback = other_precision(Precision::Fp16, Precision::Bf16).unwrap();
        assert_eq!((&fallback.used[..], &fallback.missing[..]), ("an engine in bf16", "an engine in fp16"));
    }
}
