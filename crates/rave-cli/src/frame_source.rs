//! Pictures to run again, one after the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use rave_core::{Error, PixelFormat, Result, Size, Status};

/// Gives frames in order, each as its planes one after the other, rows without padding.
pub(crate) trait FrameSource {
    /// Reads the next frame, of `format` and `size`, into `pixels`; `false` at the end.
    ///
    /// # Errors
    /// For a frame of another geometry, one that is cut off, and those of reading.
    fn next(&mut self, format: PixelFormat, size: Size, pixels: &mut Vec<u8>) -> Result<bool>;
}

/// Opens the frames at `path`; `-` is standard input. What does not begin as y4m is raw.
pub(crate) fn open(path: &Path) -> Result<Box<dyn FrameSource>> {
    let reader: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(path).map_err(|error| Error::io(path, &error))?),
    };
    read(path.display().to_string(), BufReader::with_capacity(1 << 20, reader))
}

/// Reads the frames that come from `reader`; `name` is what messages call them.
pub(crate) fn read(name: String, reader: impl BufRead + 'static) -> Result<Box<dyn FrameSource>> {
    Frames::new(name, reader)
}

/// Frames in a file or a pipe.
struct Frames<R> {
    name: String,
    reader: R,
    /// What the stream says of its frames; `None` of raw ones.
    declared: Option<(PixelFormat, Size)>,
}

/// What a stream of y4m begins with.
const MAGIC: &[u8] = b"YUV4MPEG2 ";
/// More than any line of y4m has.
const MAX_LINE: u64 = 4096;

impl<R: BufRead + 'static> Frames<R> {
    #[expect(clippy::new_ret_no_self, reason = "it is a source, of whatever kind")]
    fn new(name: String, mut reader: R) -> Result<Box<dyn FrameSource>> {
        let beginning = reader.fill_buf().map_err(|error| Error::io(name.as_ref(), &error))?;
        let mut frames = Frames { declared: None, reader: io::empty(), name };
        if !beginning.starts_with(MAGIC) {
            return Ok(Box::new(Frames { name: frames.name, reader, declared: None }));
        }
        let header = frames.line(&mut reader)?;
        frames.declared = Some(frames.parse(&header)?);
        Ok(Box::new(Frames { name: frames.name, reader, declared: frames.declared }))
    }
}

