//! All pieces as one stream.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};

use super::decoding_times::DecodingTimes;
use super::file::SegmentReader;
use crate::{Encoder, Output, Packet, Rational, Track};

/// The packets of several pieces in a row, with times of decoding that rise through all of them.
#[derive(Debug)]
pub struct Joined {
    current: Option<SegmentReader>,
    later: VecDeque<PathBuf>,
    times: DecodingTimes,
    /// Packets that were read ahead.
    waiting: VecDeque<Packet>,
    /// Empty packets to be used again.
    shells: Vec<Packet>,
    time_base: Rational,
}

impl Joined {
    /// The pieces at `paths`, in the order of showing. `encoder` is one that is opened as theirs were.
    ///
    /// # Errors
    /// As [`SegmentReader::open`]; [`Status::InvalidParameter`] for a piece of another encoder.
    // RV-FF-1803, RV-FF-1804
    pub fn open(paths: impl IntoIterator<Item = PathBuf>, encoder: &Encoder) -> Result<Self> {
        let later: VecDeque<PathBuf> = paths.into_iter().collect();
        // The first times follow from how far any piece reorders its packets.
        let mut depth = encoder.reorder_depth();
        for path in &later {
            depth = depth.max(open_alike(path, encoder)?.reorder_depth());
        }
        let mut joined = Joined {
            current: None,
            later,
            times: DecodingTimes::new(depth),
            waiting: VecDeque::new(),
            shells: Vec::new(),
            time_base: encoder.time_base(),
        };
        joined.open_next()?;
        Ok(joined)
    }

    fn open_next(&mut self) -> Result<()> {
        self.current = self.later.pop_front().map(SegmentReader::open).transpose()?;
        Ok(())
    }

    /// Fills `packet` with the next packet of the stream.
    ///
    /// # Returns
    /// False after the last one.
    ///
    /// # Errors
    /// As [`SegmentReader::read`]; [`Status::InvalidParameter`] for pieces that are not in the order of showing.
    // RV-FF-1803
    pub fn read(&mut self, packet: &mut Packet) -> Result<bool> {
        packet.clear();
        while self.waiting.len() < self.times.lookahead() {
            let mut next = self.shells.pop().map_or_else(Packet::new, Ok)?;
            if !self.read_any(&mut next)? {
                break;
            }
            self.times.see(next.pts().unwrap_or_default());
            self.waiting.push_back(next);
        }
        let Some(mut next) = self.waiting.pop_front() else { return Ok(false) };
        let (pts, duration) = (next.pts(), next.duration());
        let dts = self.times.next();
        if dts > pts {
            let found = format!("segments: a frame at {pts:?} would be decoded at {dts:?}");
            return Err(
                Error::new(Status::InvalidParameter, found).expected("pieces in the order of showing")
            );
        }
        next.set_times(pts, dts, duration, self.time_base);
        packet.refer_to(&next)?;
        next.clear();
        self.shells.push(next);
        Ok(true)
    }

    fn read_any(&mut self, packet: &mut Packet) -> Result<bool> {
        while let Some(reader) = &mut self.current {
            if reader.read(packet)? {
                return Ok(true);
            }
            self.open_next()?;
        }
        Ok(false)
    }
}

/// Refuses a piece that cannot be joined with those of `encoder`, by its head alone.
///
/// # Errors
/// As [`Joined::open`].
// RV-FF-1804
pub fn check_alike(path: &Path, encoder: &Encoder) -> Result<()> {
    open_alike(path, encoder).map(drop)
}

/// Opens a piece of an encoder that was opened as `encoder`.
fn open_alike(path: &Path, encoder: &Encoder) -> Result<SegmentReader> {
    let reader = SegmentReader::open(path)?;
    let made_alike = reader.time_base() == encoder.time_base()
        && reader.said_depth() == encoder.reorder_depth()
        && reader.extradata() == encoder.extradata();
    if made_alike {
        return Ok(reader);
    }
    let error = reader.damaged("was made by another encoder, or with other options");
    Err(Error::new(Status::InvalidParameter, error.to_string()))
}

/// Writes all of `video` to its `track` and what else there is, in the order of their times, between the header and the end of
/// `output`. `next_copied` fills a packet with the next one of the streams that are copied, and says to which track it goes;
/// `None` after the last one.
///
/// # Errors
/// As [`Joined::read`] and [`Output::write`], and those of `next_copied`.
// RV-FF-1804
pub fn join(
    video: &mut Joined,
    output: &mut Output,
    track: Track,
    mut next_copied: impl FnMut(&mut Packet) -> Result<Option<Track>>,
) -> Result<()> {
    let (mut picture, mut copied) = (Packet::new()?, Packet::new()?);
    let mut more_video = video.read(&mut picture)?;
    let mut copied_track = next_copied(&mut copied)?;
    loop {
        match copied_track {
            Some(other) if !more_video || seconds(&copied) < seconds(&picture) => {
                output.write(other, &mut copied)?;
                copied_track = next_copied(&mut copied)?;
            }
            _ if more_video => {
                output.write(track, &mut picture)?;
                more_video = video.read(&mut picture)?;
            }
            _ => return Ok(()),
        }
    }
}

/// When a packet is due; what does not say is due at once.
fn seconds(packet: &Packet) -> f64 {
    packet.dts().or(packet.pts()).map_or(f64::NEG_INFINITY, |time| time as f64 * packet.time_base().to_f64())
}
