//! What the difference between two results is, and what is to be done about it.

use std::fmt;

use rave_core::{Error, Status, ValueRange};
use rave_tensorrt::Precision;

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
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = 255.0 * self.max_error;
        write!(f, "PSNR {:.2} dB, largest error {:.6} ({codes:.3} of 255)", self.psnr_db(), self.max_error)?;
        if self.not_finite > 0 {
            write!(f, ", {} elements not finite", self.not_finite)?;
        }
        Ok(())
    }
}

/// What is to be done with an engine that was compared.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Every element that should be is finite.
    Sound,
    /// It overflows: what it should be built in instead.
    BuildIn(Precision),
    /// It overflows, and no other precision would help.
    Useless(Error),
}

/// What is to be done with an engine that was built in `precision` and found to be of this accuracy.
/// `keeps_model_types` says that the library builds every model in its own types.
// RV-ENG-1702
#[must_use]
pub fn verdict(accuracy: &Accuracy, precision: Precision, keeps_model_types: bool) -> Verdict {
    let Accuracy { elements, not_finite, reference_not_finite, .. } = *accuracy;
    let error = |found: String| Error::new(Status::InferenceFailed, found).expected("finite numbers");
    if elements == 0 && reference_not_finite > 0 {
        return Verdict::Useless(
            error("the model's own result on the CPU is not finite".into()).help("check with another frame"),
        );
    }
    if not_finite == 0 {
        return Verdict::Sound;
    }
    // bf16 has the range of fp32, fp32 the mantissa as well.
    let next = match precision {
        Precision::Fp16 => Some(Precision::Bf16),
        Precision::Bf16 | Precision::Tf32 => Some(Precision::Fp32),
        Precision::Fp32 | Precision::Model => None,
    };
    match next.filter(|_| !keeps_model_types) {
        Some(next) => Verdict::BuildIn(next),
        None => Verdict::Useless(
            error(format!(
                "{not_finite} elements of the engine's result are not, and the model's on the CPU are"
            ))
            .help("give TensorRT the model saved in bf16 or fp32"),
        ),
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
        assert_eq!(parts, of(&[0.0, 0.5, 1.0], &[0.25, 0.5, 0.0], ValueRange::Unit));
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

    /// RV-ENG-1702
    #[test]
    fn an_engine_that_overflows_is_built_in_bf16_then_in_fp32_and_then_given_up() {
        let sound = of(&[0.5], &[0.4], ValueRange::Unit);
        let overflows = of(&[0.5, 0.5], &[f32::INFINITY, 0.5], ValueRange::Unit);
        let mut tried = vec![Precision::Fp16];
        while let Verdict::BuildIn(next) = verdict(&overflows, tried[tried.len() - 1], false) {
            tried.push(next);
        }
        assert_eq!(tried, [Precision::Fp16, Precision::Bf16, Precision::Fp32]);
        assert_eq!(verdict(&overflows, Precision::Tf32, false), Verdict::BuildIn(Precision::Fp32));
        for precision in [Precision::Fp16, Precision::Model, Precision::Fp32] {
            assert_eq!(verdict(&sound, precision, false), Verdict::Sound);
        }
    }

    /// RV-ENG-1702
    #[test]
    fn where_no_other_precision_helps_the_error_says_what_does() {
        let overflows = of(&[0.5, 0.5], &[f32::NAN, 0.5], ValueRange::Unit);
        for (precision, keeps) in
            [(Precision::Fp32, false), (Precision::Model, false), (Precision::Fp16, true)]
        {
            let Verdict::Useless(error) = verdict(&overflows, precision, keeps) else {
                panic!("{precision}")
            };
            assert_eq!(error.status(), Status::InferenceFailed);
            assert!(error.to_string().contains("saved in bf16 or fp32"), "{error}");
        }
        let model = of(&[f32::NAN], &[f32::NAN], ValueRange::Unit);
        let Verdict::Useless(error) = verdict(&model, Precision::Fp16, false) else { panic!() };
        assert!(error.to_string().contains("model's own result"), "{error}");
    }
}