impl<R> Frames<R> {
    fn line(&self, reader: &mut impl BufRead) -> Result<String> {
        let mut line = Vec::new();
        let taken = reader.take(MAX_LINE).read_until(b'\n', &mut line);
        taken.map_err(|error| Error::io(self.name.as_ref(), &error))?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// The geometry that the header of a y4m stream tells: `YUV4MPEG2 W64 H48 F25:1 C420jpeg`.
    fn parse(&self, header: &str) -> Result<(PixelFormat, Size)> {
        let wrong = |found: String, expected: &str| {
            Error::new(Status::UnsupportedFormat, format!("input {}: y4m with {found}", self.name))
                .expected(expected)
        };
        let field = |tag: char| header.split(' ').skip(1).find_map(|field| field.strip_prefix(tag));
        let side = |tag: char| {
            let text = field(tag).unwrap_or("none");
            text.parse().map_err(|_| wrong(format!("{tag}{text}"), "W and H with a number of pixels"))
        };
        let size = Size::new(side('W')?, side('H')?).checked("y4m")?;
        let chroma = field('C').unwrap_or("420");
        let name = match chroma {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => "yuv420p".to_owned(),
            "422" => "yuv422p".into(),
            "444" => "yuv444p".into(),
            "mono" => "gray".into(),
            other => match other.strip_prefix("mono") {
                Some(bits) => format!("gray{bits}le"),
                None => format!("yuv{}le", other),
            },
        };
        let format = PixelFormat::from_name(&name).ok_or_else(|| {
            wrong(format!("C{chroma}"), "a format that RAVE takes, such as C420 or C444p10")
        })?;
        Ok((format, size))
    }
}

impl<R: BufRead> FrameSource for Frames<R> {
    fn next(&mut self, format: PixelFormat, size: Size, pixels: &mut Vec<u8>) -> Result<bool> {
        let io = |error: io::Error| Error::io(self.name.as_ref(), &error).context("input");
        if self.reader.fill_buf().map_err(io)?.is_empty() {
            return Ok(false);
        }
        if let Some((other, other_size)) = self.declared {
            if (other, other_size) != (format, size) {
                return Err(Error::new(
                    Status::UnsupportedFormat,
                    format!("input {} has frames of {other_size} {other}", self.name),
                )
                .expected(format!("{size} {format}, as the ledger says")));
            }
            let mut line = Vec::new();
            (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(io)?;
            if !line.starts_with(b"FRAME") {
                return Err(Error::new(
                    Status::UnsupportedFormat,
                    format!("input {}: no y4m frame", self.name),
                )
                .expected("a line that begins with FRAME"));
            }
        }
        let bytes = frame_bytes(format, size);
        pixels.resize(bytes, 0);
        self.reader.read_exact(pixels).map_err(|error| {
            if error.kind() != io::ErrorKind::UnexpectedEof {
                return io(error);
            }
            Error::new(Status::Io, format!("input {} ends within a frame", self.name))
                .expected(format!("whole frames of {size} {format}, {bytes} bytes each"))
        })?;
        Ok(true)
    }
}

/// The bytes of each row of a plane, and of the whole plane.
pub(crate) fn planes(format: PixelFormat, size: Size) -> impl Iterator<Item = (usize, usize)> {
    (0..format.layout().planes).map(move |plane| {
        let row = format.row_bytes(plane, size.width);
        (row, row * format.plane_size(plane, size).height as usize)
    })
}

/// The bytes of a frame.
pub(crate) fn frame_bytes(format: PixelFormat, size: Size) -> usize {
    planes(format, size).map(|(_, bytes)| bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &'static [u8]) -> Result<Box<dyn FrameSource>> {
        read("x".into(), bytes)
    }

    const TINY: Size = Size::new(2, 2);

    #[test]
    fn raw_frames_and_y4m_are_read_whole_or_refused() {
        let mut pixels = Vec::new();
        let mut raw = source(b"abcdefgh").unwrap();
        assert!(raw.next(PixelFormat::Gray8, TINY, &mut pixels).unwrap() && pixels == b"abcd");
        assert!(raw.next(PixelFormat::Gray8, TINY, &mut pixels).unwrap() && pixels == b"efgh");
        assert!(!raw.next(PixelFormat::Gray8, TINY, &mut pixels).unwrap());

        let mut y4m = source(b"YUV4MPEG2 W2 H2 F25:1 Cmono\nFRAME\nabcdFRAME Ip\nefg").unwrap();
        assert!(y4m.next(PixelFormat::Gray8, TINY, &mut pixels).unwrap() && pixels == b"abcd");
        let cut = y4m.next(PixelFormat::Gray8, TINY, &mut pixels).unwrap_err().to_string();
        assert!(cut.contains("ends within a frame"), "{cut}");
    }

    #[test]
    fn another_geometry_and_unknown_formats_are_named() {
        let mut pixels = Vec::new();
        let mut y4m = source(b"YUV4MPEG2 W2 H2 C444p10\nFRAME\n").unwrap();
        let other = y4m.next(PixelFormat::Gray8, TINY, &mut pixels).unwrap_err().to_string();
        assert!(other.contains("2x2 yuv444p10le") && other.contains("2x2 gray"), "{other}");
        for (header, word) in [
            (&b"YUV4MPEG2 W2 H2 C411\n"[..], "C411"),
            (b"YUV4MPEG2 W2\n", "Hnone"),
            (b"YUV4MPEG2 W0 H2\n", "0x2"),
        ] {
            let error = source(header).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
