//! The kernels against the standard's equations in double precision, one sample at a time.
//!
//! Written from ITU-T H.273 and the documentation of `rave_core::pixels`, by position rather than by taps where the two
//! differ, so that a slip in the kernels' rows, phases or edges cannot be here too.

mod picture;

use picture::{Picture, RANGES, Random, color, component_size, sitings};
use rave_core::pixels::{BAYER, ChromaScaler, Pack, Unpack};
use rave_core::{
    Colorimetry, Elements, ElementsMut, Matrix, PixelFamily, PixelFormat, Range, Rect, Scale, Size,
    ValueRange,
};

const MATRICES: [Matrix; 3] = [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020];
const SIZES: [(u32, u32); 5] = [(1, 1), (2, 2), (3, 5), (17, 9), (64, 48)];

/// Offset and span of a component's codes.
fn levels(depth: u32, range: Range, chroma: bool) -> (f64, f64) {
    let step = f64::from(1u32 << (depth - 8));
    let codes = f64::from(1u32 << depth);
    match (range, chroma) {
        (Range::Limited, false) => (16.0 * step, 219.0 * step),
        (Range::Limited, true) => (128.0 * step, 224.0 * step),
        (Range::Full, false) => (0.0, codes - 1.0),
        (Range::Full, true) => (codes / 2.0, codes - 1.0),
    }
}

fn is_subsampled_chroma(format: PixelFormat, component: usize) -> (bool, bool) {
    let layout = format.layout();
    let chroma = layout.family == PixelFamily::Yuv && component > 0;
    (chroma && layout.log2_chroma_width > 0, chroma && layout.log2_chroma_height > 0)
}

/// Where chroma sample `k` lies on an axis, in luma samples.
fn chroma_place(subsampled: bool, half_steps: u32, k: f64) -> f64 {
    if subsampled { 2.0 * k + f64::from(half_steps) / 2.0 } else { k }
}

/// The samples of one axis that cover `start..start + extent` luma samples.
fn cover(subsampled: bool, start: u32, extent: u32) -> (i64, i64) {
    let step = if subsampled { 2 } else { 1 };
    (i64::from(start / step), i64::from((start + extent - 1) / step))
}

/// The level of `component` at luma position (x, y), by linear interpolation between the samples around it.
fn level(source: &Picture, visible: Rect, color: Colorimetry, component: usize, x: u32, y: u32) -> f64 {
    let layout = source.format.layout();
    let (wide, high) = is_subsampled_chroma(source.format, component);
    let chroma = layout.family == PixelFamily::Yuv && component > 0;
    let around = |subsampled: bool, half_steps: u32, at: u32, (first, last): (i64, i64)| {
        let place =
            if subsampled { (f64::from(at) - f64::from(half_steps) / 2.0) / 2.0 } else { f64::from(at) };
        let (k, t) = (place.floor() as i64, place - place.floor());
        [(k.clamp(first, last), 1.0 - t), ((k + 1).clamp(first, last), t)]
    };
    let columns =
        around(wide, color.siting.horizontal_half_steps(), x, cover(wide, visible.x, visible.size.width));
    let rows =
        around(high, color.siting.vertical_half_steps(), y, cover(high, visible.y, visible.size.height));
    let mut code = 0.0;
    for (row, row_weight) in rows {
        for (column, column_weight) in columns {
            let weight = row_weight * column_weight;
            if weight > 0.0 {
                code += weight * f64::from(source.get(component, column as u32, row as u32));
            }
        }
    }
    let (offset, span) = levels(layout.depth, color.range, chroma);
    (code - offset) / span
}

