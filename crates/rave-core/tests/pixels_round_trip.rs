//! Unpack followed by Pack gives back the frame.

mod picture;

use half::f16;
use picture::{MATRICES, Picture, RANGES, Random, SITINGS, color, sitings};
use rave_core::pixels::{ChromaScaler, Pack, Unpack};
use rave_core::{
    ChromaSiting, Colorimetry, Elements, ElementsMut, Matrix, PixelFamily, PixelFormat, Range, Scale, Size,
    ValueRange,
};

fn round_trip(
    source: &Picture,
    color: Colorimetry,
    channels: u32,
    white: ValueRange,
    dither: bool,
) -> Picture {
    let (format, size) = (source.format, source.size);
    let mut unpack = Unpack::new(format, size, channels, size).unwrap();
    let mut pack = Pack::new(format, size, channels, size, dither).unwrap();
    let mut tensor = vec![f32::NAN; unpack.tensor().elements()];
    unpack.run(&source.frame(), color, white, ElementsMut::F32(&mut tensor)).unwrap();
    let mut out = Picture::new(format, size, 0, false);
    if channels == 1 && format.family() != PixelFamily::Gray {
        let mut chroma = ChromaScaler::new(format, size, format, Scale::ONE).unwrap();
        chroma.run(&source.frame(), color, color).unwrap();
        pack.run_luma(Elements::F32(&tensor), white, color, &chroma, &mut out.frame_mut()).unwrap();
    } else {
        pack.run(Elements::F32(&tensor), white, color, &mut out.frame_mut()).unwrap();
    }
    out
}

fn assert_identity(sizes: &[(u32, u32)], channels: u32) {
    let mut random = Random(1);
    for &format in PixelFormat::ALL {
        for matrix in MATRICES {
            for range in RANGES {
                for &siting in sitings(format) {
                    for (index, &(width, height)) in sizes.iter().enumerate() {
                        let source = Picture::random(format, Size::new(width, height), &mut random);
                        let color = color(matrix, range, siting);
                        let white = [ValueRange::Unit, ValueRange::Byte][index % 2];
                        for dither in [false, true] {
                            let out = round_trip(&source, color, channels, white, dither);
                            let (worst, place) = out.worst_difference(&source);
                            assert_eq!(
                                worst, 0,
                                "{format} {width}x{height} {color:?} {white:?} dither {dither}: {place}"
                            );
                            assert!(out == source, "{format}: padding");
                        }
                    }
                }
            }
        }
    }
}

/// RV-CORE-1003
#[test]
fn an_rgb_tensor_keeps_every_code_of_every_format_and_colour() {
    assert_identity(&[(1, 1), (2, 2), (1, 4), (3, 5), (5, 1), (4, 3), (17, 9), (37, 40)], 3);
}

/// RV-CORE-1003
#[test]
fn a_luma_tensor_with_scaled_chroma_keeps_every_code_of_every_format_and_colour() {
    assert_identity(&[(1, 1), (2, 2), (3, 5), (17, 9), (37, 40)], 1);
}

/// RV-CORE-1003
#[test]
fn random_codes_of_a_whole_picture_survive_in_16_bits() {
    let mut random = Random(2);
    for format in [PixelFormat::Yuv420p16, PixelFormat::Yuv444p16, PixelFormat::P016] {
        for range in RANGES {
            for siting in SITINGS {
                let source = Picture::random(format, Size::new(301, 203), &mut random);
                let color = color(Matrix::Bt2020, range, siting);
                let out = round_trip(&source, color, 3, ValueRange::Byte, true);
                assert_eq!(out.worst_difference(&source), (0, String::new()), "{format} {color:?}");
            }
        }
    }
}

/// fp16 has 11 significant bits: between 1/2 and 1 it rounds by up to 2^-12, which is 0.06 codes of 8 bits, 0.25 of
/// 10, 1 of 12 and 16 of 16. Y'CbCr adds the matrix, values above 1 and the chroma filter's gain.
///
/// RV-CORE-1005
#[test]
fn fp16_tensors_lose_at_most_the_stated_number_of_codes() {
    let mut random = Random(3);
    for (format, bound) in [
        (PixelFormat::Yuv444p, 0),
        (PixelFormat::Yuv420p, 0),
        (PixelFormat::Yuv420p10, 1),
        (PixelFormat::Yuv420p12, 2),
        (PixelFormat::Yuv420p16, 40),
        (PixelFormat::Gbrp, 0),
        (PixelFormat::Gbrp10, 0),
        (PixelFormat::Gbrp12, 1),
        (PixelFormat::Gbrp16, 16),
        (PixelFormat::Gray8, 0),
        (PixelFormat::Gray16, 16),
    ] {
        let size = Size::new(128, 96);
        let mut worst = 0;
        for matrix in MATRICES {
            for range in RANGES {
                if range == Range::Limited && format.family() != PixelFamily::Yuv {
                    continue;
                }
                for siting in [ChromaSiting::Left, ChromaSiting::Center] {
                    let source = Picture::random(format, size, &mut random);
                    let color = color(matrix, range, siting);
                    let mut unpack = Unpack::new(format, size, 3, size).unwrap();
                    let mut pack = Pack::new(format, size, 3, size, false).unwrap();
                    let mut tensor = vec![f16::NAN; unpack.tensor().elements()];
                    let white = ValueRange::Unit;
                    unpack.run(&source.frame(), color, white, ElementsMut::F16(&mut tensor)).unwrap();
                    let mut out = Picture::new(format, size, 0, false);
                    pack.run(Elements::F16(&tensor), white, color, &mut out.frame_mut()).unwrap();
                    worst = worst.max(out.worst_difference(&source).0);
                }
            }
        }
        assert!(worst <= bound, "{format}: {worst} codes");
    }
}
