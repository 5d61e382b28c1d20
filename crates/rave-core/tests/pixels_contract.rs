//! Values in print, and what holds for any frame: strides, padding, numbers that are not finite, wrong arguments.

mod picture;

use half::f16;
use picture::{Picture, Random, color};
use proptest::prelude::*;
use rave_core::pixels::{ChromaScaler, Pack, Unpack};
use rave_core::{
    ChromaSiting, Colorimetry, Elements, ElementsMut, Matrix, PixelFormat, Range, Scale, Size, Status,
    ValueRange,
};

const LIMITED_709: Colorimetry =
    Colorimetry { matrix: Matrix::Bt709, range: Range::Limited, siting: ChromaSiting::Left };

fn unpacked(source: &Picture, color: Colorimetry, white: ValueRange, channels: u32) -> Vec<f32> {
    let mut unpack = Unpack::new(source.format, source.size, channels, source.size).unwrap();
    let mut tensor = vec![f32::NAN; unpack.tensor().elements()];
    unpack.run(&source.frame(), color, white, ElementsMut::F32(&mut tensor)).unwrap();
    tensor
}

/// The 100 % colour bars of BT.709 and BT.601 in 8-bit limited range, as every table of them has it.
///
/// RV-CORE-1007
#[test]
fn colour_bars_become_pure_colours() {
    let bars_709 = [
        ([235, 128, 128], [1.0, 1.0, 1.0]),
        ([219, 16, 138], [1.0, 1.0, 0.0]),
        ([188, 154, 16], [0.0, 1.0, 1.0]),
        ([173, 42, 26], [0.0, 1.0, 0.0]),
        ([78, 214, 230], [1.0, 0.0, 1.0]),
        ([63, 102, 240], [1.0, 0.0, 0.0]),
        ([32, 240, 118], [0.0, 0.0, 1.0]),
        ([16, 128, 128], [0.0, 0.0, 0.0]),
    ];
    let bars_601 = [
        ([210, 16, 146], [1.0, 1.0, 0.0]),
        ([170, 166, 16], [0.0, 1.0, 1.0]),
        ([145, 54, 34], [0.0, 1.0, 0.0]),
        ([106, 202, 222], [1.0, 0.0, 1.0]),
        ([81, 90, 240], [1.0, 0.0, 0.0]),
        ([41, 240, 110], [0.0, 0.0, 1.0]),
    ];
    for (matrix, bars) in [(Matrix::Bt709, &bars_709[..]), (Matrix::Bt601, &bars_601[..])] {
        let color = color(matrix, Range::Limited, ChromaSiting::Left);
        for (codes, rgb) in bars {
            let source =
                Picture::filled(PixelFormat::Yuv420p, Size::new(4, 4), |component, _, _| codes[component]);
            let tensor = unpacked(&source, color, ValueRange::Unit, 3);
            for (channel, expected) in tensor.chunks(16).zip(rgb) {
                // Tables round to whole codes, which is worth up to 1/219 + 1.8556 / 2 / 224.
                assert!(
                    channel.iter().all(|value| (value - expected).abs() < 0.0087),
                    "{matrix} {codes:?}: {channel:?}"
                );
            }
            // And the other way the table's codes are met.
            let mut pack = Pack::new(PixelFormat::Yuv420p, source.size, 3, source.size, false).unwrap();
            let pure: Vec<f32> = rgb.iter().flat_map(|&value| [value; 16]).collect();
            let mut out = Picture::new(source.format, source.size, 0, false);
            pack.run(Elements::F32(&pure), ValueRange::Unit, color, &mut out.frame_mut()).unwrap();
            assert_eq!(out, source, "{matrix} {rgb:?}");
        }
    }
}

