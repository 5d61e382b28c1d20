//! Runs that can be stopped at any moment, and go on.
//!
//! Beside the output `OUT` there is a folder `OUT.rave-unfinished` while such a run lasts. It has the fingerprint of what is
//! being made, the segments of encoded video that are complete, and at last the joined output, which then moves into its
//! place. Every segment is made by an encoder of its own, so that it does not matter where a run was stopped: the next one
//! makes the segments that are missing, and the joined stream is the same.

mod fingerprint;
mod segment_sink;
mod state;

pub(crate) use fingerprint::{Fingerprint, Hasher};
pub(crate) use segment_sink::{SegmentSink, Sources};
pub(crate) use state::State;
pub use state::unfinished_folder;

/// How many pictures a segment has when nobody says: about as many as encoders put between two pictures from which
/// decoding can start.
pub(crate) const SEGMENT: u64 = 250;
