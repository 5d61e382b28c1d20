//! Chroma up- and downsampling by 2 along one axis.
//!
//! Both are linear phase and their phase is the siting's, in half luma steps from the even luma sample of the pair
//! that a chroma sample covers: 0 (on the even sample), 1 (midway) or 2 (on the odd sample). The pair of filters is
//! biorthogonal: downsampling what was upsampled gives back the very samples.

/// The upsampling taps of one siting. With `c[k]` chroma samples and `u` luma positions:
/// `u[2k] = even_left * c[k-1] + even_here * c[k]` and `u[2k+1] = odd_here * c[k] + odd_right * c[k+1]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct UpTaps {
    pub(super) even_left: f32,
    pub(super) even_here: f32,
    pub(super) odd_here: f32,
    pub(super) odd_right: f32,
}

impl UpTaps {
    /// The taps of a siting of 0, 1 or 2 half steps: linear interpolation.
    pub(super) fn new(half_steps: u32) -> Self {
        let (even_left, even_here, odd_here, odd_right) = match half_steps {
            0 => (0.0, 1.0, 0.5, 0.5),
            1 => (0.25, 0.75, 0.75, 0.25),
            _ => (0.5, 0.5, 1.0, 0.0),
        };
        UpTaps { even_left, even_here, odd_here, odd_right }
    }

    /// For luma row or column `position`: the chroma sample of its pair, its neighbour (-1 or +1) and their weights.
    pub(super) fn at(self, position: usize) -> (f32, isize, f32) {
        if position.is_multiple_of(2) {
            (self.even_here, -1, self.even_left)
        } else {
            (self.odd_here, 1, self.odd_right)
        }
    }
}

/// Weighted sum of two rows. Codes of up to 16 bits less their offset take at most 17 bits, the taps of both axes add
/// 4: every product and sum here is exact.
#[inline(always)]
pub(super) fn blend(a: &[f32], weight_a: f32, b: &[f32], weight_b: f32, out: &mut [f32]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = weight_a * a + weight_b * b;
    }
}

/// Doubles a row. `row` has one sample more on each side than it has pairs in `out`: its neighbours, or copies of the
/// outermost samples.
#[inline(always)]
pub(super) fn double(row: &[f32], taps: UpTaps, out: &mut [f32]) {
    let pairs = out.as_chunks_mut::<2>().0;
    let count = pairs.len();
    let (left, here, right) = (&row[..count], &row[1..][..count], &row[2..][..count]);
    for (((pair, &l), &c), &r) in pairs.iter_mut().zip(left).zip(here).zip(right) {
        *pair = [taps.even_left * l + taps.even_here * c, taps.odd_here * c + taps.odd_right * r];
    }
}

/// The downsampling filter of one siting.
///
/// - On a luma sample (0 or 2 half steps): `[-1 2 6 2 -1] / 8`, centred on it (the analysis half of the LeGall 5/3
///   pair, whose synthesis half is linear interpolation).
/// - Midway: `[-1 3 3 -1] / 4`.
///
/// Samples before the first are copies of it. Samples after the last of `extent` are copies of it, unless the last
/// pair lacks its odd sample (odd extent) and the chroma sample does not lie on the even one; then that odd sample is
/// first extrapolated so that linear interpolation is undone: `1.5 u[n-1] - 0.5 u[n-2]` midway and
/// `2 u[n-1] - u[n-2]` on the odd sample, where `extent` is 2 or more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Down {
    half_steps: u32,
    extent: usize,
}

impl Down {
    pub(super) fn new(half_steps: u32, extent: usize) -> Self {
        Down { half_steps, extent }
    }

    /// The sum of the taps as [`Down::midway`] and [`Down::on_sample`] have them, to be divided out later.
    pub(super) fn gain(self) -> f64 {
        if self.half_steps == 1 { 4.0 } else { 8.0 }
    }

    /// The number of samples.
    pub(super) fn extent(self) -> usize {
        self.extent
    }

    /// Weights of the last and the one before it that make the missing odd sample.
    pub(super) fn extrapolation(self) -> Option<(f32, f32)> {
        if self.extent.is_multiple_of(2) || self.extent < 2 {
            return None;
        }
        match self.half_steps {
            0 => None,
            1 => Some((1.5, -0.5)),
            _ => Some((2.0, -1.0)),
        }
    }

    /// Number of samples with the extrapolated one.
    pub(super) fn extended(self) -> usize {
        self.extent + usize::from(self.extrapolation().is_some())
    }

