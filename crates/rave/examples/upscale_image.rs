//! Runs a model on a PNG: `cargo run --release --example upscale_image -- MODEL.onnx IN.png OUT.png`

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};

use rave::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let [model, input, output] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: upscale_image MODEL.onnx IN.png OUT.png")?;
    let (pixels, size) = read_png(&input)?;

    let log = Log::new(|_, message| eprintln!("{message}"));
    let model = Model::load(model.as_ref(), &ModelOptions { log: log.clone(), ..ModelOptions::default() })?;
    let mut session = Session::new(&model, &SessionOptions::new(PixelFormat::Rgb24, size), log)?;

    let larger = session.output_size();
    let mut upscaled = vec![0; larger.pixels() as usize * 3];
    let stride = |size: Size| size.width as isize * 3;
    session.process(
        &Frame::new(PixelFormat::Rgb24, size, ColorTags::default(), &[(&pixels, stride(size))])?,
        &mut FrameMut::new(PixelFormat::Rgb24, larger, vec![(&mut upscaled, stride(larger))])?,
    )?;

    write_png(&output, &upscaled, larger)?;
    println!("{input} ({size}) -> {output} ({larger})");
    Ok(())
}

/// Reads a PNG as 8-bit RGB.
fn read_png(path: &str) -> Result<(Vec<u8>, Size), Box<dyn Error>> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path)?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
    let info = reader.next_frame(&mut bytes)?;
    bytes.truncate(info.buffer_size());
    let pixels = match info.color_type {
        png::ColorType::Rgb => bytes,
        png::ColorType::Rgba => {
            bytes.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
        }
        png::ColorType::Grayscale => bytes.iter().flat_map(|&luma| [luma; 3]).collect(),
        other => return Err(format!("{path}: colour type {other:?} is not supported").into()),
    };
    Ok((pixels, Size::new(info.width, info.height)))
}

/// Writes 8-bit RGB as a PNG.
fn write_png(path: &str, pixels: &[u8], size: Size) -> Result<(), Box<dyn Error>> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(())
}
