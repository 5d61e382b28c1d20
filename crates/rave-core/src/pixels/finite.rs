//! Finding elements that are NaN or infinite at next to no cost.

/// The number of elements that are NaN or infinite.
#[inline(always)]
// RV-CORE-1008
pub(super) fn count_non_finite(values: &[f32]) -> usize {
    // A finite number times 0 is 0 or -0, anything else is NaN. OR has no order, so that this runs on whole vectors.
    let bits = values.iter().fold(0, |bits, &value| bits | (value * 0.0).to_bits());
    if bits & !(1 << 31) == 0 {
        return 0;
    }
    values.iter().filter(|value| !value.is_finite()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-CORE-1008
    #[test]
    fn every_kind_of_non_finite_number_is_counted_and_nothing_else() {
        let finite = [0.0, -0.0, 1.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::from_bits(1)];
        assert_eq!(count_non_finite(&finite), 0);
        for (bad, count) in [
            (vec![f32::NAN], 1),
            (vec![f32::INFINITY, f32::NEG_INFINITY, -f32::NAN], 3),
            (vec![f32::from_bits(0x7f80_0001)], 1),
        ] {
            for place in 0..finite.len() {
                let mut values = finite.to_vec();
                values.splice(place..place, bad.iter().copied());
                assert_eq!(count_non_finite(&values), count);
            }
        }
        assert_eq!(count_non_finite(&[]), 0);
    }
}
