//! How the model runs.

use rave_core::{Log, Size};
use rave_engine::{Mode, ModelOptions};

use super::Upscale;
use crate::DeviceChoice;

impl Upscale {
    /// Where the model runs. Of a loaded [`Engine`](crate::Engine) this is known already.
    #[must_use]
    pub fn device(mut self, device: DeviceChoice) -> Self {
        self.device = device;
        self
    }

    /// How the model is loaded: what its numbers mean, threads, library, how an engine is built. Of a loaded
    /// [`Engine`](crate::Engine) only the mode counts: whether a damaged input is an error, or gone on from.
    #[must_use]
    pub fn model_options(mut self, options: ModelOptions) -> Self {
        self.model_options = options;
        self
    }

    /// [`Mode::Strict`], the default: damage to the input is an error. [`Mode::Hardened`]: it is counted, and what can be
    /// decoded is.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.model_options.mode = mode;
        self
    }

    /// Where messages go.
    #[must_use]
    pub fn log(mut self, log: Log) -> Self {
        self.model_options.log = log;
        self
    }

    /// Cuts pictures into tiles of this size; with an overlap of so many pixels, or what fits.
    #[must_use]
    pub fn tile(mut self, size: Size, overlap: Option<u32>) -> Self {
        self.tile = Some(size);
        self.overlap = overlap;
        self
    }

    /// Whether 8-bit output is dithered, as it is by default.
    #[must_use]
    pub fn dither(mut self, dither: bool) -> Self {
        self.dither = dither;
        self
    }

    /// On a GPU: how many pictures are computed at a time, 1 to 16; 0 lets RAVE decide.
    #[must_use]
    pub fn streams(mut self, streams: u32) -> Self {
        self.streams = streams;
        self
    }

    /// Gives a picture whose bytes are those of the one before the result of that one, in place of running the model again.
    #[must_use]
    pub fn dedup(mut self, dedup: bool) -> Self {
        self.dedup = dedup;
        self
    }
}
