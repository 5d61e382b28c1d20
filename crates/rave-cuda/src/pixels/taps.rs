//! The chroma filters as the kernels read them.

use rave_core::pixels::ChromaAxis;

use super::params::TAPS_AT_ONCE;

/// Columns and rows of a block, as `BLOCK_COLUMNS` and `BLOCK_ROWS` in `kernels/pack_luma_whole.cu`.
pub(super) const WHOLE_BLOCK: [usize; 2] = [256, 16];

/// The filter of one axis in the bytes of a [`Taps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AxisTaps {
    /// Input samples that cover the visible part.
    pub(super) samples: usize,
    /// Output samples.
    pub(super) count: usize,
    /// 1 or a multiple of [`TAPS_AT_ONCE`].
    pub(super) taps: usize,
    /// Offset of the first input sample of each output sample, an `i32` for each.
    pub(super) starts: usize,
    /// Input samples that the output samples of a [`WHOLE_BLOCK`] are made of, at most.
    pub(super) reach: usize,
    /// Offset of the weights, an `fp32` for each output sample and tap: those of the first tap, then of the second.
    pub(super) weights: usize,
}

/// The filters of both axes, horizontal and vertical, and the bytes that the kernels read.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    pub(super) axes: [AxisTaps; 2],
    pub(super) bytes: Vec<u8>,
}

impl Taps {
    pub(super) fn new(axes: &[ChromaAxis; 2]) -> Self {
        let mut bytes = Vec::new();
        let [horizontal, vertical] = axes;
        let [columns, rows] = WHOLE_BLOCK;
        let axes = [append(horizontal, columns, &mut bytes), append(vertical, rows, &mut bytes)];
        Taps { axes, bytes }
    }
}

/// Appends a filter without the taps that have no weight anywhere, of which grids that are equal have three of four, and
/// with as many at the end as the kernels' loops need. Sums start at +0 and can never become -0, so that a product with
/// weight 0 changes nothing.
fn append(axis: &ChromaAxis, block: usize, bytes: &mut Vec<u8>) -> AxisTaps {
    let used =
        |tap: &usize| axis.weights().iter().skip(*tap).step_by(axis.taps()).any(|&weight| weight != 0.0);
    let first = (0..axis.taps()).find(used).unwrap_or(0);
    let last = (0..axis.taps()).rfind(used).unwrap_or(0);
    let taps = match last - first + 1 {
        1 => 1,
        several => several.next_multiple_of(TAPS_AT_ONCE),
    };

    let starts = bytes.len();
    for start in axis.starts() {
        bytes.extend((start + first as i32).to_le_bytes());
    }
    let sample = |at: i32| at.clamp(0, axis.samples() as i32 - 1);
    let reach = axis.starts().chunks(block).map(|block| {
        let (top, bottom) = (block[0] + first as i32, block[block.len() - 1] + (first + taps) as i32 - 1);
        (sample(bottom) - sample(top)) as usize + 1
    });
    let reach = reach.max().unwrap_or(0);
    let weights = bytes.len();
    for tap in first..first + taps {
        for sample in axis.weights().chunks_exact(axis.taps()) {
            bytes.extend(sample.get(tap).unwrap_or(&0.0).to_le_bytes());
        }
    }
    AxisTaps { samples: axis.samples(), count: axis.starts().len(), taps, starts, reach, weights }
}

#[cfg(test)]
mod tests {
    use rave_core::pixels::ChromaScaler;
    use rave_core::{ChromaSiting, PixelFormat, Scale, Size};

    use super::*;

    fn taps(scale: (u32, u32), input: ChromaSiting, output: ChromaSiting) -> Taps {
        let scale = Scale::new(scale.0, scale.1).unwrap();
        let scaler =
            ChromaScaler::new(PixelFormat::Nv12, Size::new(16, 8), PixelFormat::Nv12, scale).unwrap();
        Taps::new(&scaler.axes(input, output, (0, 0)).unwrap())
    }

    #[test]
    fn equal_grids_take_one_tap_and_others_whole_groups() {
        let lengths = |taps: &Taps| taps.axes.map(|axis| (axis.count, axis.taps));
        assert_eq!(lengths(&taps((1, 1), ChromaSiting::Left, ChromaSiting::Left)), [(8, 1), (4, 1)]);
        assert_eq!(lengths(&taps((1, 1), ChromaSiting::Left, ChromaSiting::TopLeft)), [(8, 1), (4, 4)]);
        assert_eq!(lengths(&taps((2, 1), ChromaSiting::Left, ChromaSiting::Left)), [(16, 4), (8, 4)]);
        assert_eq!(lengths(&taps((1, 2), ChromaSiting::Left, ChromaSiting::Left)), [(4, 8), (2, 8)]);
    }

    #[test]
    fn a_block_of_rows_reaches_what_its_filter_does() {
        let reach = |scale, height| {
            let scale = Scale::new(scale, 1).unwrap();
            let (format, size) = (PixelFormat::Yuv444p, Size::new(16, height));
            let scaler = ChromaScaler::new(format, size, format, scale).unwrap();
            let [_, vertical] =
                Taps::new(&scaler.axes(ChromaSiting::Left, ChromaSiting::Left, (0, 0)).unwrap()).axes;
            vertical.reach
        };
        assert_eq!(reach(1, 40), 16);
        // Eight rows, and two on either side.
        assert_eq!(reach(2, 40), 12);
        assert_eq!(reach(4, 40), 8);
        assert_eq!(reach(2, 3), 3);
    }

    #[test]
    fn the_one_tap_of_equal_grids_is_the_sample_itself() {
        let taps = taps((1, 1), ChromaSiting::Left, ChromaSiting::Left);
        let words: Vec<[u8; 4]> = taps.bytes.as_chunks::<4>().0.to_vec();
        let expected = (0..8i32).map(i32::to_le_bytes).chain([1.0f32.to_le_bytes(); 8]);
        assert_eq!(words[..16], expected.collect::<Vec<_>>());
    }
}