    /// The first sample that chroma sample `k` needs and how many, before samples outside are replaced.
    pub(super) fn support(self, k: usize) -> (isize, usize) {
        match self.half_steps {
            0 => (2 * k as isize - 2, 5),
            1 => (2 * k as isize - 1, 4),
            _ => (2 * k as isize - 1, 5),
        }
    }

    /// The midway filter, times 4.
    #[inline(always)]
    pub(super) fn midway(taps: [f32; 4]) -> f32 {
        3.0 * (taps[1] + taps[2]) - (taps[0] + taps[3])
    }

    /// The filter on a sample, times 8.
    #[inline(always)]
    pub(super) fn on_sample(taps: [f32; 5]) -> f32 {
        6.0 * taps[2] + 2.0 * (taps[1] + taps[3]) - (taps[0] + taps[4])
    }

    /// Fills what lies outside a row: `row[MARGIN..MARGIN + extent]` is set, [`Down::MARGIN`] samples on either side
    /// are written.
    #[inline(always)]
    pub(super) fn extend(self, row: &mut [f32]) {
        let (first, last) = (Self::MARGIN, Self::MARGIN + self.extent - 1);
        let before = row[first];
        row[..first].fill(before);
        let after = match self.extrapolation() {
            Some((near, far)) => near * row[last] + far * row[last - 1],
            None => row[last],
        };
        row[last + 1..][..Self::MARGIN].fill(after);
    }

    /// Samples on either side of a row for [`Down::extend`].
    pub(super) const MARGIN: usize = 4;

    /// Halves an extended row, times [`Down::gain`].
    #[inline(always)]
    // RV-CORE-1003
    pub(super) fn halve(self, row: &[f32], out: &mut [f32]) {
        let start = Self::MARGIN.wrapping_add_signed(self.support(0).0);
        let pairs = row[start..].as_chunks::<2>().0;
        let count = out.len();
        let (a, b) = (&pairs[..count], &pairs[1..][..count]);
        if self.half_steps == 1 {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out = Self::midway([a[0], a[1], b[0], b[1]]);
            }
        } else {
            let c = &pairs[2..][..count];
            for (((out, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
                *out = Self::on_sample([a[0], a[1], b[0], b[1], c[0]]);
            }
        }
    }

    /// Combines the rows that chroma row needs into it, times [`Down::gain`]; `rows` has 4 or 5 of them.
    #[inline(always)]
    pub(super) fn combine(self, rows: [&[f32]; 5], out: &mut [f32]) {
        let count = out.len();
        let [a, b, c, d, e] = rows.map(|row| &row[..count]);
        if self.half_steps == 1 {
            for ((((out, &a), &b), &c), &d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *out = Self::midway([a, b, c, d]);
            }
        } else {
            for (((((out, &a), &b), &c), &d), &e) in out.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e) {
                *out = Self::on_sample([a, b, c, d, e]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(chroma: &[f32], half_steps: u32, extent: usize) -> Vec<f32> {
        let mut row = vec![chroma[0]];
        row.extend(chroma);
        row.push(*chroma.last().unwrap());
        let mut out = vec![0.0; 2 * chroma.len()];
        double(&row, UpTaps::new(half_steps), &mut out);
        out.truncate(extent);
        out
    }

    /// RV-CORE-1003
    #[test]
    fn downsampling_undoes_upsampling_exactly_for_every_siting_and_extent() {
        for half_steps in 0..3 {
            for extent in 1..40usize {
                let chroma: Vec<f32> =
                    (0..extent.div_ceil(2)).map(|k| ((k * 7919 + extent * 104_729) % 65536) as f32).collect();
                let mut row = vec![0.0; extent + 2 * Down::MARGIN];
                row[Down::MARGIN..][..extent].copy_from_slice(&up(&chroma, half_steps, extent));
                let down = Down::new(half_steps, extent);
                down.extend(&mut row);
                let mut out = vec![0.0; chroma.len()];
                down.halve(&row, &mut out);
                let gain = down.gain() as f32;
                let out: Vec<f32> = out.iter().map(|v| v / gain).collect();
                assert_eq!(out, chroma, "{half_steps} half steps, extent {extent}");
            }
        }
    }

    #[test]
    fn a_ramp_keeps_its_phase() {
        for (half_steps, phase) in [(0, 0.0), (1, 0.5), (2, 1.0)] {
            let chroma: Vec<f32> = (0..8).map(|k| 2.0 * k as f32 + phase).collect();
            let ramp = up(&chroma, half_steps, 16);
            for (x, &value) in ramp.iter().enumerate().skip(2).take(12) {
                assert_eq!(value, x as f32, "{half_steps} half steps");
            }
        }
    }
}
