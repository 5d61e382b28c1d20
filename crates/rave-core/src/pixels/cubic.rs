//! Cubic interpolation of chroma from one grid to another along one axis.

use crate::memory::room;
use crate::{Result, Scale};

/// Where samples lie along one axis.
pub(super) struct Geometry {
    /// Luma samples of the visible part.
    pub(super) visible: u32,
    /// Where it starts, modulo 2.
    pub(super) start: u32,
    pub(super) scale: Scale,
    /// Chroma samples of the output.
    pub(super) count: usize,
    pub(super) log2_input: u32,
    pub(super) log2_output: u32,
    pub(super) input_half_steps: u32,
    pub(super) output_half_steps: u32,
}

/// The filter of [`ChromaScaler`](super::ChromaScaler) along one axis, for all of its output samples.
#[derive(Clone, Debug)]
pub struct ChromaAxis {
    /// Input samples that cover the visible part.
    pub(super) samples: usize,
    taps: usize,
    /// For each output sample, its first input sample; may lie outside.
    starts: Vec<i32>,
    /// For each output sample, its `taps` weights, which add up to 1.
    weights: Vec<f32>,
}

impl ChromaAxis {
    /// How many input samples cover the visible part.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// How many input samples each output sample is made of.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// For each output sample, the first of its input samples, counted from the first that covers the visible part.
    /// Where this or what follows is outside of `0..samples`, the nearest sample is meant.
    #[must_use]
    pub fn starts(&self) -> &[i32] {
        &self.starts
    }

    /// The weights of the first output sample, [`ChromaAxis::taps`] in the order of the input samples, then those of the
    /// second and so on.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    pub(super) fn new(g: &Geometry) -> Result<Self> {
        let half_steps = |log2, half_steps| if log2 == 0 { 0 } else { i64::from(half_steps) };
        let (input_phase, output_phase) =
            (half_steps(g.log2_input, g.input_half_steps), half_steps(g.log2_output, g.output_half_steps));
        let (step_in, step_out) = (1i64 << g.log2_input, 1i64 << g.log2_output);
        let (numerator, denominator) = (i64::from(g.scale.numerator()), i64::from(g.scale.denominator()));
        let first = g.start >> g.log2_input;
        let samples = (((g.start + g.visible - 1) >> g.log2_input) - first + 1) as usize;

        // Output samples per input sample, where it is below 1 the kernel is widened by its reciprocal.
        let widen = ((step_out * denominator) as f64 / (step_in * numerator) as f64).max(1.0);
        let reach = (2.0 * widen).ceil() as i64;
        let taps = 2 * reach as usize;
        let mut starts = room(g.count, "places of a filter")?;
        let mut weights = room(g.count * taps, "weights of a filter")?;
        for k in 0..g.count as i64 {
            // Twice the centre of the output sample, in luma pixels, scaled down, then to chroma samples. All in whole
            // numbers: `position / unit` is exact, so that equal grids give weights of exactly 0 and 1.
            let centre = 2 * step_out * k + output_phase + 1;
            let position = centre * denominator + (2 * i64::from(g.start) - 1 - input_phase) * numerator;
            let unit = 2 * step_in * numerator;
            let fraction = position.rem_euclid(unit) as f64 / unit as f64;
            let start = position.div_euclid(unit) - (reach - 1) - i64::from(first);
            let kernel =
                (0..taps).map(|tap| catmull_rom((tap as f64 - (reach - 1) as f64 - fraction) / widen));
            let sum: f64 = kernel.clone().sum();
            weights.extend(kernel.map(|weight| (weight / sum) as f32));
            // Wholly outside, every tap reads the same sample, however far out.
            starts.push(start.clamp(-(taps as i64), samples as i64) as i32);
        }
        Ok(ChromaAxis { samples, taps, starts, weights })
    }

    /// Samples that a row must have on either side for [`ChromaAxis::along`].
    pub(super) fn margin(&self) -> usize {
        self.taps
    }

    /// Filters a row, which has [`ChromaAxis::margin`] samples more on either side.
    #[inline(always)]
    pub(super) fn along(&self, row: &[f32], out: &mut [f32]) {
        let margin = self.margin();
        let first = |start: i32| margin.wrapping_add_signed(start as isize);
        if let ([], weights) = self.weights.as_rchunks::<4>()
            && self.taps == 4
        {
            // The kernel as it is: by far the most common, and worth loops without an inner one.
            for ((out, &start), weights) in out.iter_mut().zip(&self.starts).zip(weights) {
                *out = weighted_sum(weights, &row[first(start)..][..4]);
            }
        } else {
            let plan = self.starts.iter().zip(self.weights.chunks_exact(self.taps));
            for (out, (&start, weights)) in out.iter_mut().zip(plan) {
                *out = weighted_sum(weights, &row[first(start)..][..weights.len()]);
            }
        }
    }

    /// Filters the rows of a plane to row `y`.
    #[inline(always)]
    pub(super) fn across(&self, plane: &[f32], y: usize, out: &mut [f32]) {
        let columns = out.len();
        let weights = &self.weights[y * self.taps..][..self.taps];
        let row = |tap: usize| {
            let row = (self.starts[y] + tap as i32).clamp(0, self.samples as i32 - 1) as usize;
            &plane[row * columns..][..columns]
        };
        if let &[wa, wb, wc, wd] = weights {
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            for ((((out, &a), &b), &c), &d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *out = weighted_sum(&[wa, wb, wc, wd], &[a, b, c, d]);
            }
        } else {
            out.fill(0.0);
            for (tap, &weight) in weights.iter().enumerate() {
                add_weighted(row(tap), weight, out);
            }
        }
    }
}