#[test]
fn full_range_codes_of_8_bits_are_the_very_integers_in_the_byte_range() {
    for format in [PixelFormat::Rgb24, PixelFormat::Gbrp, PixelFormat::Bgr0] {
        let source =
            Picture::filled(format, Size::new(256, 1), |component, x, _| (x + 85 * component as u32) % 256);
        let color = color(Matrix::Bt709, Range::Full, ChromaSiting::Left);
        let tensor = unpacked(&source, color, ValueRange::Byte, 3);
        for (index, &value) in tensor.iter().enumerate() {
            let (component, x) = (index / 256, index % 256);
            assert_eq!(value, ((x + 85 * component) % 256) as f32, "{format}");
        }
    }
    let gray = Picture::filled(PixelFormat::Gray8, Size::new(256, 1), |_, x, _| x);
    let color = color(Matrix::Bt709, Range::Full, ChromaSiting::Left);
    let tensor = unpacked(&gray, color, ValueRange::Byte, 3);
    assert!(tensor.iter().enumerate().all(|(i, &v)| v == (i % 256) as f32));
}

/// RV-CORE-1006
#[test]
fn codes_beyond_the_nominal_range_survive_in_the_tensor() {
    let source = Picture::filled(PixelFormat::Yuv444p, Size::new(2, 1), |component, x, _| {
        if component == 0 { [1, 254][x as usize] } else { 128 }
    });
    let tensor = unpacked(&source, LIMITED_709, ValueRange::Unit, 3);
    assert!((tensor[0] + 15.0 / 219.0).abs() < 1e-6 && (tensor[1] - 238.0 / 219.0).abs() < 1e-6);
}

#[test]
fn dither_spreads_a_level_between_codes_over_the_matrix() {
    let size = Size::new(16, 16);
    let color = color(Matrix::Bt709, Range::Full, ChromaSiting::Left);
    let tensor = vec![100.25f32; 3 * 256];
    for (dither, raised) in [(true, 64), (false, 0)] {
        let mut pack = Pack::new(PixelFormat::Gbrp, size, 3, size, dither).unwrap();
        let mut out = Picture::new(PixelFormat::Gbrp, size, 0, false);
        pack.run(Elements::F32(&tensor), ValueRange::Byte, color, &mut out.frame_mut()).unwrap();
        for plane in &out.planes {
            assert!(plane.iter().all(|&code| code == 100 || code == 101));
            assert_eq!(plane.iter().filter(|&&code| code == 101).count(), raised);
        }
    }
}

/// RV-CORE-1008
#[test]
fn elements_that_are_not_finite_are_counted_where_they_matter() {
    let (size, tensor_size) = (Size::new(33, 41), Size::new(36, 44));
    for format in [PixelFormat::Yuv420p, PixelFormat::Yuv422p10, PixelFormat::Rgb24, PixelFormat::Gray8] {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut pack = Pack::new(format, size, 3, tensor_size, true).unwrap();
            let mut out = Picture::new(format, size, 0, false);
            let mut run = |tensor: Elements<'_>| {
                pool.install(|| pack.run(tensor, ValueRange::Unit, LIMITED_709, &mut out.frame_mut()))
            };
            let mut tensor = vec![f16::ONE; 3 * 36 * 44];
            let at = |channel: usize, x: usize, y: usize| (channel * 44 + y) * 36 + x;
            // Outside the picture nothing is looked at.
            tensor[at(0, 33, 0)] = f16::NAN;
            tensor[at(2, 0, 41)] = f16::INFINITY;
            run(Elements::F16(&tensor)).unwrap();
            // At the rows where parts meet, each is counted once.
            let places = [(0, 32, 0), (1, 0, 40), (2, 5, 20), (0, 6, 19), (1, 7, 21), (2, 8, 12)];
            for (channel, x, y) in places {
                tensor[at(channel, x, y)] = [f16::NAN, f16::NEG_INFINITY][x % 2];
            }
            let error = run(Elements::F16(&tensor)).unwrap_err();
            assert_eq!(error.status(), Status::InferenceFailed);
            assert!(error.to_string().contains("6 of the 4059 elements"), "{format}: {error}");
        }
    }
}

