//! Pictures into segments, and these into the output.

use rave_core::Result;
use rave_ffmpeg::segments::SegmentWriter;
use rave_ffmpeg::{Encoder, Input, InputOptions, Packet, Received};

use super::Segments;
use crate::FrameSink;
use crate::video::{Clip, FileSink, Picture, Recipe};

/// What is read again for the streams that are copied.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) input: InputOptions,
    pub(crate) start: f64,
    pub(crate) clip: Clip,
}

impl Sources {
    fn open(&self) -> Result<Input> {
        let mut input = Input::open(&self.input)?;
        if self.start > 0.0 {
            input.seek(self.start)?;
        }
        Ok(input)
    }
}

/// Encodes pictures in segments, and joins these at the end with what is copied.
#[derive(Debug)]
pub(crate) struct SegmentSink {
    recipe: Recipe,
    /// Pictures in a segment.
    length: u64,
    current: Option<Segment>,
    packet: Packet,
    /// Until they are used up at the end.
    rest: Option<Rest>,
}

/// The segment that is being made.
#[derive(Debug)]
struct Segment {
    encoder: Encoder,
    writer: SegmentWriter,
    pictures: u64,
}

#[derive(Debug)]
struct Rest {
    done: Segments,
    /// The output, whose header is written.
    file: FileSink,
    sources: Sources,
}

impl SegmentSink {
    /// Segments of `length` pictures, after those that are `done`; at the end `file` becomes the output.
    pub(crate) fn new(
        recipe: Recipe,
        length: u64,
        done: Segments,
        file: FileSink,
        sources: Sources,
    ) -> Result<Self> {
        file.check_segments(&done.paths())?;
        let rest = Some(Rest { done, file, sources });
        Ok(SegmentSink { recipe, length, current: None, packet: Packet::new()?, rest })
    }

    fn write_encoded(&mut self) -> Result<()> {
        let Some(segment) = &mut self.current else { return Ok(()) };
        while segment.encoder.receive(&mut self.packet)? == Received::Yes {
            segment.writer.write(&self.packet)?;
        }
        Ok(())
    }

    /// Completes the segment that is being made.
    fn seal(&mut self) -> Result<()> {
        if let Some(segment) = &mut self.current {
            segment.encoder.finish()?;
        }
        self.write_encoded()?;
        if let (Some(segment), Some(rest)) = (self.current.take(), &mut self.rest) {
            let pictures = segment.writer.finish()?;
            rest.done.done(pictures);
        }
        Ok(())
    }
}

impl FrameSink<Picture> for SegmentSink {
    // RV-PIPE-3102
    fn write(&mut self, picture: &Picture) -> Result<()> {
        let Some(rest) = &self.rest else { return Ok(()) };
        let segment = match &mut self.current {
            Some(segment) => segment,
            none => {
                let encoder = self.recipe.open()?;
                let writer = SegmentWriter::create(rest.done.next(), &encoder)?;
                none.insert(Segment { encoder, writer, pictures: 0 })
            }
        };
        segment.encoder.send(picture.frame())?;
        segment.pictures += 1;
        if segment.pictures == self.length { self.seal() } else { self.write_encoded() }
    }

    // RV-PIPE-2112, RV-PIPE-3104
    fn finish(&mut self) -> Result<()> {
        self.seal()?;
        let Some(Rest { done, file, sources }) = self.rest.take() else { return Ok(()) };
        let input = if file.copies() { Some(sources.open()?) } else { None };
        file.join(done.paths(), input, sources.clip)?;
        done.remove();
        Ok(())
    }
}
