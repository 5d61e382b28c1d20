//! How the colours of a stream's frames are read and written.

use rave_core::{
    ChromaSiting, ColorTags, Colorimetry, Log, LogLevel, Matrix, PixelFamily, PixelFormat, Range, Size,
};

use crate::SessionOptions;

/// Resolves what frames say of their colours, and says once what was taken for granted.
#[derive(Debug)]
pub(crate) struct Colors {
    input: PixelFormat,
    size: Size,
    output: PixelFormat,
    output_size: Size,
    log: Log,
    /// What was said to be taken.
    announced: Vec<(Matrix, Range)>,
}

impl Colors {
    pub(crate) fn new(options: &SessionOptions, output_size: Size, log: Log) -> Self {
        Colors {
            input: options.input_format,
            size: options.size,
            output: options.output_format,
            output_size,
            log,
            announced: Vec::new(),
        }
    }

    /// How a frame tagged `tags` is read, and how the output, of which `wanted` is asked, is written.
    pub(crate) fn of(&mut self, tags: ColorTags, wanted: ColorTags) -> (Colorimetry, Colorimetry) {
        let (from, to) = self.resolve(tags, wanted);
        // What is taken of Y'CbCr is how it is read, of anything else how it is written.
        self.announce(tags, wanted, if self.input.family() == PixelFamily::Yuv { from } else { to });
        (from, to)
    }

    /// The output's colours are coded as the input's, but for what a change of format makes meaningless or leaves open.
    pub(crate) fn resolve(&self, tags: ColorTags, wanted: ColorTags) -> (Colorimetry, Colorimetry) {
        let Colors { input, output, output_size, .. } = *self;
        let mut from = tags.resolve(input, self.size);
        if input.family() == PixelFamily::Rgb && output.family() != PixelFamily::Rgb {
            // RV-ENG-1106
            // R'G'B' has no matrix of its own: it becomes what is asked for, or what fits the output's size. A luma
            // model works on that same luma.
            let asked = ColorTags { matrix: wanted.matrix.or(tags.matrix), ..wanted };
            from.matrix = asked.resolve(output, output_size).matrix;
        }
        let mut to = Colorimetry { siting: siting_between(from.siting, input, output), ..from };
        if input.family() != output.family() {
            let asked = ColorTags { matrix: Some(from.matrix), ..wanted };
            to.range = asked.resolve(output, output_size).range;
        }
        (from, to)
    }

    // RV-ENG-1105, RV-FILT-1006
    fn announce(&mut self, tags: ColorTags, wanted: ColorTags, taken: Colorimetry) {
        let chosen = match self.input.family() {
            PixelFamily::Yuv => tags.matrix.is_none() || tags.range.is_none(),
            PixelFamily::Rgb => {
                self.output.family() != PixelFamily::Rgb && tags.matrix.or(wanted.matrix).is_none()
            }
            PixelFamily::Gray => false,
        };
        let said = (taken.matrix, taken.range);
        if chosen && !self.announced.contains(&said) {
            self.announced.push(said);
            let range = match taken.range {
                Range::Limited => "limited",
                Range::Full => "full",
            };
            self.log.write(
                LogLevel::Info,
                format_args!(
                    "the frames leave their colours unspecified: {} matrix and {range} range are taken, and written on \
                     the output",
                    taken.matrix
                ),
            );
        }
    }
}

/// The siting of `output`, of which the input's says nothing in a direction in which the input is not subsampled.
fn siting_between(siting: ChromaSiting, input: PixelFormat, output: PixelFormat) -> ChromaSiting {
    let subsampling = |format: PixelFormat| {
        let layout = format.layout();
        (layout.log2_chroma_width, layout.log2_chroma_height)
    };
    if subsampling(input) == subsampling(output) {
        return siting;
    }
    match subsampling(input) {
        (0, 0) => ChromaSiting::Left,
        (_, 0) if siting.horizontal_half_steps() == 0 => ChromaSiting::Left,
        (_, 0) => ChromaSiting::Center,
        _ => siting,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// RV-ENG-1105
    #[test]
    fn what_is_taken_is_said_once_also_where_tags_alternate() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = Log::up_to(LogLevel::Info, move |_, line| sink.lock().unwrap().push(line.to_owned()));
        let size = Size::new(64, 64);
        let mut colors = Colors::new(&SessionOptions::new(PixelFormat::Yuv420p, size), size, log);
        let unspecified = ColorTags::default();
        let full = ColorTags { range: Some(Range::Full), ..unspecified };
        let tagged = ColorTags { matrix: Some(Matrix::Bt709), ..full };
        for _ in 0..3 {
            for tags in [unspecified, tagged, full] {
                colors.of(tags, ColorTags::default());
            }
        }
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("limited range") && lines[1].contains("full range"), "{lines:?}");
    }
}
