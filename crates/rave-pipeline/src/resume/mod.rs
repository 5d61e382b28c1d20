//! Runs that can be stopped at any moment, and go on.
//!
//! Beside the output `OUT` there is a folder `OUT.rave-unfinished` while such a run lasts, with the fingerprint of what is being
//! made.
//!
//! - **A file** is made in segments of encoded video, and joined of them; then it moves into its place. Every segment is made
//!   by an encoder of its own, so that it does not matter where a run was stopped: the next one makes the segments that are
//!   missing, and the joined stream is the same.
//! - **Numbered images** are kept one by one, by encoders whose images do not depend on one another, and move into their
//!   places together when they are complete.

mod fingerprint;
mod folder;
mod pictures;
mod segment_sink;
mod segments;

pub(crate) use fingerprint::{Fingerprint, Hasher};
pub use folder::unfinished_folder;
pub(crate) use folder::{Folder, is_begun};
use pictures::TIMES;
pub(crate) use pictures::{Images, Pictures};
pub(crate) use segment_sink::{SegmentSink, Sources};
pub(crate) use segments::Segments;

/// How many pictures a segment has when nobody says: about as many as encoders put between two pictures from which
/// decoding can start.
pub(crate) const SEGMENT: u64 = 250;
