//! The arithmetic that `rave_core::pixels` documents: fp32, operation by operation, constants in fp64 and rounded once.
//!
//! The documentation says that results are equal to the bit everywhere. This holds the kernels to it, and to their own
//! words: a bit that differs is a kernel that was changed, or documentation that was not.

use rave_core::{PixelFamily, PixelFormat, Size};

use super::h273::code_scale;
use crate::color::Color;
use crate::picture::{Picture, component_names, component_size, subsampled};

/// "Frame to tensor", for R'G'B' or luma tensors, white being 1.
pub(crate) fn tensor(picture: &Picture, color: Color, channels: usize) -> Vec<f32> {
    let format = picture.format;
    let (kr, kb) = color.matrix.weights();
    let kg = 1.0 - kr - kb;
    let scaled = |component: usize, x, y| {
        let (zero, span) = code_scale(format, component, color.range);
        (chroma_or_code(picture, color, component, x, y) - zero as f32) * (1.0 / span) as f32
    };
    let g = 1.0 / code_scale(format, 1, color.range).1;
    let constants = [
        2.0 * (1.0 - kr) * g,
        -2.0 * (1.0 - kb) * kb / kg * g,
        -2.0 * (1.0 - kr) * kr / kg * g,
        2.0 * (1.0 - kb) * g,
    ]
    .map(|constant| constant as f32);
    let pixels = picture.size.pixels() as usize;
    let mut planes = vec![0f32; channels * pixels];
    for y in 0..picture.size.height {
        for x in 0..picture.size.width {
            let at = (y * picture.size.width + x) as usize;
            let mut put = |[r, g, b]: [f32; 3]| {
                if channels == 3 {
                    (planes[at], planes[pixels + at], planes[2 * pixels + at]) = (r, g, b);
                } else {
                    planes[at] = (kr as f32 * r + kg as f32 * g) + kb as f32 * b;
                }
            };
            match format.family() {
                PixelFamily::Rgb => put([0, 1, 2].map(|component| scaled(component, x, y))),
                _ if channels == 1 => planes[at] = scaled(0, x, y),
                PixelFamily::Gray => put([scaled(0, x, y); 3]),
                PixelFamily::Yuv => {
                    let luma = scaled(0, x, y);
                    let [cb, cr] = [1, 2].map(|component| {
                        let zero = code_scale(format, component, color.range).0 as f32;
                        chroma_or_code(picture, color, component, x, y) - zero
                    });
                    let green = (luma + constants[1] * cb) + constants[2] * cr;
                    put([luma + constants[0] * cr, green, luma + constants[3] * cb]);
                }
            }
        }
    }
    planes
}

/// A code, or chroma between codes by the table of quarters, all of which is exact in fp32.
fn chroma_or_code(picture: &Picture, color: Color, component: usize, x: u32, y: u32) -> f32 {
    let samples = &picture.components[component];
    let (wide, high) = subsampled(picture.format, component);
    let (right, below) = color.siting.offsets();
    let axis = |half: bool, offset: f64, at: u32, extent: u32| -> [(u32, f32); 2] {
        let k = i64::from(at / 2);
        let (first, weights) = match (offset, at % 2) {
            _ if !half => return [(at, 1.0), (at, 0.0)],
            (0.5, 0) => (k - 1, [0.25, 0.75]),
            (0.5, _) => (k, [0.75, 0.25]),
            (1.0, 0) => (k - 1, [0.5, 0.5]),
            (0.0, 1) => (k, [0.5, 0.5]),
            _ => (k, [1.0, 0.0]),
        };
        let clamped = |sample: i64| sample.clamp(0, i64::from(extent) - 1) as u32;
        [(clamped(first), weights[0]), (clamped(first + 1), weights[1])]
    };
    let columns = axis(wide, right, x, samples.size.width);
    axis(high, below, y, samples.size.height)
        .iter()
        .flat_map(|&(row, u)| columns.map(|(column, v)| u * v * f32::from(samples.at(column, row))))
        .sum()
}

