//! Pictures into a file, a pipe or an image sequence.

use std::path::PathBuf;

use rave_core::{Log, LogLevel, Result};
use rave_ffmpeg::segments::{self, Joined};
use rave_ffmpeg::{Encoder, Input, Output, OutputOptions, Packet, Received, StreamMap};

use super::clip::Clip;
use super::copied::Copied;
use super::encoding::EncodingOptions;
use super::opened::Source;
use super::picture::Picture;
use super::place::Place;
use super::source::Remains;
use super::upscale::Upscale;
use crate::FrameSink;
use crate::resume::Pictures;

/// An output whose streams are not settled yet.
#[derive(Debug)]
pub(crate) struct NewOutput {
    output: Output,
    place: Place,
}

/// Encodes pictures, and writes them and what goes with them.
#[derive(Debug)]
pub(crate) struct FileSink {
    encoder: Encoder,
    /// The video's track, and those of copied streams.
    streams: StreamMap,
    packet: Packet,
    remains: Remains,
    /// Until it is complete.
    output: Option<NewOutput>,
    /// What keeps count of numbered images, where a run that is stopped can go on.
    pictures: Option<Pictures>,
}

impl NewOutput {
    pub(crate) fn create(place: Place, name: &str, options: &EncodingOptions) -> Result<Self> {
        let output = Output::create(&OutputOptions {
            path: place.path(),
            format: options.container.clone(),
            named_as: Some(name.to_owned()),
            options: options.muxer.clone(),
        })?;
        Ok(NewOutput { output, place })
    }

    /// Whether encoders are to leave their headers to the container.
    pub(crate) fn wants_global_header(&self) -> bool {
        self.output.wants_global_header()
    }

    /// Makes sure that one image gets one picture, as far as that is known of `source`, whose first one is read. What the
    /// program's own stages make of it is not: a second picture is refused when it comes.
    // RV-PIPE-2203
    pub(crate) fn check_count(&self, upscale: &Upscale, source: &mut Source) -> Result<()> {
        let known = upscale.before.is_empty() && upscale.after.is_empty();
        if known && self.output.is_one_image() && source.has_second()? {
            return Err(self.output.second_picture());
        }
        Ok(())
    }

    /// Which streams of `input` can be copied, by their index; says which cannot.
    // RV-PIPE-2103
    pub(crate) fn can_copy(&self, input: &Input, log: &Log) -> Result<Vec<bool>> {
        let video = input.video()?.index;
        let check = |index: usize| {
            let can = index != video && self.output.can_copy(input, index);
            if !can && index != video {
                let stream = &input.streams()[index];
                log.write(
                    LogLevel::Warning,
                    format_args!(
                        "stream {index} ({} {}) is left out: {} cannot hold it",
                        stream.kind.name(),
                        stream.codec,
                        self.output.format_name()
                    ),
                );
            }
            can
        };
        Ok((0..input.streams().len()).map(check).collect())
    }

    /// Settles the streams, in the order of the input's: the video, and those that are copied, by their index, and what chapters
    /// lie in the clip. Writes the header.
    pub(crate) fn start(
        mut self,
        input: Option<(&Input, &[bool], Clip)>,
        encoder: Encoder,
        remains: Remains,
    ) -> Result<FileSink> {
        let output = &mut self.output;
        let mut tracks = Vec::new();
        let video = match input {
            None => output.add_video(&encoder, None)?,
            Some((input, copied, clip)) => {
                let video = input.video()?.index;
                tracks.resize(copied.len(), None);
                let mut copy = |output: &mut Output, from: std::ops::Range<usize>| -> Result<()> {
                    for index in from.filter(|&index| copied[index]) {
                        tracks[index] = Some(output.copy_stream(input, index)?);
                    }
                    Ok(())
                };
                copy(output, 0..video)?;
                let track = output.add_video(&encoder, Some(input))?;
                copy(output, video + 1..copied.len())?;
                output.copy_metadata(input)?;
                output.copy_chapters(input, |times, unit| clip.take_chapter(times, unit))?;
                track
            }
        };
        output.write_header()?;
        let streams = StreamMap { tracks, video, left_out: Vec::new() };
        let packet = Packet::new()?;
        Ok(FileSink { encoder, streams, packet, remains, output: Some(self), pictures: None })
    }
}

