//! What a run found: JSON, one page of HTML, and how it stands to the run before.

use std::path::Path;

use rave_core::{Error, Result};
use serde::Serialize;

use crate::tally::GroupReport;

mod baseline;
mod html;
mod meta;

pub(crate) use baseline::{Since, Trend, parses as readable_baseline};

/// The version of the JSON that is written.
const SCHEMA: u64 = 2;

/// The result of every group.
#[derive(Debug, Default)]
pub struct Report {
    groups: Vec<GroupReport>,
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u64,
    tool: &'static str,
    meta: meta::Meta,
    totals: Totals,
    since: Since,
    trend: &'a [Trend],
    groups: &'a [GroupReport],
}

#[derive(Serialize)]
struct Totals {
    groups: usize,
    cases: u64,
    samples: u64,
    failed: u64,
    skipped: usize,
}

impl Report {
    /// Takes a group's result; a line that says it.
    pub(crate) fn add(&mut self, group: GroupReport) -> String {
        let result = match (&group.skipped, group.failed) {
            (_, 1..) => "FAILED",
            (Some(_), _) if group.cases == 0 => "skipped",
            _ => "ok",
        };
        let mut line = format!("{result:8}{:36}", group.group);
        if group.cases > 0 {
            let unit = group.tolerance.unit.name();
            line += &format!(
                "{:6} cases {:9} samples, {:.1e} differ, worst {:.1e} of {:e} {unit}",
                group.cases,
                group.samples,
                group.share(),
                group.worst,
                group.tolerance.worst
            );
        }
        if group.left_out > 0 {
            line += &format!("; {} cases of other formats left out", group.left_out);
        }
        // RV-CONF-1006
        if let Some(why) = &group.skipped {
            line += &format!("\n        skipped: {why}");
        }
        for failure in &group.failures {
            line += &format!("\n        {failure}");
        }
        self.groups.push(group);
        line
    }

    /// How many cases failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.groups.iter().map(|group| group.failed).sum()
    }

    /// How many groups did not run, or not all of them.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.groups.iter().filter(|group| group.skipped.is_some()).count()
    }

    /// One line for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let Totals { groups, cases, samples, failed, skipped } = self.totals();
        format!(
            "{cases} cases in {groups} groups, {samples} samples: {failed} failed; {skipped} groups skipped"
        )
    }

    fn totals(&self) -> Totals {
        Totals {
            groups: self.groups.len(),
            cases: self.groups.iter().map(|group| group.cases).sum(),
            samples: self.groups.iter().map(|group| group.samples).sum(),
            failed: self.failed(),
            skipped: self.skipped(),
        }
    }

    /// Reads the committed result at `path`, to know before a run that it is one.
    ///
    /// # Errors
    /// When the file cannot be read, or is none.
    pub fn check_baseline(path: &Path) -> Result<()> {
        baseline::readable(path)
    }

    /// Compares with the committed result at `path`; what went missing since, in words: of `families`, if some were asked for,
    /// or of all.
    ///
    /// # Errors
    /// When the file cannot be read, or is none.
    pub fn missing_since(&self, families: &[String], path: &Path) -> Result<Vec<String>> {
        baseline::missing(&self.groups, families, path)
    }

    /// Writes the result that later runs are compared with.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_baseline(&self, path: &Path) -> Result<()> {
        baseline::write(&self.groups, path)
    }

    /// Writes `report.json` and `report.html` into `folder`; the trend is that since the report that is there, or else since
    /// `baseline`, where there is one.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    // RV-CONF-1004, RV-CONF-1009
    pub fn write(&self, folder: &Path, baseline: &Path) -> Result<()> {
        let (since, trend) = baseline::trend(&self.groups, &folder.join("report.json"), baseline)?;
        let meta = meta::Meta::of_this_run();
        let page = html::page(&self.groups, &self.summary(), (since, &trend), &meta);
        let json = Json {
            schema: SCHEMA,
            tool: "rave-conformance",
            meta,
            totals: self.totals(),
            since,
            trend: &trend,
            groups: &self.groups,
        };
        let text = pretty(&json);
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
        for (name, content) in [("report.json", text), ("report.html", page)] {
            let path = folder.join(name);
            std::fs::write(&path, content).map_err(|error| Error::io(&path, &error))?;
        }
        Ok(())
    }
}

/// JSON as it is written: two spaces, a line for each value.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("numbers and strings become JSON");
    text + "\n"
}
