//! Pictures from a file, a pipe or an image sequence.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rave_core::Result;
use rave_ffmpeg::{Damage, Decoder, DecoderOptions, HardwareDevice, Input, Packet, Received};
use rave_ffmpeg::{StreamKind, VideoFrame, VideoInfo};

use super::clip::{Clip, Place};
use super::packets::Packets;
use super::picture::Picture;
use crate::FrameSource;

/// What a source leaves behind when it has come to its end, or is dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remains(Arc<Mutex<Left>>);

#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Packets after the last picture.
    pub(crate) tail: Option<Packets>,
    /// What the decoder made of the file.
    pub(crate) damage: Damage,
    /// Packets that the container knows to be damaged.
    pub(crate) corrupt_packets: u64,
    /// Whether the file ends before its content does.
    pub(crate) cut_short: bool,
}

impl Remains {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be read of an input, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceOptions {
    pub(crate) start: Duration,
    pub(crate) length: Option<Duration>,
    /// Threads of the decoder; 0 is one per core.
    pub(crate) threads: u32,
}

/// Decodes the video of an input. Packets of other streams go along with the next picture.
#[derive(Debug)]
pub(crate) struct FileSource {
    input: Input,
    decoder: Decoder,
    packet: Packet,
    video: VideoInfo,
    /// Which streams are copied, by their index; which of them must reach the clip's end.
    copied: Vec<bool>,
    sound: Vec<bool>,
    clip: Clip,
    /// Pictures up to this time are left out.
    done: Option<i64>,
    waiting: Packets,
    remains: Remains,
}

impl FileSource {
    /// Reads from `input`, with the help of `hardware` if that can decode it.
    pub(crate) fn new(
        mut input: Input,
        options: &SourceOptions,
        hardware: Option<&HardwareDevice>,
    ) -> Result<Self> {
        let video = input.video()?.clone();
        let decoder = Decoder::open(&input, &DecoderOptions { threads: options.threads, hardware })?;
        if !options.start.is_zero() {
            input.seek(options.start.as_secs_f64())?;
        }
        let streams = input.streams().len();
        Ok(FileSource {
            decoder,
            packet: Packet::new()?,
            copied: vec![false; streams],
            sound: vec![false; streams],
            clip: Clip::new(&video, options.start, options.length),
            video,
            done: None,
            waiting: Packets::new(),
            remains: Remains::default(),
            input,
        })
    }

    /// Chooses the streams, by index, whose packets go along with the pictures. To be called once, before anything is read.
    pub(crate) fn copy(&mut self, chosen: &[bool]) {
        for index in (0..self.copied.len()).filter(|&index| index != self.video.index) {
            self.copied[index] = chosen[index];
            self.sound[index] = chosen[index] && self.input.streams()[index].kind == StreamKind::Audio;
            if !chosen[index] {
                self.input.discard(index);
            }
        }
    }

    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    pub(crate) fn video(&self) -> &VideoInfo {
        &self.video
    }

    pub(crate) fn clip(&self) -> Clip {
        self.clip
    }

    /// Leaves out the pictures up to a time.
    pub(crate) fn go_on_after(&mut self, pts: i64) {
        self.done = Some(pts);
    }

    pub(crate) fn remains(&self) -> Remains {
        self.remains.clone()
    }

    /// Decodes the next picture of the clip.
    // RV-PIPE-2101
    fn decode(&mut self, frame: &mut VideoFrame) -> Result<bool> {
        loop {
            match self.decoder.receive(frame)? {
                Received::Yes => match self.clip.take_frame(frame) {
                    Place::Before => {}
                    Place::Inside if self.done.is_some_and(|done| frame.pts() <= Some(done)) => {}
                    Place::Inside => return Ok(true),
                    Place::After => {
                        self.read_sound()?;
                        return self.end();
                    }
                },
                Received::NeedsInput if self.feed()? => {}
                Received::NeedsInput => self.decoder.finish()?,
                Received::End => return self.end(),
            }
        }
    }

    /// Gives the decoder a packet; false when there is none any more.
    fn feed(&mut self) -> Result<bool> {
        while self.input.read(&mut self.packet)? {
            let index = self.packet.stream();
            if index == self.video.index {
                self.decoder.send(&self.packet)?;
                return Ok(true);
            }
            self.keep(index)?;
        }
        Ok(false)
    }

    /// Keeps the packet that was read if its stream is copied; says where it is in the clip.
    fn keep(&mut self, index: usize) -> Result<Place> {
        if !self.copied.get(index).copied().unwrap_or(false) {
            return Ok(Place::Before);
        }
        let place = self.clip.take_packet(&mut self.packet)?;
        if place == Place::Inside {
            self.waiting.push(&mut self.packet)?;
        }
        Ok(place)
    }

    /// Reads on until the sound, too, has come to the clip's end.
    fn read_sound(&mut self) -> Result<()> {
        while self.sound.contains(&true) && self.input.read(&mut self.packet)? {
            let index = self.packet.stream();
            if index != self.video.index && self.keep(index)? == Place::After {
                self.sound[index] = false;
            }
        }
        Ok(())
    }

    /// Leaves behind what others need to know.
    // RV-PIPE-2105
    fn end(&mut self) -> Result<bool> {
        let mut left = self.remains.lock();
        let tail = left.tail.get_or_insert_with(Packets::new);
        tail.append(&mut self.waiting)?;
        // RV-PIPE-2108
        left.damage = self.decoder.damage();
        left.corrupt_packets = self.input.corrupt_packets();
        left.cut_short = self.input.is_cut_short() && !self.clip.has_end();
        Ok(false)
    }
}

impl FrameSource<Picture> for FileSource {
    fn read(&mut self, picture: &mut Picture) -> Result<bool> {
        if !self.decode(&mut picture.frame)? {
            return Ok(false);
        }
        // RV-PIPE-2101
        picture.time_base = self.video.time_base;
        picture.packets.append(&mut self.waiting)?;
        Ok(true)
    }
}

/// A source whose first picture was looked at already.
pub(crate) struct Peeked {
    pub(crate) first: Option<Picture>,
    pub(crate) rest: Box<dyn FrameSource<Picture>>,
}

impl FrameSource<Picture> for Peeked {
    fn read(&mut self, picture: &mut Picture) -> Result<bool> {
        match self.first.take() {
            Some(first) => {
                *picture = first;
                Ok(true)
            }
            None => self.rest.read(picture),
        }
    }
}