/// "Tensor to frame", of an R'G'B' tensor, white being 1.
pub(crate) fn frame(tensor: &[f32], format: PixelFormat, size: Size, color: Color, dither: bool) -> Picture {
    let layout = format.layout();
    let (kr, kb) = color.matrix.weights();
    let kg = 1.0 - kr - kb;
    let pixels = size.pixels() as usize;
    let [r, g, b] = [0, 1, 2].map(|channel| &tensor[channel * pixels..][..pixels]);
    let luma: Vec<f32> =
        (0..pixels).map(|at| (kr as f32 * r[at] + kg as f32 * g[at]) + kb as f32 * b[at]).collect();
    let less_luma = |of: &[f32]| -> Vec<f32> { of.iter().zip(&luma).map(|(a, y)| a - y).collect() };
    let codes: Vec<Vec<f32>> = (0..component_names(format).len())
        .map(|component| {
            let (zero, span) = code_scale(format, component, color.range);
            let coded = |values: &[f32], divisor: f64| -> Vec<f32> {
                let factor = (span / divisor) as f32;
                values.iter().map(|value| value * factor + zero as f32).collect()
            };
            match (format.family(), component) {
                (PixelFamily::Rgb, _) => coded([r, g, b][component], 1.0),
                (_, 0) => coded(&luma, 1.0),
                _ => {
                    let (differences, weight) =
                        if component == 1 { (less_luma(b), kb) } else { (less_luma(r), kr) };
                    let (filtered, gain) = brought_down(differences, format, size, color);
                    coded(&filtered, 2.0 * (1.0 - weight) * gain)
                }
            }
        })
        .collect();
    let top = ((1u32 << layout.depth) - 1) as f32;
    Picture::new(format, size, |component, x, y| {
        let width = component_size(format, size, component).width;
        let bias = if dither && layout.depth == 8 { (f32::from(bayer(x, y)) + 0.5) / 64.0 } else { 0.5 };
        (codes[component][(y * width + x) as usize] + bias).floor().clamp(0.0, top) as u16
    })
}

/// Differences at the chroma positions, and the gain of the filters that brought them there.
fn brought_down(values: Vec<f32>, format: PixelFormat, size: Size, color: Color) -> (Vec<f32>, f64) {
    let (wide, high) = subsampled(format, 1);
    let (right, below) = color.siting.offsets();
    let (mut values, mut width, mut gain) = (values, size.width as usize, 1.0);
    if wide {
        let narrow = width.div_ceil(2);
        let rows = values.chunks_exact(width).flat_map(|row| filtered(row, right));
        values = rows.collect();
        width = narrow;
        gain *= if right == 0.5 { 4.0 } else { 8.0 };
    }
    if high {
        let columns: Vec<Vec<f32>> = (0..width)
            .map(|x| filtered(&values.iter().copied().skip(x).step_by(width).collect::<Vec<_>>(), below))
            .collect();
        values = (0..columns[0].len()).flat_map(|y| columns.iter().map(move |column| column[y])).collect();
        gain *= if below == 0.5 { 4.0 } else { 8.0 };
    }
    (values, gain)
}

/// One axis through the filter of the table "Chroma downsampling".
fn filtered(line: &[f32], offset: f64) -> Vec<f32> {
    let last = line.len() as i64 - 1;
    let lone = line.len() % 2 == 1 && line.len() > 1;
    let u = |at: i64| -> f32 {
        let end = line[last as usize];
        match at {
            at if at <= last => line[at.max(0) as usize],
            _ if lone && offset == 0.5 => 1.5 * end - 0.5 * line[last as usize - 1],
            _ if lone && offset == 1.0 => 2.0 * end - line[last as usize - 1],
            _ => end,
        }
    };
    (0..line.len().div_ceil(2) as i64)
        .map(|k| {
            let at = 2 * k + if offset == 1.0 { 1 } else { 0 };
            if offset == 0.5 {
                3.0 * (u(at) + u(at + 1)) - (u(at - 1) + u(at + 2))
            } else {
                (6.0 * u(at) + 2.0 * (u(at - 1) + u(at + 1))) - (u(at - 2) + u(at + 2))
            }
        })
        .collect()
}

/// The 8x8 Bayer matrix by its recursion from M(1) = 0: M(2n) = 4 M(n) + [0, 2; 3, 1].
pub(crate) fn bayer(x: u32, y: u32) -> u8 {
    // The outermost of the three steps decides on the lowest bits: it is that of the highest bits of x and y.
    (0..3)
        .map(|bit| {
            let quadrant = [[0, 2], [3, 1]][(y >> bit & 1) as usize][(x >> bit & 1) as usize];
            quadrant << (2 * (2 - bit))
        })
        .sum()
}