/// R, G and B, and Y, of the pixel at (x, y).
fn pixel(source: &Picture, visible: Rect, color: Colorimetry, x: u32, y: u32) -> ([f64; 3], f64) {
    let component = |index| level(source, visible, color, index, x, y);
    let (kr, kb) = color.matrix.weights();
    match source.format.family() {
        PixelFamily::Gray => ([component(0); 3], component(0)),
        PixelFamily::Rgb => {
            let [r, g, b] = [0, 1, 2].map(component);
            ([r, g, b], kr * r + (1.0 - kr - kb) * g + kb * b)
        }
        PixelFamily::Yuv => {
            // H.273, section 8.3: Y = Kr R + Kg G + Kb B, Cb = (B - Y) / (2 (1 - Kb)), Cr = (R - Y) / (2 (1 - Kr)).
            let [luma, cb, cr] = [0, 1, 2].map(component);
            let r = luma + cr * 2.0 * (1.0 - kr);
            let b = luma + cb * 2.0 * (1.0 - kb);
            ([r, (luma - kr * r - kb * b) / (1.0 - kr - kb), b], luma)
        }
    }
}

/// RV-CORE-1001
#[test]
fn unpacked_tensors_match_to_a_millionth_of_white() {
    let mut random = Random(11);
    let mut worst = 0f64;
    for &format in PixelFormat::ALL {
        for matrix in MATRICES {
            for range in RANGES {
                for &siting in sitings(format) {
                    for (width, height) in SIZES {
                        let full = Size::new(width, height);
                        let source = Picture::random(format, full, &mut random);
                        let mut crop = |extent: u32| {
                            let start = random.next() as u32 % extent;
                            (start, 1 + random.next() as u32 % (extent - start))
                        };
                        let ((x, w), (y, h)) = (crop(width), crop(height));
                        let cropped = Rect { x, y, size: Size::new(w, h) };
                        for visible in [Rect::of(full), cropped] {
                            for channels in [3, 1] {
                                let color = color(matrix, range, siting);
                                let error = unpack_error(&source, visible, color, channels);
                                assert!(
                                    error < 1e-6,
                                    "{format} {full} {visible:?} {color:?} {channels} channels: {error:e}"
                                );
                                worst = worst.max(error);
                            }
                        }
                    }
                }
            }
        }
    }
    println!("worst error of a tensor: {worst:e} of white");
}

/// The largest error of a tensor that is wider and higher than the picture, white being 1.
fn unpack_error(source: &Picture, visible: Rect, color: Colorimetry, channels: u32) -> f64 {
    let Size { width, height } = visible.size;
    let tensor_size = Size::new(width + 3, height + 2);
    let mut unpack = Unpack::new(source.format, visible.size, channels, tensor_size).unwrap();
    let mut tensor = vec![f32::NAN; unpack.tensor().elements()];
    let frame = source.frame().with_visible(visible).unwrap();
    unpack.run(&frame, color, ValueRange::Byte, ElementsMut::F32(&mut tensor)).unwrap();
    let mut worst = 0f64;
    for y in 0..tensor_size.height {
        for x in 0..tensor_size.width {
            let (rgb, luma) =
                pixel(source, visible, color, visible.x + x.min(width - 1), visible.y + y.min(height - 1));
            let expected = if channels == 3 { &rgb[..] } else { &[luma] };
            for (channel, expected) in expected.iter().enumerate() {
                let index = (channel as u32 * tensor_size.height + y) * tensor_size.width + x;
                let error = (f64::from(tensor[index as usize]) / 255.0 - expected).abs();
                assert!(!error.is_nan());
                worst = worst.max(error);
            }
        }
    }
    worst
}

/// `u(at)` on an axis of `extent` luma samples, continued as documented.
fn continued(u: &dyn Fn(i64) -> f64, extent: i64, half_steps: u32, at: i64) -> f64 {
    if at < 0 {
        return u(0);
    }
    if at < extent {
        return u(at);
    }
    let (last, before) = (u(extent - 1), u((extent - 2).max(0)));
    match half_steps {
        _ if extent % 2 == 0 || extent == 1 => last,
        0 => last,
        1 => 1.5 * last - 0.5 * before,
        _ => 2.0 * last - before,
    }
}

