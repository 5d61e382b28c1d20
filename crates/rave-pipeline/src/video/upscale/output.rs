//! What is written, and where.

use rave_core::{PixelFormat, Size};

use super::{Resumable, Target, Upscale};
use crate::resume::SEGMENT;
use crate::{FrameSink, Picture};

impl Upscale {
    /// Writes a file, `-` for standard output, or a pattern of numbered images. The name's ending tells the container, and
    /// that the encoder. A file is in its place when it is complete, and nothing is there before or when something fails.
    #[must_use]
    pub fn output(mut self, path: impl Into<String>) -> Self {
        self.to = Some(Target::File(path.into()));
        self
    }

    /// Gives the pictures to `sink`, in place of a file.
    #[must_use]
    pub fn sink(mut self, sink: impl FrameSink<Picture> + 'static) -> Self {
        self.to = Some(Target::Sink(Box::new(sink)));
        self
    }

    /// FFmpeg's name of the output's container, where the name's ending does not tell, as of a pipe.
    #[must_use]
    pub fn container(mut self, format: impl Into<String>) -> Self {
        self.encoding.container = Some(format.into());
        self
    }

    /// FFmpeg's name of the encoder; by the container where it is not given.
    #[must_use]
    pub fn codec(mut self, encoder: impl Into<String>) -> Self {
        self.encoding.codec = Some(encoder.into());
        self
    }

    /// The quality on the scale of x264's crf: 0 is lossless or the best, 51 the worst. An encoder for which that cannot be
    /// said, such as `prores_ks`, is refused; it has options of its own ([`Upscale::encoder_option`]).
    #[must_use]
    pub fn quality(mut self, quality: f32) -> Self {
        self.encoding.quality = Some(quality);
        self
    }

    /// The encoder's preset, such as `slow`.
    #[must_use]
    pub fn preset(mut self, preset: impl Into<String>) -> Self {
        self.encoding.preset = Some(preset.into());
        self
    }

    /// An option of the encoder by its own name, beside those that were given before.
    #[must_use]
    pub fn encoder_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.encoding.options.push((name.into(), value.into()));
        self
    }

    /// An option of the muxer by its own name, beside those that were given before.
    #[must_use]
    pub fn muxer_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.encoding.muxer.push((name.into(), value.into()));
        self
    }

    /// The pixel format of the output, or the nearest that the encoder takes; as the input's where it is not given.
    #[must_use]
    pub fn pixel_format(mut self, format: PixelFormat) -> Self {
        self.encoding.format = Some(format);
        self
    }

    /// Refuses an output that is wider or higher than this, before anything is computed.
    #[must_use]
    pub fn max_output(mut self, size: Size) -> Self {
        self.limit = Some(size);
        self
    }

    /// Whether the input's other streams are copied, as they are by default where the container holds them.
    #[must_use]
    pub fn copy_streams(mut self, copy: bool) -> Self {
        self.copy = copy;
        self
    }

    /// Whether a file that is there may be replaced.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Makes the output in segments, which stay beside it when the run is stopped in whatever way, at any moment. With
    /// `resume`, a run that was stopped goes on after its last segment, and what comes of it is what would have come of a run
    /// that was not. Without, it is an error that there is an unfinished run, unless it may be overwritten.
    ///
    /// For files and numbered images: of what is read from or written to a pipe, `resume` is an error. Stages of the
    /// program's own are taken to be the same if their names are.
    #[must_use]
    pub fn resumable(mut self, resume: bool) -> Self {
        let segment = self.resumable.map_or(SEGMENT, |resumable| resumable.segment);
        self.resumable = Some(Resumable { resume, segment });
        self
    }

    /// How many pictures a segment of a [resumable](Upscale::resumable) run has, 1 or more: as many are computed again at
    /// most, and as often does the video begin anew.
    #[must_use]
    pub fn segment(mut self, pictures: u64) -> Self {
        let resume = self.resumable.is_some_and(|resumable| resumable.resume);
        self.resumable = Some(Resumable { resume, segment: pictures.max(1) });
        self
    }
}
