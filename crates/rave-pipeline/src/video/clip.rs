//! The part of a video that is wanted.

use std::ops::Range;
use std::time::Duration;

use rave_core::Result;
use rave_ffmpeg::{Packet, Rational, VideoFrame, VideoInfo};

/// By how much the streams of a file may be out of step: FFmpeg's demuxer of MP4, for one, gives packets in the order of time
/// only where they are farther apart than this.
const INTERLEAVING: Duration = Duration::from_secs(1);

/// Where something is, seen from the part that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    Inside,
    After,
}

/// A part of a video: from `start`, for `length`. Its first picture comes at the time of the video's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clip {
    time_base: Rational,
    /// In units of `time_base`, all four.
    begin: i64,
    end: Option<i64>,
    /// What is decoded from here on comes so late in a file that nothing of the clip follows.
    left_behind: Option<i64>,
    shift: i64,
}

impl Clip {
    pub(crate) fn new(video: &VideoInfo, start: Duration, length: Option<Duration>) -> Self {
        let time_base = video.time_base;
        // Units of a nanosecond are not a Rational's: microseconds are.
        let ticks = |time: Duration| {
            let microseconds = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
            Rational::new(1, 1_000_000).rescale(microseconds, time_base)
        };
        let (zero, shift) = (video.start.unwrap_or(0), ticks(start));
        let begin = if start.is_zero() { i64::MIN } else { zero.saturating_add(shift) };
        let end = length.map(|length| zero.saturating_add(ticks(start.saturating_add(length))));
        let left_behind = end.map(|end| end.saturating_add(ticks(INTERLEAVING)));
        Clip { time_base, begin, end, left_behind, shift }
    }

    pub(crate) fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// Where a time of the video is.
    fn place(&self, ticks: i64) -> Place {
        match self.end {
            _ if ticks < self.begin => Place::Before,
            Some(end) if ticks >= end => Place::After,
            _ => Place::Inside,
        }
    }

    /// Where a picture is; one inside gets its time in the clip.
    // RV-PIPE-2104
    pub(crate) fn take_frame(&self, frame: &mut VideoFrame) -> Place {
        let Some(pts) = frame.pts() else { return Place::Inside };
        let place = self.place(pts);
        if place == Place::Inside {
            frame.set_pts(Some(pts - self.shift));
        }
        place
    }

    /// Where a packet of a copied stream is; one inside gets its time in the clip.
    // RV-PIPE-2104
    pub(crate) fn take_packet(&self, packet: &mut Packet) -> Result<Place> {
        let unit = packet.time_base();
        let Some(pts) = packet.pts().or(packet.dts()) else { return Ok(Place::Inside) };
        let place = self.place(unit.rescale(pts, self.time_base));
        if place == Place::Inside && self.shift != 0 {
            packet.shift(-self.time_base.rescale(self.shift, unit));
        }
        Ok(place)
    }

    /// Whether a packet comes so long after the clip that no more of it is in the file, of whatever stream.
    // RV-PIPE-2112
    pub(crate) fn is_left_behind(&self, packet: &Packet) -> bool {
        // What is decoded later may be shown earlier.
        let time =
            packet.dts().or(packet.pts()).map(|ticks| packet.time_base().rescale(ticks, self.time_base));
        time.zip(self.left_behind).is_some_and(|(time, behind)| time >= behind)
    }

    /// What is left of a chapter, which lasts from one time to another in units of `unit`: its times in the clip; `None` for
    /// one that lies outside, or that has no unit.
    // RV-PIPE-2113
    pub(crate) fn take_chapter(&self, times: Range<i64>, unit: Rational) -> Option<Range<i64>> {
        let unit = unit.known()?;
        let rescale = |ticks: i64| self.time_base.rescale(ticks, unit);
        let begin = if self.begin == i64::MIN { i64::MIN } else { rescale(self.begin) };
        let end = self.end.map_or(i64::MAX, rescale);
        if times.start >= end || (times.start < begin && times.end <= begin) {
            return None;
        }
        let shift = rescale(self.shift);
        let (from, to) = (times.start.max(begin), times.end.min(end));
        Some(from.saturating_sub(shift)..to.saturating_sub(shift))
    }
}
