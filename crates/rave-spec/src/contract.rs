//! docs/CONTRACT.md: what RAVE promises, each line with the requirements behind it.

use std::collections::BTreeSet;

use crate::Fault;
use crate::ids::{Id, mentions};
use crate::markdown::{links, prose};

/// Where the contract is.
pub(crate) const FILE: &str = "docs/CONTRACT.md";

/// Adds a fault for each promise without a requirement, each id that is not `defined`, and each link to another
/// requirement than it names.
// RV-SPEC-1007
pub(crate) fn check(text: &str, defined: &BTreeSet<&Id>, faults: &mut Vec<Fault>) {
    let mut promises: Vec<(usize, usize)> = Vec::new();
    for (number, line) in prose(text) {
        if line.starts_with("- ") {
            promises.push((number, 0));
        }
        let named = mentions(line);
        for name in &named {
            if !Id::parse(name).is_some_and(|id| defined.contains(&id)) {
                let found = format!("{name} is defined nowhere");
                faults.push(Fault::new(FILE, number, found, "name a requirement of a SPEC.md"));
            }
        }
        for (_, target) in links(line) {
            let heading = target.rsplit('#').next().unwrap_or_default().to_uppercase();
            if Id::parse(&heading).is_some() && !named.contains(&heading.as_str()) {
                let found = format!("a link to {heading}, which its line does not name");
                faults.push(Fault::new(FILE, number, found, "correct the name or the link"));
            }
        }
        // The lines of a bullet are together.
        if let Some(promise) =
            promises.last_mut().filter(|_| line.starts_with("- ") || line.starts_with("  "))
        {
            promise.1 += named.len();
        }
    }
    for (line, _) in promises.into_iter().filter(|(_, named)| *named == 0) {
        let found = "a promise without a requirement";
        faults.push(Fault::new(FILE, line, found, "link the ids that keep it, or take it out"));
    }
}
