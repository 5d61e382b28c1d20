//! The equations of ITU-T H.273, section 8, in double precision, by place rather than by filter taps.
//!
//! R'G'B' of a frame are found as the solution of the standard's equations for Y', Cb and Cr, by inverting their matrix
//! with numbers; chroma between samples is the straight line through the two on either side.

use rave_core::{PixelFamily, PixelFormat, Size};

use crate::color::{Color, MatrixName, RangeName};
use crate::picture::{Picture, component_size, subsampled};

/// The code of level 0, and how many codes lie between level 0 and level 1 (H.273, equations 20 to 28 and 31 to 33).
pub(crate) fn code_scale(format: PixelFormat, component: usize, range: RangeName) -> (f64, f64) {
    let depth = format.layout().depth as i32;
    let chroma = format.family() == PixelFamily::Yuv && component > 0;
    let eighth_bit = 2f64.powi(depth - 8);
    match range {
        RangeName::Limited if chroma => (128.0 * eighth_bit, 224.0 * eighth_bit),
        RangeName::Limited => (16.0 * eighth_bit, 219.0 * eighth_bit),
        RangeName::Full if chroma => (2f64.powi(depth - 1), 2f64.powi(depth) - 1.0),
        RangeName::Full => (0.0, 2f64.powi(depth) - 1.0),
    }
}

/// Rows of the matrix from R'G'B' to Y', Cb, Cr (H.273, equations 38 to 40).
fn from_rgb(matrix: MatrixName) -> [[f64; 3]; 3] {
    let (kr, kb) = matrix.weights();
    let y = [kr, 1.0 - kr - kb, kb];
    let difference = |of: usize, weight: f64| {
        let mut row = y.map(|weight| -weight);
        row[of] += 1.0;
        row.map(|value| 0.5 * value / (1.0 - weight))
    };
    [y, difference(2, kb), difference(0, kr)]
}

/// The inverse, by cofactors.
fn to_rgb(matrix: MatrixName) -> [[f64; 3]; 3] {
    let m = from_rgb(matrix);
    let minor = |row: usize, column: usize| {
        let [a, b] = [(row + 1) % 3, (row + 2) % 3];
        let [c, d] = [(column + 1) % 3, (column + 2) % 3];
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| minor(column, row) / determinant))
}

fn apply(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// The R'G'B' of every pixel, or the luma alone, as planes; white is 1.
pub(crate) fn tensor(picture: &Picture, color: Color, channels: usize) -> Vec<f64> {
    let inverse = to_rgb(color.matrix);
    let weights = from_rgb(color.matrix)[0];
    let pixels = picture.size.pixels() as usize;
    let mut planes = vec![0.0; channels * pixels];
    for y in 0..picture.size.height {
        for x in 0..picture.size.width {
            let at = (y * picture.size.width + x) as usize;
            let level = |component| level(picture, color, component, x, y);
            let (rgb, luma) = match picture.format.family() {
                PixelFamily::Gray => ([level(0); 3], level(0)),
                PixelFamily::Yuv => (apply(&inverse, [0, 1, 2].map(level)), level(0)),
                PixelFamily::Rgb => {
                    let rgb = [0, 1, 2].map(level);
                    (rgb, rgb.iter().zip(weights).map(|(a, b)| a * b).sum())
                }
            };
            if channels == 1 {
                planes[at] = luma;
            } else {
                for channel in 0..3 {
                    planes[channel * pixels + at] = rgb[channel];
                }
            }
        }
    }
    planes
}

/// The level of a component at a luma position.
fn level(picture: &Picture, color: Color, component: usize, x: u32, y: u32) -> f64 {
    let (wide, high) = subsampled(picture.format, component);
    let (right, below) = color.siting.offsets();
    let samples = &picture.components[component];
    let between = |half: bool, offset: f64, at: u32, extent: u32| {
        let place = if half { (f64::from(at) - offset) / 2.0 } else { f64::from(at) };
        let last = i64::from(extent) - 1;
        let before = place.floor();
        let index = |sample: f64| (sample as i64).clamp(0, last) as u32;
        [(index(before), 1.0 - (place - before)), (index(before + 1.0), place - before)]
    };
    let columns = between(wide, right, x, samples.size.width);
    let rows = between(high, below, y, samples.size.height);
    let code: f64 = rows
        .iter()
        .flat_map(|&(row, u)| columns.map(|(column, v)| u * v * f64::from(samples.at(column, row))))
        .sum();
    let (zero, span) = code_scale(picture.format, component, color.range);
    (code - zero) / span
}

/// The code of every sample of a frame made of an R'G'B' tensor, before it is made whole; component by component.
pub(crate) fn codes(tensor: &[f64], format: PixelFormat, size: Size, color: Color) -> Vec<Vec<f64>> {
    let forward = from_rgb(color.matrix);
    let pixels = size.pixels() as usize;
    let rgb = |at: usize| [0, 1, 2].map(|channel| tensor[channel * pixels + at]);
    let level = |component: usize, at: usize| match format.family() {
        PixelFamily::Rgb => rgb(at)[component],
        PixelFamily::Yuv | PixelFamily::Gray => apply(&forward, rgb(at))[component],
    };
    let (right, below) = color.siting.offsets();
    (0..crate::picture::component_names(format).len())
        .map(|component| {
            let (wide, high) = subsampled(format, component);
            let extent = component_size(format, size, component);
            let (zero, span) = code_scale(format, component, color.range);
            let row = |k: u32, y: i64| {
                let at = |x: i64| level(component, y as usize * size.width as usize + x as usize);
                if wide { lowpass(&at, size.width, right, k) } else { at(i64::from(k)) }
            };
            let places = (0..extent.height).flat_map(|l| (0..extent.width).map(move |k| (k, l)));
            places
                .map(|(k, l)| {
                    let of_row = |y: i64| row(k, y);
                    let level =
                        if high { lowpass(&of_row, size.height, below, l) } else { of_row(i64::from(l)) };
                    level * span + zero
                })
                .collect()
        })
        .collect()
}

/// Chroma sample `k` of an axis of `extent` luma samples: RAVE's choice of filter, as it is documented, since no standard
/// says how chroma is to be brought down. What lies beyond the last sample is such that a straight line stays one.
fn lowpass(level: &dyn Fn(i64) -> f64, extent: u32, offset: f64, k: u32) -> f64 {
    let last = i64::from(extent) - 1;
    let lone = extent % 2 == 1 && extent > 1;
    let at = |place: i64| {
        if place <= last {
            return level(place.max(0));
        }
        // The last pair lacks its second sample: the chroma sample lies `offset` towards it.
        let slope = if lone { level(last) - level(last - 1) } else { 0.0 };
        level(last) + slope * offset
    };
    let center = 2 * i64::from(k);
    let taps: &[(i64, f64)] = if offset == 0.5 {
        &[(-1, -0.25), (0, 0.75), (1, 0.75), (2, -0.25)]
    } else {
        &[(-2, -0.125), (-1, 0.25), (0, 0.75), (1, 0.25), (2, -0.125)]
    };
    let shift = if offset == 1.0 { 1 } else { 0 };
    taps.iter().map(|&(tap, weight)| weight * at(center + shift + tap)).sum()
}