impl FileSink {
    /// With `pictures`, which keeps count of the images that are complete.
    pub(crate) fn counted(mut self, pictures: Pictures) -> Self {
        self.pictures = Some(pictures);
        self
    }

    /// Whether any stream is copied.
    pub(crate) fn copies(&self) -> bool {
        self.streams.tracks.iter().any(Option::is_some)
    }

    /// Refuses segments that cannot be joined by this sink, before anything more is computed.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](rave_core::Status::InvalidParameter) for one of another encoder; those of reading its head.
    // RV-PIPE-3103
    pub(crate) fn check_segments(&self, pieces: &[PathBuf]) -> Result<()> {
        pieces.iter().try_for_each(|path| segments::check_alike(path, &self.encoder)).map_err(|error| {
            error.help(
                "the encoder that is chosen now is not the one of then, as where a GPU's cannot be opened: \
                 name that one (rave upscale --codec), or begin anew (--overwrite)",
            )
        })
    }

    /// Writes the segments at `pieces`, encoded by encoders that were opened as this one, and the copied streams of `input`, if
    /// it is given, as far as they lie in `clip`; completes the output.
    // RV-PIPE-3102
    pub(crate) fn join(mut self, pieces: Vec<PathBuf>, input: Option<Input>, clip: Clip) -> Result<()> {
        let Some(NewOutput { mut output, place }) = self.output.take() else { return Ok(()) };
        let mut video = Joined::open(pieces, &self.encoder)?;
        let tracks = self.streams.tracks;
        let mut copied = input.map(|input| Copied::new(input, tracks, clip)).transpose()?;
        segments::join(&mut video, &mut output, self.streams.video, |packet| match &mut copied {
            Some(copied) => copied.read(packet),
            None => Ok(None),
        })?;
        if let Some(copied) = copied {
            let mut left = self.remains.lock();
            left.corrupt_packets = left.corrupt_packets.max(copied.corrupt_packets());
            left.cut_short |= copied.is_cut_short();
        }
        output.finish()?;
        place.complete()
    }

    /// Writes what the encoder has ready.
    fn write_encoded(&mut self) -> Result<()> {
        let Some(NewOutput { output, .. }) = &mut self.output else { return Ok(()) };
        while self.encoder.receive(&mut self.packet)? == Received::Yes {
            if let Some(pictures) = &mut self.pictures {
                pictures.begins(self.packet.pts())?;
            }
            output.write(self.streams.video, &mut self.packet)?;
            if let Some(pictures) = &mut self.pictures {
                pictures.written()?;
            }
        }
        Ok(())
    }

    /// Writes packets of copied streams.
    fn write_copied(&mut self, packets: &[Packet]) -> Result<()> {
        let Some(NewOutput { output, .. }) = &mut self.output else { return Ok(()) };
        for packet in packets {
            if let Some(track) = self.streams.tracks.get(packet.stream()).copied().flatten() {
                self.packet.refer_to(packet)?;
                output.write(track, &mut self.packet)?;
            }
        }
        Ok(())
    }
}

impl FrameSink<Picture> for FileSink {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        self.write_copied(picture.packets.as_slice())?;
        self.encoder.send(&picture.frame)?;
        self.write_encoded()
    }

    // RV-PIPE-2201
    fn finish(&mut self) -> Result<()> {
        self.encoder.finish()?;
        self.write_encoded()?;
        let tail = self.remains.lock().tail.take();
        if let Some(tail) = tail {
            self.write_copied(tail.as_slice())?;
        }
        let Some(NewOutput { output, place }) = self.output.take() else { return Ok(()) };
        output.finish()?;
        match self.pictures.take() {
            None => place.complete(),
            // RV-PIPE-3106
            Some(mut pictures) => {
                pictures.complete()?;
                place.complete()?;
                pictures.remove();
                Ok(())
            }
        }
    }
}
