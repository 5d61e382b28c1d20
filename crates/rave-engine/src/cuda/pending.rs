//! Frames that will be in the evidence of a run.

use rave_core::{ColorTags, Colorimetry};
use rave_cuda::FrameOnDevice;
use rave_ledger::{Crop, Digest};

/// What is known of a frame that will be taken down when it is finished.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) number: u64,
    pub(super) input: Digest,
    pub(super) out: FrameOnDevice,
    pub(super) tags: ColorTags,
    pub(super) wanted: ColorTags,
    pub(super) from: Colorimetry,
    pub(super) to: Colorimetry,
    pub(super) crop: Option<Crop>,
}
