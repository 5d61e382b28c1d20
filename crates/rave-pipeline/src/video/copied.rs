//! The packets of streams that are copied, read apart from the pictures.

use rave_core::Result;
use rave_ffmpeg::{Input, Packet, StreamKind, Track};

use super::clip::{Clip, Place};

/// Reads what is copied of an input, and no further than a clip goes.
#[derive(Debug)]
pub(crate) struct Copied {
    input: Input,
    /// What streams become, by their index; `None` for those that are not copied.
    tracks: Vec<Option<Track>>,
    clip: Clip,
    /// Of which streams something has to come from behind the clip before the rest is left unread.
    awaited: Vec<bool>,
}

impl Copied {
    /// Reads from where `input` is.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`](rave_core::Status::UnsupportedFormat) for an input without video.
    pub(crate) fn new(mut input: Input, tracks: Vec<Option<Track>>, clip: Clip) -> Result<Self> {
        let video = input.video()?.index;
        let is_copied = |index: usize| tracks.get(index).is_some_and(Option::is_some);
        // Sound and pictures come all the time; the next subtitle may be an hour away.
        let mut awaited: Vec<bool> = input
            .streams()
            .iter()
            .map(|stream| {
                is_copied(stream.index) && matches!(stream.kind, StreamKind::Audio | StreamKind::Video)
            })
            .collect();
        if clip.has_end() && !awaited.contains(&true) {
            awaited[video] = true;
        }
        for index in (0..awaited.len()).filter(|&index| !is_copied(index) && !awaited[index]) {
            input.discard(index);
        }
        Ok(Copied { input, tracks, clip, awaited })
    }

    /// Fills `packet` with the next packet of the clip, at its time in it.
    ///
    /// # Returns
    /// Where it belongs; `None` after the last one.
    ///
    /// # Errors
    /// As [`Input::read`].
    // RV-PIPE-2104, RV-PIPE-2112
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Result<Option<Track>> {
        while self.goes_on() && self.input.read(packet)? {
            let index = packet.stream();
            if self.clip.is_left_behind(packet) {
                self.awaited[index] = false;
            }
            let track = self.tracks.get(index).copied().flatten();
            if track.is_some() && self.clip.take_packet(packet)? == Place::Inside {
                return Ok(track);
            }
        }
        Ok(None)
    }

    /// Whether there may be something of the clip in what is not read yet.
    fn goes_on(&self) -> bool {
        !self.clip.has_end() || self.awaited.contains(&true)
    }

    /// Packets so far that the container knows to be damaged.
    pub(crate) fn corrupt_packets(&self) -> u64 {
        self.input.corrupt_packets()
    }

    /// Whether the file ended before the clip did.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.input.is_cut_short() && !self.clip.has_end()
    }
}
