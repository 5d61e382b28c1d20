//! Rounding to codes, with or without ordered dither.

/// The 8x8 Bayer matrix, by its recursion `M(2n) = [4M, 4M+2; 4M+3, 4M+1]` from `M(1) = [0]`: row `y & 7`, column
/// `x & 7`, where `x` and `y` are the sample's position in its own plane.
pub const BAYER: [[u8; 8]; 8] = [
    [0, 32, 8, 40, 2, 34, 10, 42],
    [48, 16, 56, 24, 50, 18, 58, 26],
    [12, 44, 4, 36, 14, 46, 6, 38],
    [60, 28, 52, 20, 62, 30, 54, 22],
    [3, 35, 11, 43, 1, 33, 9, 41],
    [51, 19, 59, 27, 49, 17, 57, 25],
    [15, 47, 7, 39, 13, 45, 5, 37],
    [63, 31, 55, 23, 61, 29, 53, 21],
];

/// Columns of a [`Bias`] row: a multiple of the matrix's 8, long enough for a vector loop to run inside it.
pub(super) const BIAS_COLUMNS: usize = 128;

/// What is added to a code before it is rounded down: `0.5`, or `0.5 + threshold = (k + 0.5) / 64` with dither, `k`
/// from [`BAYER`]. Every value is a multiple of 1/128, hence exact.
#[derive(Clone, Debug)]
pub(super) struct Bias([[f32; BIAS_COLUMNS]; 8]);

impl Bias {
    // RV-CORE-1009
    pub(super) fn new(dither: bool) -> Self {
        Bias(std::array::from_fn(|y| {
            std::array::from_fn(|x| if dither { (f32::from(BAYER[y][x % 8]) + 0.5) / 64.0 } else { 0.5 })
        }))
    }

    /// The biases of row `y`, from column 0.
    pub(super) fn row(&self, y: usize) -> &[f32; BIAS_COLUMNS] {
        &self.0[y & 7]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_follows_its_recursion() {
        let mut expected = vec![vec![0u8]];
        while expected.len() < 8 {
            let n = expected.len();
            expected = (0..2 * n)
                .map(|y| {
                    (0..2 * n).map(|x| 4 * expected[y % n][x % n] + [[0, 2], [3, 1]][y / n][x / n]).collect()
                })
                .collect();
        }
        assert_eq!(BAYER.map(|row| row.to_vec()).to_vec(), expected);
    }

    /// RV-CORE-1009
    #[test]
    fn dither_has_no_mean_and_never_moves_a_value_that_is_a_code() {
        let bias = Bias::new(true);
        let all: Vec<f32> = (0..8).flat_map(|y| bias.row(y)[..8].to_vec()).collect();
        assert_eq!(all.iter().sum::<f32>() / 64.0, 0.5);
        assert!(all.iter().all(|b| (1.0 / 128.0..=127.0 / 128.0).contains(b)));
        assert!(Bias::new(false).row(3).iter().all(|&b| b == 0.5));
    }
}
