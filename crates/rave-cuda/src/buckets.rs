//! The sizes in which a pool holds memory.

/// The smallest bucket, and the unit of the small ones: what `cuMemAlloc` aligns to, twice.
const UNIT: usize = 512;
/// Steps between a power of two and the next.
const STEPS: usize = 8;

/// The size of the bucket for `bytes`: eight steps to the octave, so that less than 1/8 of a bucket is wasted (below 4 KiB
/// less than 512 bytes).
///
/// ```
/// use rave_cuda::bucket_size;
/// assert_eq!(bucket_size(1), 512);
/// assert_eq!(bucket_size(1920 * 1080 * 3 * 2), 12_582_912);
/// ```
#[must_use]
// RV-CUDA-1104
pub const fn bucket_size(bytes: usize) -> usize {
    if bytes <= UNIT {
        return UNIT;
    }
    // The power of two at or below bytes - 1; all sizes of (2^k, 2^(k+1)] share a step.
    let octave = 1 << (bytes - 1).ilog2();
    let step = if octave / STEPS > UNIT { octave / STEPS } else { UNIT };
    match bytes.checked_next_multiple_of(step) {
        Some(size) => size,
        // No such allocation can succeed; let it fail as what it is.
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bucket_is_its_own_bucket_and_sizes_are_steps_of_an_eighth() {
        for bytes in [512, 1024, 3584, 4096, 4608, 8192, 9216, 1 << 20, (1 << 20) + (1 << 17)] {
            assert_eq!(bucket_size(bytes), bytes);
        }
        assert_eq!(bucket_size(8193), 9216);
        assert_eq!(bucket_size(usize::MAX), usize::MAX);
    }

    proptest! {
        /// RV-CUDA-1104
        #[test]
        fn a_bucket_holds_the_request_and_wastes_less_than_an_eighth(bytes in 1usize..1 << 40) {
            let size = bucket_size(bytes);
            prop_assert!(size >= bytes);
            prop_assert!(size - bytes < UNIT.max(size / 8));
            prop_assert_eq!(size % UNIT, 0);
        }

        #[test]
        fn a_larger_request_never_gets_a_smaller_bucket(a in 1usize..1 << 30, b in 1usize..1 << 30) {
            prop_assert_eq!(a.min(b) <= a.max(b), bucket_size(a.min(b)) <= bucket_size(a.max(b)));
        }
    }
}
