//! Where sources name requirements: in code, or in tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::Fault;
use crate::ids::{Id, mentions};
use crate::items::{self, Item};
use crate::repository::Repository;

/// A file and the item in it that names a requirement. Without line numbers, so that a change elsewhere in the file
/// changes nothing here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) item: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.item {
            Some(item) => write!(f, "{} {item}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// What one requirement leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) code: BTreeSet<Place>,
    /// What runs anywhere.
    pub(crate) tests: BTreeSet<Place>,
    /// What runs where there is a GPU.
    pub(crate) gpu_tests: BTreeSet<Place>,
}

pub(crate) type Traces = BTreeMap<Id, Trace>;

/// Reads every source of the repository; ids that are not `defined` are faults.
pub(crate) fn traces(repository: &Repository, defined: &BTreeSet<&Id>, faults: &mut Vec<Fault>) -> Traces {
    let mut traces = Traces::new();
    for file in repository.files().filter(|file| items::is_source(file)) {
        let read =
            repository.read(file).and_then(|text| trace_file(file, &text, defined, &mut traces, faults));
        faults.extend(read.err());
    }
    traces
}

fn trace_file(
    file: &str,
    text: &str,
    defined: &BTreeSet<&Id>,
    traces: &mut Traces,
    faults: &mut Vec<Fault>,
) -> Result<(), Fault> {
    let named: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .flat_map(|(index, line)| mentions(line).into_iter().map(move |name| (index + 1, name)))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let items = items::items(file, text)?;
    for (line, name) in named {
        // RV-SPEC-1003
        let Some(id) = Id::parse(name).filter(|id| defined.contains(id)) else {
            let help = "define it in the SPEC.md that it belongs to, or correct it";
            faults.push(Fault::new(file, line, format!("{name} is defined nowhere"), help));
            continue;
        };
        let item = innermost(&items, line);
        let place = Place { file: file.into(), item: item.map(|item| item.name.clone()) };
        let trace = traces.entry(id).or_default();
        if item.is_some_and(|item| item.test) {
            trace.tests.insert(place);
        } else if items::is_gpu_test(file) {
            trace.gpu_tests.insert(place);
        } else if items::is_test_program(file) {
            trace.tests.insert(place);
        } else if items::is_in_tests(file) || item.is_some_and(Item::is_in_tests) {
            // RV-SPEC-1004
            let found = format!("{name} stands among tests, and in none of them");
            faults.push(Fault::new(file, line, found, "name it in the test that proves it"));
        } else {
            trace.code.insert(place);
        }
    }
    Ok(())
}

/// The test that holds `line`, or else the shortest item that does.
fn innermost(items: &[Item], line: usize) -> Option<&Item> {
    let holding = || items.iter().filter(|item| item.lines.contains(&line));
    holding()
        .find(|item| item.test)
        .or_else(|| holding().min_by_key(|item| item.lines.end() - item.lines.start()))
}