/// RV-CORE-1302
#[test]
fn wrong_arguments_are_named() {
    let size = Size::new(8, 6);
    let format = PixelFormat::Yuv420p;
    let expect = |result: rave_core::Result<()>, words: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        assert!(error.to_string().contains(words), "{error}");
    };
    expect(Unpack::new(format, size, 2, size).map(drop), "2 channels");
    expect(Unpack::new(format, size, 3, Size::new(8, 5)).map(drop), "at least the visible part's 8x6");
    expect(Pack::new(format, Size::new(0, 1), 3, size, false).map(drop), "0x1");
    let mut unpack = Unpack::new(format, size, 3, size).unwrap();
    let mut pack = Pack::new(format, size, 3, size, false).unwrap();
    let mut luma_pack = Pack::new(format, size, 1, size, false).unwrap();
    let scaler = ChromaScaler::new(format, size, format, Scale::new(2, 1).unwrap()).unwrap();
    let white = ValueRange::Unit;
    let mut tensor = vec![0f32; 144];
    let mut picture = Picture::new(format, size, 0, false);
    let mut short = [0f32; 143];
    let short = ElementsMut::F32(&mut short);
    expect(unpack.run(&picture.frame(), LIMITED_709, white, short), "143 fp32 elements");
    let other = Picture::new(PixelFormat::Nv12, size, 0, false);
    let all = ElementsMut::F32(&mut tensor);
    expect(unpack.run(&other.frame(), LIMITED_709, white, all), "8x6 nv12");
    let elements = Elements::F32(&tensor[..48]);
    expect(luma_pack.run(elements, white, LIMITED_709, &mut picture.frame_mut()), "run_luma");
    expect(luma_pack.run_luma(elements, white, LIMITED_709, &scaler, &mut picture.frame_mut()), "16x12");
    expect(pack.run_luma(elements, white, LIMITED_709, &scaler, &mut picture.frame_mut()), "3 channels");
    let mut other = Picture::new(format, Size::new(8, 7), 0, false);
    let elements = Elements::F32(&tensor);
    expect(pack.run(elements, white, LIMITED_709, &mut other.frame_mut()), "8x7 yuv420p");
}

fn any_format() -> impl Strategy<Value = PixelFormat> {
    prop::sample::select(PixelFormat::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Row padding and direction change nothing, and the padding is left alone.
    ///
    /// RV-CORE-1010
    #[test]
    fn strides_do_not_matter(
        format in any_format(),
        (width, height) in (1u32..70, 1u32..50),
        (extra, flipped) in (0usize..9, any::<bool>()),
        (channels, dither) in (prop::sample::select(vec![1u32, 3]), any::<bool>()),
        siting in prop::sample::select(&picture::SITINGS[..]),
        seed in any::<u64>(),
    ) {
        let size = Size::new(width, height);
        let tight = Picture::random(format, size, &mut Random(seed));
        let mut loose = Picture::new(format, size, extra, flipped);
        for plane in 0..format.layout().planes {
            let row = format.row_bytes(plane, width);
            let rows = format.plane_size(plane, size).height as usize;
            for y in 0..rows {
                let from = if flipped { rows - 1 - y } else { y } * (row + extra);
                loose.planes[plane][from..][..row].copy_from_slice(&tight.planes[plane][y * row..][..row]);
            }
        }
        let color = color(Matrix::Bt2020, Range::Limited, siting);
        let tensor = unpacked(&tight, color, ValueRange::Unit, channels);
        prop_assert_eq!(&tensor, &unpacked(&loose, color, ValueRange::Unit, channels));

        let mut pack = Pack::new(format, size, channels, size, dither).unwrap();
        let mut chroma = ChromaScaler::new(format, size, format, Scale::ONE).unwrap();
        let mut out = Picture::new(format, size, extra, flipped);
        let elements = Elements::F32(&tensor);
        if channels == 1 {
            chroma.run(&loose.frame(), color, color).unwrap();
            pack.run_luma(elements, ValueRange::Unit, color, &chroma, &mut out.frame_mut()).unwrap();
        } else {
            pack.run(elements, ValueRange::Unit, color, &mut out.frame_mut()).unwrap();
        }
        prop_assert_eq!(out, loose);
    }
}
