//! What a ledger's lines tell. Every structure refuses fields that it does not know.

use rave_core::{ChromaSiting, ColorTags, Colorimetry, Matrix, Range, Result};
use serde::{Deserialize, Serialize};

use crate::{Counts, Digest};

/// What happened. Events hold nothing that differs between two equal runs: such things are in [`Meta`](crate::Meta).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
// RV-LEDGER-1204
pub enum Event {
    /// A ledger begins, or goes on in the same process.
    Opened(Opened),
    /// A model was loaded.
    Model(ModelLoaded),
    /// A model was bound to frames of one geometry.
    Session(SessionOpened),
    /// A frame that was to be recorded came out.
    Frame(FrameDone),
    /// A frame had the bytes of the one before, whose result it got.
    Repeat(Repeat),
    /// Something that was not asked for took the place of something better.
    Fallback(Fallback),
    /// What only hardened mode does.
    Act(Act),
    /// Something failed, and whoever asked for it was told.
    Failed(Failed),
    /// The GPU cannot be used by this process any more.
    DeviceLost(DeviceLost),
    /// A session ended.
    SessionClosed(SessionClosed),
    /// Whoever opened the ledger is done with it.
    Closed(Closed),
}

/// See [`Event::Opened`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// [`SCHEMA`](crate::SCHEMA).
    pub schema: u32,
    /// The version of RAVE.
    pub rave: String,
    /// Every how many frames one is recorded with its fingerprints; 0 is none.
    pub every: u32,
}

/// See [`Event::Model`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelLoaded {
    /// Its number in this ledger, from 0.
    pub model: u32,
    /// SHA-256 of the model's file.
    pub sha256: Digest,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// `onnx` or `tensorrt`.
    pub backend: String,
    /// The inference library and its version.
    pub library: String,
    /// What it takes and gives.
    pub contract: String,
    /// What stands for white in its tensors: `unit` or `byte`.
    pub values: String,
    /// `strict` or `hardened`.
    pub mode: String,
    /// On a GPU: the engine that runs.
    pub engine: Option<EngineFacts>,
    /// On a GPU: which.
    pub device: Option<DeviceFacts>,
}

/// A TensorRT engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineFacts {
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// The library that built it.
    pub built_by: String,
    /// What was asked for of an engine that RAVE built or found in its cache; `None` of one that was given.
    pub precision: Option<String>,
    /// The version of the lean runtime that runs it, if one does.
    pub lean_runtime: Option<String>,
    /// Whether it may bring code for the host.
    pub host_code: bool,
}

/// A GPU and its driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceFacts {
    /// Its name.
    pub name: String,
    /// Its compute capability, as `9.0`.
    pub compute_capability: String,
    /// The driver's version; `None` where the system does not tell.
    pub driver: Option<String>,
    /// The version of CUDA that the driver supports, as 1000 major + 10 minor.
    pub cuda: i32,
}

/// See [`Event::Session`]. Sizes are width and height in pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionOpened {
    /// Its number in this ledger, from 0.
    pub session: u32,
    /// The model's number.
    pub model: u32,
    /// Where frames are: `host` or `cuda`.
    pub memory: String,
    /// `strict` or `hardened`.
    pub mode: String,
    /// Pixel format of the input.
    pub input_format: String,
    /// Pixel format of the output.
    pub output_format: String,
    /// Size of the visible part of the input.
    pub input_size: [u32; 2],
    /// Size of the output.
    pub output_size: [u32; 2],
    /// Size of the pictures that the model gets: of whole frames, extended where it needs that, or of tiles.
    pub model_size: [u32; 2],
    /// How many tiles a frame is made of; 1 when it goes through whole.
    pub tiles: u32,
    /// The tile that was asked for.
    pub tile: Option<[u32; 2]>,
    /// The overlap that was asked for.
    pub overlap: Option<u32>,
    /// Whether 8-bit output is dithered.
    pub dither: bool,
    /// On a GPU: how many frames are computed at a time.
    pub streams: u32,
    /// On a GPU: how many frames go through the model together.
    pub batch: u32,
    /// On a GPU: whether frames may be launched as a CUDA graph.
    pub graph: bool,
}