/// The downsampling filter at chroma sample `k` of an axis.
fn down(u: &dyn Fn(i64) -> f64, extent: i64, half_steps: u32, k: i64) -> f64 {
    let u = |at| continued(u, extent, half_steps, at);
    let taps: &[(i64, f64)] = match half_steps {
        0 => &[(-2, -0.125), (-1, 0.25), (0, 0.75), (1, 0.25), (2, -0.125)],
        1 => &[(-1, -0.25), (0, 0.75), (1, 0.75), (2, -0.25)],
        _ => &[(-1, -0.125), (0, 0.25), (1, 0.75), (2, 0.25), (3, -0.125)],
    };
    taps.iter().map(|&(at, weight)| weight * u(2 * k + at)).sum()
}

/// Fails unless every code of `found` is what `level` (component, x, y) rounds to; a code next to it is accepted where
/// the unrounded code lies within `2e-6 * 2^depth` of where rounding changes. Returns how many needed that.
fn check_codes(
    found: &Picture,
    color: Colorimetry,
    dither: bool,
    what: &str,
    level: &dyn Fn(usize, u32, u32) -> f64,
) -> usize {
    let layout = found.format.layout();
    let codes = f64::from(1u32 << layout.depth);
    let tolerance = 2e-6 * codes;
    let components = if layout.family == PixelFamily::Gray { 1 } else { 3 };
    let mut near_ties = 0;
    for component in 0..components {
        let chroma = layout.family == PixelFamily::Yuv && component > 0;
        let (offset, span) = levels(layout.depth, color.range, chroma);
        let extent = component_size(found.format, found.size, component);
        for y in 0..extent.height {
            for x in 0..extent.width {
                let bias = if dither && layout.depth == 8 {
                    (f64::from(BAYER[y as usize % 8][x as usize % 8]) + 0.5) / 64.0
                } else {
                    0.5
                };
                let exact = level(component, x, y) * span + offset + bias;
                let rounded = |v: f64| v.floor().clamp(0.0, codes - 1.0) as u32;
                let code = found.get(component, x, y);
                assert!(
                    (rounded(exact - tolerance)..=rounded(exact + tolerance)).contains(&code),
                    "{what}: component {component} at ({x}, {y}) is {code}, not {}",
                    exact - bias
                );
                near_ties += usize::from(code != rounded(exact));
            }
        }
    }
    near_ties
}

/// RV-CORE-1002
#[test]
fn packed_codes_match_except_within_float_error_of_a_tie() {
    let mut random = Random(12);
    let (mut near_ties, mut all) = (0, 0);
    for &format in PixelFormat::ALL {
        for matrix in MATRICES {
            for range in RANGES {
                for &siting in sitings(format) {
                    for (width, height) in SIZES {
                        let size = Size::new(width, height);
                        let color = color(matrix, range, siting);
                        let dither = random.next().is_multiple_of(2);
                        near_ties += check_pack(format, size, color, dither, &mut random);
                        all += 3 * size.pixels() as usize;
                    }
                }
            }
        }
    }
    println!("{near_ties} of about {all} codes differ by 1, all of them within float error of a tie");
    assert!(near_ties * 100 < all);
}

