//! Sample by sample: how far frames are from codes, and from what codes were rounded from.

use rave_core::Size;

use crate::oracle::stated;
use crate::picture::{Picture, component_names};
use crate::tally::Comparison;

/// How two frames are compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rule {
    /// Samples at each edge of a plane that are not compared.
    pub(crate) margin: u32,
    /// Whether 8-bit codes were dithered.
    pub(crate) dither: bool,
    /// Whether differences of codes are told as parts of all codes.
    pub(crate) as_part: bool,
}

impl Rule {
    /// Whether a sample counts.
    pub(crate) fn counts(self, size: Size, x: u32, y: u32) -> bool {
        let within = |at: u32, extent: u32| at >= self.margin && at + self.margin < extent;
        within(x, size.width) && within(y, size.height)
    }

    /// By how much codes are beside what is found when the exact value is rounded, or dithered, as a part of all codes.
    pub(crate) fn to_exact(self, exact: &[Vec<f64>], found: &Picture) -> Comparison {
        let mut comparison = Comparison::default();
        let depth = found.format.layout().depth;
        let codes = f64::from(1u32 << depth);
        for (component, samples) in found.components.iter().enumerate() {
            let name = component_names(found.format)[component];
            for (at, (&exact, &code)) in exact[component].iter().zip(&samples.codes).enumerate() {
                let (x, y) = (at as u32 % samples.size.width, at as u32 / samples.size.width);
                if !self.counts(samples.size, x, y) {
                    continue;
                }
                let dithered = self.dither && depth == 8;
                let bias = if dithered { (f64::from(stated::bayer(x, y)) + 0.5) / 64.0 } else { 0.5 };
                // What is rounded down to this code lies from it up to the next; the ends stand for all beyond them.
                let (from, to) = (f64::from(code), f64::from(code) + 1.0);
                let below = if code == 0 { 0.0 } else { from - (exact + bias) };
                let above = if to == codes { 0.0 } else { (exact + bias) - to };
                comparison.note(below.max(above).max(0.0) / codes, || {
                    format!("{name} at ({x}, {y}) is {code}, not {exact:.4} made whole")
                });
            }
        }
        comparison
    }

    /// How far codes are from other codes.
    pub(crate) fn to_codes(self, expected: &Picture, found: &Picture) -> Comparison {
        let mut comparison = Comparison::default();
        if (expected.format, expected.size) != (found.format, found.size) {
            comparison.note(f64::INFINITY, || {
                format!("{} {}, not {} {}", found.size, found.format, expected.size, expected.format)
            });
            return comparison;
        }
        let unit = if self.as_part { f64::from(1u32 << found.format.layout().depth) } else { 1.0 };
        for (component, (a, b)) in expected.components.iter().zip(&found.components).enumerate() {
            let name = component_names(found.format)[component];
            for (at, (&a, &b)) in a.codes.iter().zip(&b.codes).enumerate() {
                let size = found.components[component].size;
                let (x, y) = (at as u32 % size.width, at as u32 / size.width);
                if self.counts(size, x, y) {
                    let difference = f64::from(a.abs_diff(b)) / unit;
                    comparison.note(difference, || format!("{name} at ({x}, {y}) is {b}, not {a}"));
                }
            }
        }
        comparison
    }
}
