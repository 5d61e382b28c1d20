//! Times of decoding for a stream whose times of showing are known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Gives the packets of a stream, in the order of decoding, times of decoding that rise and are never after those of
/// showing: the times of showing in order, later by `depth` packets. The first `depth` ones, which have none that is
/// early enough, lie before the first frame as far apart as the first frames do. This is what x264 gives a whole stream.
#[derive(Debug)]
pub(super) struct DecodingTimes {
    depth: usize,
    /// Times of showing that are not used yet.
    later: BinaryHeap<Reverse<i64>>,
    /// Times of decoding of the first packets, in order; made when enough is known.
    first: Option<std::vec::IntoIter<i64>>,
}

impl DecodingTimes {
    pub(super) fn new(depth: usize) -> Self {
        DecodingTimes { depth, later: BinaryHeap::new(), first: None }
    }

    /// How many packets have to be seen before the first time can be asked for.
    pub(super) fn lookahead(&self) -> usize {
        2 * self.depth + 1
    }

    /// The next packet in the order of decoding is shown at `pts`.
    pub(super) fn see(&mut self, pts: i64) {
        self.later.push(Reverse(pts));
    }

    /// The time of decoding of the next packet. As many must have been seen before as [`DecodingTimes::lookahead`] says,
    /// or all; and this one in any case.
    pub(super) fn next(&mut self) -> Option<i64> {
        if self.first.is_none() {
            self.first = Some(self.before_the_first_frame().into_iter());
        }
        let first = self.first.as_mut().and_then(Iterator::next);
        first.or_else(|| self.later.pop().map(|Reverse(pts)| pts))
    }

    fn before_the_first_frame(&self) -> Vec<i64> {
        let mut known: Vec<i64> = self.later.iter().map(|Reverse(pts)| *pts).collect();
        known.sort_unstable();
        let Some((&start, &end)) = known.first().zip(known.get(self.depth).or(known.last())) else {
            return Vec::new();
        };
        // A stream shorter than the depth ends before: one tick more keeps its times apart.
        let shift = end - start + i64::from(known.len() <= self.depth);
        known.iter().take(self.depth).map(|pts| pts - shift).collect()
    }
}

/// By how many packets decoding has to run ahead of showing in a stream whose packets, in the order of decoding, are shown at
/// `shown`: the most by which any comes later in the order of decoding than in that of showing. What is asked of a whole stream
/// is the most that is asked of any of its pieces.
///
/// Encoders need not say it: FFmpeg's libx265 leaves `has_b_frames` at 0.
pub(super) fn depth_of(shown: &[i64]) -> usize {
    let mut in_order = shown.to_vec();
    in_order.sort_unstable();
    let behind = shown.iter().enumerate().map(|(decoded, pts)| {
        let shown_before = in_order.partition_point(|other| other < pts);
        decoded.saturating_sub(shown_before)
    });
    behind.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoding_times(depth: usize, shown: &[i64]) -> Vec<i64> {
        let mut times = DecodingTimes::new(depth);
        let (mut seen, mut made) = (0, Vec::new());
        for index in 0..shown.len() {
            while seen < shown.len().min(index + times.lookahead()) {
                times.see(shown[seen]);
                seen += 1;
            }
            made.push(times.next().unwrap());
        }
        made
    }

    /// RV-FF-1803
    #[test]
    fn without_b_frames_decoding_is_showing() {
        assert_eq!(decoding_times(0, &[5, 7, 20]), [5, 7, 20]);
    }

    /// RV-FF-1803
    #[test]
    fn times_rise_and_are_never_after_showing() {
        // Two groups of I P B b b, at uneven distances.
        let shown = [0, 40, 20, 10, 33, 50, 500, 300, 60, 310];
        for depth in 2..5 {
            let made = decoding_times(depth, &shown);
            assert!(made.windows(2).all(|pair| pair[0] < pair[1]), "{made:?}");
            assert!(made.iter().zip(shown).all(|(dts, pts)| *dts <= pts), "{made:?}");
        }
        assert_eq!(decoding_times(2, &shown), [-20, -10, 0, 10, 20, 33, 40, 50, 60, 300]);
    }

    /// RV-FF-1803
    #[test]
    fn the_depth_of_a_stream_is_the_least_with_which_nothing_is_decoded_after_it_is_shown() {
        let streams: [(&[i64], usize); 6] = [
            (&[], 0),
            (&[5, 7, 20], 0),
            // I P b b, and I P B b b.
            (&[0, 3, 1, 2], 1),
            (&[0, 40, 20, 10, 33, 50, 500, 300, 60, 310], 2),
            // Of a piece that reorders nothing and one that does, as if they were one.
            (&[0, 1, 2, 6, 4, 3, 5], 2),
            (&[3, 2, 1, 0], 3),
        ];
        for (shown, depth) in streams {
            assert_eq!(depth_of(shown), depth, "{shown:?}");
            let are_right = |depth| {
                let made = decoding_times(depth, shown);
                made.is_sorted_by(|a, b| a < b) && made.iter().zip(shown).all(|(dts, pts)| dts <= pts)
            };
            assert!(are_right(depth), "{shown:?}");
            assert!(depth == 0 || !are_right(depth - 1), "{shown:?} with less");
        }
    }

    /// RV-FF-1803
    #[test]
    fn a_stream_shorter_than_the_depth_has_times_too() {
        assert_eq!(decoding_times(3, &[0, 2, 1]), [-3, -2, -1]);
        assert_eq!(decoding_times(2, &[7]), [6]);
        assert_eq!(decoding_times(2, &[]), [] as [i64; 0]);
    }
}
