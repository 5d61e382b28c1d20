//! What is to be done with a new engine: it is sound, or there is a precision that it should be built in instead.
//!
//! Everything here is decided from what was found; nothing here runs anything.

use rave_core::{Error, Status};
use rave_tensorrt::{Precision, Tried};

use super::Accuracy;

/// What there is to choose from, for a model on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Whether the library builds every model in its own types: then only a model in other types helps.
    pub keeps_model_types: bool,
    /// Whether the model was saved in fp16, and so can be had in fp32.
    pub saved_in_fp16: bool,
    /// The compute capability of the GPU: bf16 comes with 8.0.
    pub capability: (u32, u32),
}

impl Choices {
    /// The precision to build in where `precision` overflows: bf16, which has the range of fp32, and then fp32, which has
    /// its mantissa as well.
    // RV-ENG-1702
    #[must_use]
    pub fn after(self, precision: Precision) -> Option<Precision> {
        match precision {
            // What was saved in fp16 is no more exact in bf16, and TensorRT does not take it for that.
            Precision::Model | Precision::Fp16 if self.saved_in_fp16 => Some(Precision::Fp32),
            Precision::Fp16 | Precision::Bf16 if self.keeps_model_types => None,
            Precision::Fp16 if self.capability >= (8, 0) => Some(Precision::Bf16),
            Precision::Fp16 | Precision::Bf16 | Precision::Tf32 => Some(Precision::Fp32),
            Precision::Fp32 | Precision::Model => None,
        }
    }
}

/// A precision, for people.
#[must_use]
pub fn in_words(precision: Precision) -> String {
    match precision {
        Precision::Model => "the model's own precision".to_owned(),
        other => other.to_string(),
    }
}

/// What is to be done with an engine.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Every element that should be is finite.
    Sound,
    /// It overflows: what it should be built in instead.
    BuildIn(Precision),
    /// It overflows, and no other precision would help.
    Useless(Error),
}

/// What is to be done with an engine that was built in `precision`, and compared with its model.
// RV-ENG-1702
#[must_use]
pub fn verdict(accuracy: &Accuracy, precision: Precision, choices: Choices) -> Verdict {
    let Accuracy { elements, not_finite, reference_not_finite, .. } = *accuracy;
    if elements == 0 && reference_not_finite > 0 {
        return Verdict::Useless(
            not_finite_error("the model's own result on the CPU is not finite".into())
                .help("check with another frame"),
        );
    }
    if not_finite == 0 {
        return Verdict::Sound;
    }
    instead(precision, choices, || {
        format!("{not_finite} elements of the engine's result are not, and the model's on the CPU are")
    })
}

/// What is to be done with an engine that was built in `precision`, and run once on the self-test picture. One that could
/// not be run here is taken as it is.
// RV-ENG-1706
#[must_use]
pub fn verdict_of_trial(tried: &Tried, precision: Precision, choices: Choices) -> Verdict {
    match tried {
        Tried::Finite | Tried::NotRun(_) => Verdict::Sound,
        Tried::NotFinite { elements, of, .. } => instead(precision, choices, || {
            format!("{elements} of {of} elements of the engine's result on the self-test picture")
        }),
    }
}

fn instead(precision: Precision, choices: Choices, found: impl FnOnce() -> String) -> Verdict {
    choices.after(precision).map_or_else(
        || {
            Verdict::Useless(not_finite_error(found()).help(
                "give TensorRT the model saved in bf16 or fp32; if it is in fp32 already, it gives NaN or infinity by \
                 itself",
            ))
        },
        Verdict::BuildIn,
    )
}

fn not_finite_error(found: String) -> Error {
    Error::new(Status::InferenceFailed, found).expected("finite numbers")
}

#[cfg(test)]
mod tests {
    use rave_core::ValueRange;

    use super::*;

    const TENSORRT_10: Choices =
        Choices { keeps_model_types: false, saved_in_fp16: false, capability: (8, 9) };
    const RTX: Choices = Choices { keeps_model_types: true, ..TENSORRT_10 };
    const TURING: Choices = Choices { capability: (7, 5), ..TENSORRT_10 };

    fn of(reference: &[f32], found: &[f32]) -> Accuracy {
        let mut accuracy = Accuracy::default();
        accuracy.add(reference, found, ValueRange::Unit);
        accuracy
    }

