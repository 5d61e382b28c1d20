//! Pictures from files.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use png::{BitDepth, ColorType, DecodingError, Transformations};
use rave_core::{Error, Result, Size, Status};
use rave_engine::Picture;

/// Reads the PNG at `path`: gray or in colours, of up to 16 bits; transparency is ignored.
// RV-CLI-1108
pub(crate) fn read_png(path: &Path) -> Result<Picture> {
    let file = File::open(path).map_err(|error| Error::io(path, &error))?;
    let refuse = |found: String| {
        Error::new(Status::UnsupportedFormat, format!("file {}: {found}", path.display()))
            .expected("a PNG, gray or in colours")
            .help("one frame of a video: ffmpeg -i in.mp4 -frames:v 1 frame.png")
    };
    let failed = |error: DecodingError| match error {
        DecodingError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::io(path, &error)
        }
        error => refuse(error.to_string()),
    };
    let mut decoder = png::Decoder::new(BufReader::new(file));
    // Palettes and fewer than 8 bits become 8 bits.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(failed)?;
    // Before memory is taken for what the file says of itself.
    Size::new(reader.info().width, reader.info().height).checked(&format!("file {}", path.display()))?;
    let bytes = reader.output_buffer_size().ok_or_else(|| refuse("it is too large".into()))?;
    let mut bytes = vec![0; bytes];
    let info = reader.next_frame(&mut bytes).map_err(failed)?;
    bytes.truncate(info.buffer_size());
    // Every code of 8 bits becomes the same share of white in 16.
    let samples: Vec<u16> = match info.bit_depth {
        BitDepth::Sixteen => bytes.as_chunks().0.iter().map(|&sample| u16::from_be_bytes(sample)).collect(),
        _ => bytes.iter().map(|&sample| u16::from(sample) * 257).collect(),
    };
    let rgb = |channels: usize, places: [usize; 3]| -> Vec<u16> {
        samples.chunks_exact(channels).flat_map(|pixel| places.map(|place| pixel[place])).collect()
    };
    let rgb = match info.color_type {
        ColorType::Rgb | ColorType::Indexed => samples,
        ColorType::Rgba => rgb(4, [0, 1, 2]),
        ColorType::Grayscale => rgb(1, [0; 3]),
        ColorType::GrayscaleAlpha => rgb(2, [0; 3]),
    };
    Picture::new(Size::new(info.width, info.height), &rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path, color: ColorType, depth: BitDepth, data: &[u8]) -> std::path::PathBuf {
        let path = folder.join(format!("{color:?}{depth:?}.png"));
        let mut encoder = png::Encoder::new(File::create(&path).unwrap(), 2, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(&[0, 0, 255, 255, 0, 0][..]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        path
    }

    /// RV-CLI-1108
    #[test]
    fn every_kind_of_png_gives_its_colours() {
        let folder = tempfile::tempdir().unwrap();
        let read = |color, depth, data: &[u8]| read_png(&written(folder.path(), color, depth, data)).unwrap();
        let expected = |samples: [u16; 6]| Picture::new(Size::new(2, 1), &samples).unwrap();
        let red_blue = expected([65535, 0, 0, 0, 0, 65535]);
        assert!(read(ColorType::Rgb, BitDepth::Eight, &[255, 0, 0, 0, 0, 255]) == red_blue);
        assert!(read(ColorType::Rgba, BitDepth::Eight, &[255, 0, 0, 7, 0, 0, 255, 0]) == red_blue);
        assert!(read(ColorType::Indexed, BitDepth::One, &[0b1000_0000]) == red_blue);
        let gray = expected([0x8080, 0x8080, 0x8080, 0, 0, 0]);
        assert!(read(ColorType::Grayscale, BitDepth::Eight, &[128, 0]) == gray);
        assert!(read(ColorType::GrayscaleAlpha, BitDepth::Eight, &[128, 9, 0, 9]) == gray);
        let fine = expected([0x1234, 0x1234, 0x1234, 1, 1, 1]);
        assert!(read(ColorType::Grayscale, BitDepth::Sixteen, &[0x12, 0x34, 0, 1]) == fine);
    }

    /// RV-CLI-1108
    #[test]
    fn what_is_no_png_or_none_at_all_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let whole = written(folder.path(), ColorType::Rgb, BitDepth::Eight, &[1; 6]);
        let whole = std::fs::read(whole).unwrap();
        let path = folder.path().join("x.png");
        assert_eq!(read_png(&path).unwrap_err().status(), Status::FileNotFound);
        for bytes in [&b""[..], b"\xff\xd8\xff\xe0", &whole[..whole.len() / 2]] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_png(&path).unwrap_err();
            assert_eq!(error.status(), Status::UnsupportedFormat, "{error}");
            assert!(
                error.to_string().contains("x.png") && error.to_string().contains("frames:v 1"),
                "{error}"
            );
        }
    }
}
