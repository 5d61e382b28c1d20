//! What the difference between two results is.

use std::fmt;
use std::ops::AddAssign;

use rave_core::ValueRange;

/// How far results are from those of a reference, over all pictures that were added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Elements that were compared: those that are finite in both.
    pub elements: u64,
    /// Elements that are not finite, though they are in the reference.
    pub not_finite: u64,
    /// Elements that are not finite in the reference.
    pub reference_not_finite: u64,
    /// The largest difference, where 1 is white.
    pub max_error: f64,
    /// Sum of the squared differences, where 1 is white.
    squares: f64,
}

impl Accuracy {
    /// Adds what came out for one picture. `white` is what stands for it in both.
    // RV-ENG-1701
    pub fn add(&mut self, reference: &[f32], found: &[f32], white: ValueRange) {
        for (&reference, &found) in reference.iter().zip(found) {
            if !reference.is_finite() {
                self.reference_not_finite += 1;
            } else if !found.is_finite() {
                self.not_finite += 1;
            } else {
                let error = (f64::from(found) - f64::from(reference)).abs() / f64::from(white.white());
                self.max_error = self.max_error.max(error);
                self.squares += error * error;
                self.elements += 1;
            }
        }
    }

    /// Peak signal-to-noise ratio in decibels, where 1 is the peak: infinite where nothing differs.
    #[must_use]
    pub fn psnr_db(&self) -> f64 {
        -10.0 * (self.squares / self.elements as f64).log10()
    }

    /// What is to be said beside the PSNR.
    pub(super) fn write_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = 255.0 * self.max_error;
        write!(f, "largest error {:.6} ({codes:.3} of 255)", self.max_error)?;
        if self.not_finite > 0 {
            write!(f, ", {} elements not finite", self.not_finite)?;
        }
        Ok(())
    }
}

/// As one comparison of both pictures.
impl AddAssign for Accuracy {
    fn add_assign(&mut self, more: Self) {
        // By name, so that a new one cannot be forgotten here.
        let Accuracy { elements, not_finite, reference_not_finite, max_error, squares } = more;
        self.elements += elements;
        self.not_finite += not_finite;
        self.reference_not_finite += reference_not_finite;
        self.max_error = self.max_error.max(max_error);
        self.squares += squares;
    }
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PSNR {:.2} dB, ", self.psnr_db())?;
        self.write_errors(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reference: &[f32], found: &[f32], white: ValueRange) -> Accuracy {
        let mut accuracy = Accuracy::default();
        accuracy.add(reference, found, white);
        accuracy
    }

    /// RV-ENG-1701
    #[test]
    fn psnr_and_largest_error_are_those_of_the_formula() {
        // Mean of squares: (0.01 + 0 + 0 + 0.0004) / 4 = 0.0026.
        let accuracy = of(&[0.5, 0.0, 1.0, 0.25], &[0.6, 0.0, 1.0, 0.23], ValueRange::Unit);
        assert!((accuracy.psnr_db() - -10.0 * 0.0026f64.log10()).abs() < 1e-4, "{accuracy}");
        assert!((accuracy.max_error - 0.1).abs() < 1e-6, "{accuracy}");
        assert_eq!(accuracy.elements, 4);
        let same = of(&[0.5; 9], &[0.5; 9], ValueRange::Unit);
        assert_eq!((same.psnr_db(), same.max_error), (f64::INFINITY, 0.0));
    }

    /// RV-ENG-1701
    #[test]
    fn white_is_the_peak_whatever_number_stands_for_it() {
        let unit = of(&[0.0, 1.0], &[0.5, 1.0], ValueRange::Unit);
        let byte = of(&[0.0, 255.0], &[127.5, 255.0], ValueRange::Byte);
        assert_eq!(unit, byte);
        assert_eq!(unit.to_string(), "PSNR 9.03 dB, largest error 0.500000 (127.500 of 255)");
    }

    /// RV-ENG-1701
    #[test]
    fn several_pictures_are_one_comparison() {
        let mut parts = of(&[0.0, 0.5], &[0.25, 0.5], ValueRange::Unit);
        parts.add(&[1.0], &[0.0], ValueRange::Unit);
        let whole = of(&[0.0, 0.5, 1.0], &[0.25, 0.5, 0.0], ValueRange::Unit);
        assert_eq!(parts, whole);
        let mut sum = of(&[0.0, 0.5], &[0.25, 0.5], ValueRange::Unit);
        sum += of(&[1.0], &[0.0], ValueRange::Unit);
        assert_eq!(sum, whole);
    }

    /// RV-ENG-1701
    #[test]
    fn what_is_not_finite_is_counted_and_not_compared() {
        let (nan, infinite) = (f32::NAN, f32::INFINITY);
        let accuracy =
            of(&[0.5, nan, 0.5, 0.0, infinite], &[nan, nan, -infinite, 0.5, 0.0], ValueRange::Unit);
        assert_eq!((accuracy.elements, accuracy.not_finite, accuracy.reference_not_finite), (1, 2, 2));
        assert_eq!(accuracy.max_error, 0.5);
        assert!(accuracy.to_string().contains("2 elements not finite"), "{accuracy}");
    }
}