fn check_pack(
    format: PixelFormat,
    size: Size,
    color: Colorimetry,
    dither: bool,
    random: &mut Random,
) -> usize {
    let tensor_size = Size::new(size.width + 2, size.height + 1);
    let mut pack = Pack::new(format, size, 3, tensor_size, dither).unwrap();
    let tensor: Vec<f32> =
        (0..pack.tensor().elements()).map(|_| (random.unit() * 1.3 - 0.15) as f32).collect();
    let mut found = Picture::new(format, size, 0, false);
    pack.run(Elements::F32(&tensor), ValueRange::Unit, color, &mut found.frame_mut()).unwrap();

    let (kr, kb) = color.matrix.weights();
    let rgb = |x: i64, y: i64| {
        [0, 1, 2].map(|channel| {
            let index = (channel * i64::from(tensor_size.height) + y) * i64::from(tensor_size.width) + x;
            f64::from(tensor[index as usize])
        })
    };
    let luma = |x, y| {
        let [r, g, b] = rgb(x, y);
        kr * r + (1.0 - kr - kb) * g + kb * b
    };
    let chroma = |component, x, y| {
        let [r, _, b] = rgb(x, y);
        if component == 1 {
            (b - luma(x, y)) / (2.0 * (1.0 - kb))
        } else {
            (r - luma(x, y)) / (2.0 * (1.0 - kr))
        }
    };
    let (wide, high) = is_subsampled_chroma(format, 1);
    let filtered = |component: usize, k: i64, l: i64| {
        let (width, height) = (i64::from(size.width), i64::from(size.height));
        let siting = color.siting;
        let row = |y: i64| {
            if wide {
                down(&|x| chroma(component, x, y), width, siting.horizontal_half_steps(), k)
            } else {
                chroma(component, k, y)
            }
        };
        if high { down(&row, height, siting.vertical_half_steps(), l) } else { row(l) }
    };
    let what = format!("{format} {size} {color:?} dither {dither}");
    check_codes(&found, color, dither, &what, &|component, x, y| {
        let (x, y) = (i64::from(x), i64::from(y));
        match (format.family(), component) {
            (PixelFamily::Rgb, _) => rgb(x, y)[component],
            (_, 0) => luma(x, y),
            _ => filtered(component, x, y),
        }
    })
}

fn cubic(t: f64) -> f64 {
    const A: f64 = -0.5;
    match t.abs() {
        t if t <= 1.0 => (A + 2.0) * t.powi(3) - (A + 3.0) * t.powi(2) + 1.0,
        t if t < 2.0 => A * t.powi(3) - 5.0 * A * t.powi(2) + 8.0 * A * t - 4.0 * A,
        _ => 0.0,
    }
}

/// One axis of the chroma scaler, as documented.
struct ScaledAxis {
    input_subsampled: bool,
    input_half_steps: u32,
    output_subsampled: bool,
    output_half_steps: u32,
    start: u32,
    extent: u32,
    scale: f64,
}

impl ScaledAxis {
    /// The input samples and weights of output sample `k`.
    fn taps(&self, k: u32) -> Vec<(u32, f64)> {
        let place = chroma_place(self.output_subsampled, self.output_half_steps, f64::from(k));
        let luma = (place + 0.5) / self.scale - 0.5 + f64::from(self.start);
        let phase = chroma_place(self.input_subsampled, self.input_half_steps, 0.0);
        let step = |subsampled| if subsampled { 2.0 } else { 1.0 };
        let at = (luma - phase) / step(self.input_subsampled);
        let widen = (step(self.output_subsampled) / (step(self.input_subsampled) * self.scale)).max(1.0);
        let (first, last) = cover(self.input_subsampled, self.start, self.extent);
        let reach = (2.0 * widen).ceil() as i64 + 1;
        let around = at.floor() as i64;
        let taps: Vec<(i64, f64)> = (around - reach..=around + reach)
            .map(|sample| (sample, cubic((sample as f64 - at) / widen)))
            .collect();
        let sum: f64 = taps.iter().map(|tap| tap.1).sum();
        taps.into_iter().map(|(sample, weight)| (sample.clamp(first, last) as u32, weight / sum)).collect()
    }
}

/// RV-CORE-1002
#[test]
fn chroma_beside_a_luma_model_matches_except_within_float_error_of_a_tie() {
    use PixelFormat::{Gbrp12, Gray8, Nv12, P010, Rgb24, Yuv420p, Yuv422p10, Yuv444p, Yuv444p16};
    let mut random = Random(13);
    for (source, target) in [
        (Yuv420p, Yuv420p),
        (Nv12, P010),
        (P010, Yuv444p16),
        (Yuv444p, Nv12),
        (Yuv422p10, Yuv420p),
        (Rgb24, Rgb24),
        (Gbrp12, Yuv422p10),
        (Yuv420p, Rgb24),
        (Yuv422p10, Gray8),
        (Gray8, Gbrp12),
    ] {
        for (numerator, denominator) in [(1, 1), (2, 1), (3, 2), (1, 2), (2, 5)] {
            for &input_siting in sitings(source) {
                for &output_siting in sitings(target) {
                    let scale = Scale::new(numerator, denominator).unwrap();
                    let matrix = MATRICES[random.next() as usize % 3];
                    let range = RANGES[random.next() as usize % 2];
                    let colors = [color(matrix, range, input_siting), color(matrix, range, output_siting)];
                    check_luma_model((source, target), scale, colors, &mut random);
                }
            }
        }
    }
}

