//! The committed result that runs are compared with.
//!
//! It gates what is checked, not how well: tolerances do that. A case or a group that is not run any more fails, so that
//! nothing goes missing in silence; a difference that grew within its tolerance is shown.

use std::path::Path;

use rave_core::{Error, Result, Status};
use serde::{Deserialize, Serialize};

use crate::fixture::{parse_json, read_json};
use crate::tally::GroupReport;

const SCHEMA: u64 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    schema: u64,
    groups: Vec<Entry>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    group: String,
    cases: u64,
    samples: u64,
    worst: f64,
    differing: u64,
}

impl Entry {
    fn of(group: &GroupReport) -> Self {
        Entry {
            group: group.group.clone(),
            cases: group.cases,
            samples: group.samples,
            worst: group.worst,
            differing: group.differing,
        }
    }
}

/// A group now and before.
#[derive(Debug, Serialize)]
pub(crate) struct Trend {
    pub(crate) group: String,
    pub(crate) cases: [Option<u64>; 2],
    pub(crate) worst: [Option<f64>; 2],
    pub(crate) differing: [Option<u64>; 2],
}

fn read(path: &Path) -> Result<Vec<Entry>> {
    Ok(read_json::<Baseline>(path, SCHEMA)?.groups)
}

/// A report that an earlier run has written, as far as its groups are compared.
#[derive(Deserialize)]
struct Earlier {
    schema: u64,
    groups: Vec<EarlierGroup>,
}

#[derive(Deserialize)]
struct EarlierGroup {
    group: String,
    cases: u64,
    samples: u64,
    worst: f64,
    differing: u64,
}

/// What the run before found, whose report is at `path`; `None` where there is none of this version.
// RV-CONF-1009
fn previous(path: &Path) -> Option<Vec<Entry>> {
    let earlier: Earlier = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let entry = |EarlierGroup { group, cases, samples, worst, differing }| Entry {
        group,
        cases,
        samples,
        worst,
        differing,
    };
    (earlier.schema == super::SCHEMA).then(|| earlier.groups.into_iter().map(entry).collect())
}

pub(super) fn write(groups: &[GroupReport], path: &Path) -> Result<()> {
    let baseline = Baseline { schema: SCHEMA, groups: groups.iter().map(Entry::of).collect() };
    std::fs::write(path, super::pretty(&baseline)).map_err(|error| Error::io(path, &error))
}

/// What a trend is since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Since {
    /// The run before, whose report was where this one's goes.
    #[serde(rename = "the report before")]
    Report,
    /// The committed result, where there is no report of a run before.
    #[serde(rename = "the committed result")]
    Committed,
}

/// Every group of either run, before and now, and what before is: the run whose report is at `report`, or else the committed
/// result at `path`.
pub(super) fn trend(groups: &[GroupReport], report: &Path, path: &Path) -> Result<(Since, Vec<Trend>)> {
    let (since, before) = match previous(report) {
        Some(entries) => (Since::Report, entries),
        None => match read(path) {
            Err(error) if error.status() == Status::FileNotFound => (Since::Committed, Vec::new()),
            entries => (Since::Committed, entries?),
        },
    };
    let now: Vec<Entry> = groups.iter().map(Entry::of).collect();
    let lost = before.iter().filter(|entry| now.iter().all(|other| other.group != entry.group));
    let rows = now.iter().chain(lost).map(|entry| {
        let find = |entries: &[Entry]| entries.iter().find(|other| other.group == entry.group).cloned();
        let pair = [find(&before), find(&now)];
        Trend {
            group: entry.group.clone(),
            cases: [0, 1].map(|at| pair[at].as_ref().map(|entry| entry.cases)),
            worst: [0, 1].map(|at| pair[at].as_ref().map(|entry| entry.worst)),
            differing: [0, 1].map(|at| pair[at].as_ref().map(|entry| entry.differing)),
        }
    });
    Ok((since, rows.collect()))
}

/// What the committed result has and `groups` have not, but for groups that say why. Where only `families` were asked for,
/// theirs alone.
// RV-CONF-1005
pub(super) fn missing(groups: &[GroupReport], families: &[String], path: &Path) -> Result<Vec<String>> {
    fn family(group: &str) -> &str {
        group.split('/').next().unwrap_or(group)
    }
    let before = read(path)?;
    let ran =
        |entry: &&Entry| families.is_empty() || families.iter().any(|name| name == family(&entry.group));
    let gone = before.iter().filter(ran).filter_map(|entry| {
        match groups.iter().find(|group| group.group == entry.group) {
            None => Some(format!("{}: the group is gone; it had {} cases", entry.group, entry.cases)),
            Some(group) if group.skipped.is_some() => None,
            // On a GPU.
            Some(group) if group.left_out > 0 && group.cases + group.left_out == entry.cases => None,
            Some(group) if (group.cases, group.samples) < (entry.cases, entry.samples) => Some(format!(
                "{}: {} cases of {} samples, there were {} of {}",
                entry.group, group.cases, group.samples, entry.cases, entry.samples
            )),
            Some(_) => None,
        }
    });
    let new = groups
        .iter()
        .filter(|group| before.iter().all(|entry| entry.group != group.group))
        .map(|group| format!("{}: the group is new, and not in the committed result", group.group));
    Ok(gone.chain(new).collect())
}

/// Whether `text`, of the file at `path`, is one.
pub(crate) fn parses(text: &str, path: &Path) -> Result<()> {
    parse_json::<Baseline>(text, path, SCHEMA).map(drop)
}

/// Whether the file is one, before anything is run.
pub(super) fn readable(path: &Path) -> Result<()> {
    read(path).map(drop)
}
