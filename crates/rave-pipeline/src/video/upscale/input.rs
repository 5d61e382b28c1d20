//! What is read.

use std::time::Duration;

use super::Upscale;

impl Upscale {
    /// FFmpeg's name of the input's container, for pipes of raw video; and options of its demuxer, such as `framerate` of an
    /// image sequence.
    #[must_use]
    pub fn input_format(mut self, format: Option<&str>, options: &[(String, String)]) -> Self {
        self.input_format = format.map(str::to_owned);
        self.input_options = options.to_vec();
        self
    }

    /// Begins so far into the video.
    #[must_use]
    pub fn start(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// Ends after so much of it.
    #[must_use]
    pub fn length(mut self, length: Duration) -> Self {
        self.length = Some(length);
        self
    }
}
