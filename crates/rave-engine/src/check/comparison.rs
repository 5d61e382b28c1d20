//! Several pictures that went through an engine and its model.

use std::fmt;

use super::Accuracy;

/// How far an engine's results are from those of its model, picture by picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Of each picture, in order.
    pub pictures: Vec<Accuracy>,
    /// What the model ran in, for people.
    pub reference: String,
}

impl Comparison {
    /// All pictures together: its PSNR is that of the mean squared error.
    #[must_use]
    pub fn total(&self) -> Accuracy {
        self.pictures.iter().fold(Accuracy::default(), |mut total, &picture| {
            total += picture;
            total
        })
    }

    /// The place of the picture with the lowest PSNR, the first of several. One without a number that could be compared
    /// is none of them, unless there is no other.
    #[must_use]
    pub fn worst(&self) -> usize {
        let psnr = |index: usize| self.pictures[index].psnr_db();
        (0..self.pictures.len())
            .filter(|&index| !psnr(index).is_nan())
            .min_by(|&a, &b| psnr(a).total_cmp(&psnr(b)))
            .unwrap_or_default()
    }
}

/// `PSNR 61.20 dB on average, 58.31 dB at worst, largest error ...`; of a single picture what [`Accuracy`] says.
impl fmt::Display for Comparison {
    // RV-ENG-1705
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        match &self.pictures[..] {
            [] | [_] => write!(f, "{total}"),
            pictures => {
                let worst = pictures[self.worst()].psnr_db();
                write!(f, "PSNR {:.2} dB on average, {worst:.2} dB at worst, ", total.psnr_db())?;
                total.write_errors(f)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rave_core::ValueRange;

    use super::*;

    fn of(errors: &[f32]) -> Comparison {
        let picture = |&error: &f32| {
            let mut accuracy = Accuracy::default();
            accuracy.add(&[0.0, 0.0], &[error, 0.0], ValueRange::Unit);
            accuracy
        };
        Comparison { pictures: errors.iter().map(picture).collect(), reference: "x".into() }
    }

    /// RV-ENG-1705
    #[test]
    fn the_average_the_worst_and_the_largest_error_are_told() {
        // Mean squares: 0.005, 0.02, 0; their mean 0.025 / 3.
        let three = of(&[0.1, 0.2, 0.0]);
        assert_eq!(three.worst(), 1);
        let average = -10.0 * (0.025f64 / 3.0).log10();
        let worst = -10.0 * 0.02f64.log10();
        assert_eq!(
            three.to_string(),
            format!(
                "PSNR {average:.2} dB on average, {worst:.2} dB at worst, largest error 0.200000 (51.000 of 255)"
            )
        );
    }

    /// RV-ENG-1705
    #[test]
    fn one_picture_is_its_own_average_and_worst() {
        let one = of(&[0.1]);
        assert_eq!((one.worst(), one.to_string()), (0, one.pictures[0].to_string()));
    }

    /// RV-ENG-1705
    #[test]
    fn what_is_not_finite_is_counted_over_all_and_hides_no_worse_picture() {
        let comparison = of(&[0.1, f32::NAN, 0.3]);
        assert_eq!((comparison.worst(), comparison.total().not_finite), (2, 1));
        assert!(comparison.to_string().ends_with("1 elements not finite"), "{comparison}");
        let mut nothing = of(&[0.1, 0.2]);
        nothing.pictures[1] = Accuracy::default();
        assert_eq!(nothing.worst(), 0, "of two pictures the one with numbers");
    }
}