/// The products, added in order, starting from 0.
#[inline(always)]
fn weighted_sum(weights: &[f32], samples: &[f32]) -> f32 {
    let mut sum = 0.0;
    for (&weight, &sample) in weights.iter().zip(samples) {
        sum += weight * sample;
    }
    sum
}

#[inline(always)]
fn add_weighted(row: &[f32], weight: f32, out: &mut [f32]) {
    for (out, &value) in out.iter_mut().zip(row) {
        *out += weight * value;
    }
}

/// The cubic convolution kernel with a = -1/2 (Keys, 1981).
fn catmull_rom(t: f64) -> f64 {
    let t = t.abs();
    if t < 1.0 {
        (1.5 * t - 2.5) * t * t + 1.0
    } else if t < 2.0 {
        ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(scale: (u32, u32), count: usize, phases: (u32, u32), start: u32) -> ChromaAxis {
        ChromaAxis::new(&Geometry {
            visible: 16,
            start,
            scale: Scale::new(scale.0, scale.1).unwrap(),
            count,
            log2_input: 1,
            log2_output: 1,
            input_half_steps: phases.0,
            output_half_steps: phases.1,
        })
        .unwrap()
    }

    #[test]
    fn equal_grids_give_the_samples_themselves() {
        for phase in 0..3 {
            let axis = axis((1, 1), 8, (phase, phase), 0);
            assert_eq!((axis.samples, axis.taps), (8, 4));
            for (k, weights) in axis.weights.chunks(4).enumerate() {
                assert_eq!(axis.starts[k], k as i32 - 1);
                assert_eq!(weights, [0.0, 1.0, 0.0, 0.0]);
            }
        }
    }

    #[test]
    fn a_ramp_keeps_its_place_whatever_the_scale_siting_and_crop() {
        for scale in [(1, 1), (2, 1), (3, 2), (4, 1), (1, 2), (2, 3)] {
            for phases in [(0, 0), (0, 1), (1, 0), (2, 1), (1, 1), (0, 2)] {
                for start in 0..2 {
                    let count = (16 * scale.0 / scale.1 / 2) as usize;
                    let axis = axis(scale, count, phases, start);
                    let factor = f64::from(scale.0) / f64::from(scale.1);
                    for k in 0..count {
                        let first = axis.starts[k];
                        if first < 0 || first as usize + axis.taps > axis.samples {
                            continue;
                        }
                        // The ramp's value is the luma coordinate, measured from the start of the crop.
                        let expected = (2.0 * k as f64 + f64::from(phases.1) / 2.0 + 0.5) / factor - 0.5
                            + f64::from(start);
                        let found: f64 = (0..axis.taps)
                            .map(|tap| {
                                let sample = f64::from(first) + tap as f64;
                                f64::from(axis.weights[k * axis.taps + tap])
                                    * (2.0 * sample + f64::from(phases.0) / 2.0)
                            })
                            .sum();
                        // Widened kernels reproduce a ramp only to a fraction of a pixel.
                        let tolerance = if scale.0 >= scale.1 { 1e-5 } else { 0.05 };
                        assert!((found - expected).abs() < tolerance, "{scale:?} {phases:?} {k}: {found}");
                    }
                }
            }
        }
    }
}
