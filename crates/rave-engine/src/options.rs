//! What a session is asked to do.

use rave_core::{PixelFormat, Size};

/// How deviations are taken. Neither mode ever changes pixels, loads a file that was not verified, or hides that a device
/// was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Any deviation is an error.
    #[default]
    Strict,
    /// What can be gone on from is gone on from, told, and counted; each is an [`Act`](rave_ledger::Act) in the
    /// [`Ledger`](rave_ledger::Ledger):
    ///
    /// - a damaged entry of the [cache of engines](crate::engine_cache) is put aside, and the engine built again;
    /// - a cache that cannot be used is done without;
    /// - where memory runs out, what nobody uses is freed, and it is tried once more;
    /// - one frame without a result is left out, as [`Status::FrameLost`](rave_core::Status::FrameLost); a second one in a
    ///   row is an error, and so is a [batch](SessionOptions::batch) without results;
    /// - on a GPU, a model's output that is not finite is passed on.
    Hardened,
}

/// Whether the work of a frame is recorded once and launched as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GraphChoice {
    /// As is faster.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Where the engine lets itself be captured.
    On,
}

/// The geometry that a session is made for.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Pixel format of the input.
    pub input_format: PixelFormat,
    /// Pixel format of the output.
    pub output_format: PixelFormat,
    /// Size of the visible part of the input.
    pub size: Size,
    /// Tile size; `None` lets the model decide.
    pub tile: Option<Size>,
    /// Pixels that neighbouring tiles share; `None` means [`DEFAULT_OVERLAP`](rave_core::tiling::DEFAULT_OVERLAP), or less where tiles are small.
    pub overlap: Option<u32>,
    /// Whether 8-bit output is dithered.
    pub dither: bool,
    /// What counts as an error.
    pub mode: Mode,
    /// On a GPU: how many frames are computed at a time, up to 16; 0 lets RAVE decide.
    pub streams: u32,
    /// On a GPU: how many frames go through the model together; 0 and 1 mean one.
    pub batch: u32,
    /// On a GPU: whether frames are launched as a CUDA graph.
    pub graph: GraphChoice,
}

impl SessionOptions {
    /// Frames of `size`, in and out as `format`, with everything else at its default.
    #[must_use]
    pub fn new(format: PixelFormat, size: Size) -> Self {
        SessionOptions {
            input_format: format,
            output_format: format,
            size,
            tile: None,
            overlap: None,
            dither: true,
            mode: Mode::default(),
            streams: 0,
            batch: 0,
            graph: GraphChoice::default(),
        }
    }
}