/// See [`Event::Frame`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameDone {
    /// The session's number.
    pub session: u32,
    /// The frame's number in its session, from 0; frames that failed count.
    pub frame: u64,
    /// [`fingerprint`](crate::fingerprint) of the visible part of the input.
    pub input: Digest,
    /// That of the output.
    pub output: Digest,
    /// What the input says of its colours.
    pub tags: Colors,
    /// What is asked of the output's colours where there is a choice.
    pub wanted: Colors,
    /// How the input was read.
    pub read: Colors,
    /// How the output is coded.
    pub made: Colors,
    /// Which part of the input is visible, if not all of it.
    pub crop: Option<Crop>,
}

/// Colours in the numbers of ITU-T H.273 and FFmpeg, as the C interface has them: 2 is an unspecified matrix, 0 an
/// unspecified range and siting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Colors {
    /// Matrix coefficients.
    pub matrix: i32,
    /// 1 is limited, 2 full.
    pub range: i32,
    /// Where chroma samples lie.
    pub siting: i32,
}

/// The visible part of a stored picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// The size of the stored picture.
    pub stored: [u32; 2],
    /// Column and row of the visible part's first pixel.
    pub at: [u32; 2],
}

/// See [`Event::Repeat`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// The session's number.
    pub session: u32,
    /// The number that the next frame through the model has: as many came before the repeat.
    pub before: u64,
}

/// See [`Event::Fallback`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// What is used.
    pub used: String,
    /// What would have been better.
    pub missing: String,
}

/// What hardened mode did where strict mode has an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A damaged engine was put aside in the cache, to be built again.
    CacheEntryPutAside {
        /// The key of the entry.
        key: String,
        /// The class of its fault.
        status: String,
    },
    /// The cache could not be used, and was done without.
    WithoutCache {
        /// The class of the failure.
        status: String,
    },
    /// An allocation failed, memory that nobody used was freed, and it was tried once more.
    AllocationRetried {
        /// What was to be made.
        what: String,
        /// What was freed for it.
        freed: Freed,
    },
    /// A frame without a result was left out.
    FrameLost {
        /// The session's number.
        session: u32,
        /// The frame's number.
        frame: u64,
        /// The class of the failure.
        status: String,
    },
    /// A frame on a GPU was passed on although the model's output was not finite everywhere.
    NotFinite {
        /// The session's number.
        session: u32,
        /// The number of the first such frame.
        frame: u64,
        /// How many elements were NaN or infinite.
        elements: u64,
    },
}

/// What was given back before an allocation was tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freed {
    /// Loaded models that nobody used.
    pub models: u64,
    /// Bytes of the GPU's pool.
    pub pool_bytes: u64,
}

/// See [`Event::Failed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// What was to be done: `model`, `session`, `frame`.
    pub what: String,
    /// The session's number, if there was one.
    pub session: Option<u32>,
    /// The frame's number, if there was one.
    pub frame: Option<u64>,
    /// The class of the failure.
    pub status: String,
}

/// See [`Event::DeviceLost`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceLost {
    /// The session that found out.
    pub session: u32,
}

/// See [`Event::SessionClosed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionClosed {
    /// Its number.
    pub session: u32,
    /// Frames that came out.
    pub frames: u64,
    /// Frames that were refused or failed, without those that were lost.
    pub failed_frames: u64,
    /// Frames that were left out.
    pub lost_frames: u64,
    /// On a GPU: elements of the model's output that were not finite.
    pub non_finite: u64,
}

/// See [`Event::Closed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// What this ledger's lines were, without this one.
    pub counts: Counts,
}

impl From<ColorTags> for Colors {
    fn from(tags: ColorTags) -> Self {
        Colors {
            matrix: tags.matrix.map_or(2, Matrix::code),
            range: tags.range.map_or(0, Range::code),
            siting: tags.siting.map_or(0, ChromaSiting::code),
        }
    }
}

impl From<Colorimetry> for Colors {
    fn from(Colorimetry { matrix, range, siting }: Colorimetry) -> Self {
        Colors { matrix: matrix.code(), range: range.code(), siting: siting.code() }
    }
}

impl Colors {
    /// What these numbers say of a frame.
    ///
    /// # Errors
    /// Those of [`Matrix::from_code`], [`Range::from_code`] and [`ChromaSiting::from_code`].
    pub fn tags(self) -> Result<ColorTags> {
        Ok(ColorTags {
            matrix: Matrix::from_code(self.matrix)?,
            range: Range::from_code(self.range)?,
            siting: ChromaSiting::from_code(self.siting)?,
        })
    }
}