fn check_luma_model(
    (source, target): (PixelFormat, PixelFormat),
    scale: Scale,
    [input, output]: [Colorimetry; 2],
    random: &mut Random,
) {
    let source = Picture::random(source, Size::new(19, 14), random);
    let visible =
        Rect { x: 1 + random.next() as u32 % 2, y: random.next() as u32 % 2, size: Size::new(15, 12) };
    let frame = source.frame().with_visible(visible).unwrap();
    let mut scaler = ChromaScaler::new(source.format, visible.size, target, scale).unwrap();
    scaler.run(&frame, input, output).unwrap();
    let size = scaler.size();
    let mut pack = Pack::new(target, size, 1, size, false).unwrap();
    let tensor: Vec<f32> = (0..size.pixels()).map(|_| random.unit() as f32 * 255.0).collect();
    let mut found = Picture::new(target, size, 0, false);
    pack.run_luma(Elements::F32(&tensor), ValueRange::Byte, output, &scaler, &mut found.frame_mut()).unwrap();

    let (kr, kb) = input.matrix.weights();
    let sample = |component: usize, x: u32, y: u32| match source.format.family() {
        PixelFamily::Gray => 0.0,
        PixelFamily::Yuv => {
            let (offset, span) = levels(source.format.layout().depth, input.range, true);
            (f64::from(source.get(component, x, y)) - offset) / span
        }
        PixelFamily::Rgb => {
            let (rgb, luma) = pixel(&source, visible, input, x, y);
            if component == 1 {
                (rgb[2] - luma) / (2.0 * (1.0 - kb))
            } else {
                (rgb[0] - luma) / (2.0 * (1.0 - kr))
            }
        }
    };
    let (input_wide, input_high) = is_subsampled_chroma(source.format, 1);
    let (output_wide, output_high) = is_subsampled_chroma(target, 1);
    let factor = f64::from(scale.numerator()) / f64::from(scale.denominator());
    let horizontal = ScaledAxis {
        input_subsampled: input_wide,
        input_half_steps: input.siting.horizontal_half_steps(),
        output_subsampled: output_wide,
        output_half_steps: output.siting.horizontal_half_steps(),
        start: visible.x,
        extent: visible.size.width,
        scale: factor,
    };
    let vertical = ScaledAxis {
        input_subsampled: input_high,
        input_half_steps: input.siting.vertical_half_steps(),
        output_subsampled: output_high,
        output_half_steps: output.siting.vertical_half_steps(),
        start: visible.y,
        extent: visible.size.height,
        scale: factor,
    };
    let chroma = |component: usize, x: u32, y: u32| -> f64 {
        let columns = horizontal.taps(x);
        vertical
            .taps(y)
            .into_iter()
            .map(|(row, row_weight)| {
                let sum: f64 =
                    columns.iter().map(|&(column, weight)| weight * sample(component, column, row)).sum();
                row_weight * sum
            })
            .sum()
    };
    let luma = |x: u32, y: u32| f64::from(tensor[(y * size.width + x) as usize]) / 255.0;
    let what = format!("{} to {target}, {scale}, {input:?} to {output:?}, {visible:?}", source.format);
    check_codes(&found, output, false, &what, &|component, x, y| match (target.family(), component) {
        (PixelFamily::Rgb, component) => {
            let (y_level, cb, cr) = (luma(x, y), chroma(1, x, y), chroma(2, x, y));
            let r = y_level + cr * 2.0 * (1.0 - kr);
            let b = y_level + cb * 2.0 * (1.0 - kb);
            [r, (y_level - kr * r - kb * b) / (1.0 - kr - kb), b][component]
        }
        (_, 0) => luma(x, y),
        _ => chroma(component, x, y),
    });
}
