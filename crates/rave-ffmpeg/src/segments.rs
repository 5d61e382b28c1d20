//! Encoded video in pieces, so that a run that was stopped goes on after the last piece that is complete.
//!
//! Each piece is a file beside the output: what one [`Encoder`](crate::Encoder), opened for it alone, made of some frames
//! in a row. It exists under its name once it is complete and on the disk ([`SegmentWriter::finish`]); until then it has
//! another. [`Joined`] gives the packets of all pieces as one stream, and [`join`] writes them with the packets of copied
//! streams, as they would have been written had it never stopped.
//!
//! Every piece starts with a frame from which decoding can start, and refers to no other. Times of showing are as they
//! were in the frames. Times of decoding are made anew for the whole stream, because those of the first frames of a piece
//! would lie before the last ones of the piece before it: with B-frames, decoding runs ahead of showing. By how much follows
//! from the packets of all pieces, since not every encoder says it.

mod decoding_times;
mod file;
mod joined;

pub use file::{SegmentReader, SegmentWriter};
pub use joined::{Joined, check_alike, join};