    fn overflows() -> Tried {
        Tried::NotFinite { elements: 3, of: 12, capability: (8, 9) }
    }

    /// The precisions that are built, from the first until it is given up, where every engine overflows.
    fn tried(first: Precision, choices: Choices) -> Vec<Precision> {
        let mut tried = vec![first];
        while let Verdict::BuildIn(next) = verdict_of_trial(&overflows(), tried[tried.len() - 1], choices) {
            assert!(!tried.contains(&next), "{next} again after {tried:?}");
            tried.push(next);
        }
        tried
    }

    /// RV-ENG-1702, RV-ENG-1706
    #[test]
    fn an_engine_that_overflows_is_built_in_bf16_then_in_fp32_and_then_given_up() {
        use Precision::{Bf16, Fp16, Fp32, Model, Tf32};
        for (first, choices, expected) in [
            (Fp16, TENSORRT_10, &[Fp16, Bf16, Fp32][..]),
            (Bf16, TENSORRT_10, &[Bf16, Fp32]),
            (Tf32, TENSORRT_10, &[Tf32, Fp32]),
            (Fp32, TENSORRT_10, &[Fp32]),
            (Model, TENSORRT_10, &[Model]),
            // Turing has no bf16.
            (Fp16, TURING, &[Fp16, Fp32]),
            (Tf32, RTX, &[Tf32, Fp32]),
            (Fp16, RTX, &[Fp16]),
            (Bf16, RTX, &[Bf16]),
            (Model, RTX, &[Model]),
        ] {
            assert_eq!(tried(first, choices), expected, "{choices:?}");
        }
        for choices in [TENSORRT_10, TURING, RTX] {
            let saved_in_fp16 = Choices { saved_in_fp16: true, ..choices };
            for first in [Model, Fp16] {
                assert_eq!(tried(first, saved_in_fp16), [first, Fp32], "{saved_in_fp16:?}");
            }
        }
    }

    /// RV-ENG-1702, RV-ENG-1706
    #[test]
    fn a_comparison_and_a_trial_come_to_the_same_and_a_sound_engine_is_kept() {
        let (sound, bad) = (of(&[0.5], &[0.4]), of(&[0.5, 0.5], &[f32::INFINITY, 0.5]));
        for precision in
            [Precision::Model, Precision::Fp16, Precision::Bf16, Precision::Tf32, Precision::Fp32]
        {
            for choices in [TENSORRT_10, RTX] {
                assert_eq!(verdict(&sound, precision, choices), Verdict::Sound);
                assert_eq!(verdict_of_trial(&Tried::Finite, precision, choices), Verdict::Sound);
                let not_run = Tried::NotRun("no GPU".into());
                assert_eq!(verdict_of_trial(&not_run, precision, choices), Verdict::Sound);
                let next = |verdict| match verdict {
                    Verdict::BuildIn(next) => Some(next),
                    Verdict::Useless(_) => None,
                    Verdict::Sound => panic!("it overflows"),
                };
                assert_eq!(
                    next(verdict(&bad, precision, choices)),
                    next(verdict_of_trial(&overflows(), precision, choices))
                );
            }
        }
    }

    /// RV-ENG-1702, RV-ENG-1706
    #[test]
    fn where_no_other_precision_helps_the_error_says_what_does() {
        let compared = verdict(&of(&[0.5, 0.5], &[f32::NAN, 0.5]), Precision::Fp32, TENSORRT_10);
        let run_once = verdict_of_trial(&overflows(), Precision::Model, RTX);
        for (verdict, found) in [(compared, "1 elements of the engine's"), (run_once, "3 of 12 elements")] {
            let Verdict::Useless(error) = verdict else { panic!("{verdict:?}") };
            assert_eq!(error.status(), Status::InferenceFailed);
            let text = error.to_string();
            assert!(text.contains(found) && text.contains("saved in bf16 or fp32"), "{text}");
        }
        let model = of(&[f32::NAN], &[f32::NAN]);
        let Verdict::Useless(error) = verdict(&model, Precision::Fp16, TENSORRT_10) else { panic!() };
        assert!(error.to_string().contains("model's own result"), "{error}");
    }
}
