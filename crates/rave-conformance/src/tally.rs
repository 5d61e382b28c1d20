//! What the cases of a group come to.

use rave_core::Error;
use serde::Serialize;

use crate::fixture::Tolerance;
use crate::image::Sight;

/// Failures that are kept and printed in words for each group; one is enough to go on, more show a pattern.
const KEPT_FAILURES: usize = 8;

/// The largest difference among samples, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) samples: u64,
    pub(crate) differing: u64,
    pub(crate) worst: f64,
    pub(crate) place: Option<String>,
}

impl Comparison {
    /// Counts a sample that is `difference` off; `place` says which it is, what it is, and what was expected.
    pub(crate) fn note(&mut self, difference: f64, place: impl FnOnce() -> String) {
        self.samples += 1;
        // A difference that is no number is larger than any that is.
        let difference = if difference.is_nan() { f64::INFINITY } else { difference };
        if difference > 0.0 {
            self.differing += 1;
            if difference > self.worst {
                self.worst = difference;
                self.place = Some(place());
            }
        }
    }
}

/// A group of cases, as the report has it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GroupReport {
    /// `FAMILY/GROUP`.
    pub(crate) group: String,
    /// What is asked, for people.
    pub(crate) about: String,
    /// What it was held against.
    pub(crate) oracle: String,
    /// What was checked.
    pub(crate) subject: String,
    pub(crate) tolerance: Tolerance,
    pub(crate) cases: u64,
    pub(crate) samples: u64,
    pub(crate) differing: u64,
    pub(crate) worst: f64,
    /// Case and sample of the largest difference.
    pub(crate) worst_at: Option<String>,
    /// Cases of formats that the subject does not have.
    pub(crate) left_out: u64,
    pub(crate) failed: u64,
    /// The first failures, in words.
    pub(crate) failures: Vec<String>,
    /// Why the group, or a part of it, did not run.
    pub(crate) skipped: Option<String>,
    #[serde(skip)]
    pub(crate) sight: Option<Sight>,
}

impl GroupReport {
    pub(crate) fn new(
        group: String,
        about: &str,
        oracle: String,
        subject: String,
        tolerance: &Tolerance,
    ) -> Self {
        GroupReport {
            group,
            about: about.into(),
            oracle,
            subject,
            tolerance: tolerance.clone(),
            cases: 0,
            samples: 0,
            differing: 0,
            worst: 0.0,
            worst_at: None,
            left_out: 0,
            failed: 0,
            failures: Vec::new(),
            skipped: None,
            sight: None,
        }
    }

    /// The part of the samples that differ at all.
    pub(crate) fn share(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { self.differing as f64 / self.samples as f64 }
    }

    /// Counts a case; `sight` shows it, where it is the worst so far.
    // RV-CONF-1003
    pub(crate) fn case(&mut self, id: &str, comparison: Comparison, sight: impl FnOnce() -> Option<Sight>) {
        self.cases += 1;
        self.samples += comparison.samples;
        self.differing += comparison.differing;
        let place = comparison.place.unwrap_or_default();
        if comparison.worst > self.tolerance.worst {
            let (worst, allowed) = (comparison.worst, self.tolerance.worst);
            let unit = self.tolerance.unit.name();
            self.fail(format!("{id}: {place}: {worst:.3e} {unit}, at most {allowed:.3e} is allowed"));
        } else if comparison.samples == 0 {
            self.fail(format!("{id}: nothing was compared"));
        }
        if comparison.worst > self.worst || self.sight.is_none() {
            self.sight = sight().map(|sight| sight.of(id)).or(self.sight.take());
        }
        if comparison.worst > self.worst {
            self.worst = comparison.worst;
            self.worst_at = Some(format!("{id}: {place}"));
        }
    }

    /// Counts a case that could not be compared.
    pub(crate) fn broken(&mut self, id: &str, error: &Error) {
        self.cases += 1;
        self.fail(format!("{id}: {error}"));
    }

    /// Ends the group: what holds of all its cases together.
    pub(crate) fn finished(mut self) -> Self {
        if self.share() > self.tolerance.share {
            let (share, allowed) = (self.share(), self.tolerance.share);
            let group = self.group.clone();
            self.fail(format!(
                "{group}: {share:.3e} of the samples differ, at most {allowed:.3e} is allowed"
            ));
        }
        if self.cases + self.left_out == 0 && self.skipped.is_none() {
            let group = self.group.clone();
            self.fail(format!("{group}: there is no case"));
        }
        self
    }

    fn fail(&mut self, failure: String) {
        self.failed += 1;
        if self.failures.len() < KEPT_FAILURES {
            self.failures.push(failure);
        }
    }
}
