//! Cases that are numbered apart from those of the pixel kernels, so that adding some changes no other's number.

use rave_core::Result;

use super::options::Options;
use super::report::Report;
use super::{KEPT_FAILURES, Random};

/// A suite's name, and the number of its first case, with room for a million.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) first: u64,
}

impl Suite {
    /// Runs `cases` cases, or the one that was asked for; what differs is a failure. `compare` is given a case's number
    /// within the suite and its generator.
    pub(crate) fn run(
        self,
        options: &Options,
        report: &mut Report,
        cases: u64,
        compare: impl Fn(u64, Random) -> Result<Option<String>>,
    ) -> Result<()> {
        let (mut run, mut failures) = (0, Vec::new());
        let Suite { name, first } = self;
        if options.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            return Ok(());
        }
        for index in (first..first + cases).filter(|index| options.case.is_none_or(|case| case == *index)) {
            let label = format!("{name}, --seed {} case {index}", options.seed);
            run += 1;
            let difference = compare(index - first, Random::of(options.seed, index))
                .map_err(|error| error.context(label.clone()))?;
            if let Some(difference) = difference {
                let failure = format!("{label}: {difference}");
                if failures.len() < KEPT_FAILURES {
                    println!("FAILED {failure}");
                }
                failures.push(failure);
            }
        }
        if run > 0 {
            println!("{name}: {run} cases, {} failures", failures.len());
            failures.truncate(KEPT_FAILURES);
            report.checks.push((name.into(), run, failures));
        }
        Ok(())
    }
}
