//! Links of specifications and of the contract lead somewhere.

use std::collections::BTreeMap;

use crate::Fault;
use crate::markdown::{anchors, links};
use crate::repository::Repository;

/// Adds a fault for each link in `text`, the content of `file`, that leads nowhere inside the repository. `made` are
/// files as they will be, whatever is on disk.
// RV-SPEC-1006
pub(crate) fn check(
    repository: &Repository,
    made: &BTreeMap<String, String>,
    file: &str,
    text: &str,
    faults: &mut Vec<Fault>,
) {
    for (line, target) in links(text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) =
            target.split_once('#').map_or((&*target, None), |(path, anchor)| (path, Some(anchor)));
        let mut fault = |found: String, help: &str| faults.push(Fault::new(file, line, found, help));
        let Some(to) = resolve(file, path) else {
            fault(
                format!("the link {target} leads out of the repository"),
                "link to a file of ours, or by https://",
            );
            continue;
        };
        let content =
            made.get(&to).cloned().or_else(|| repository.has(&to).then(|| repository.read(&to).ok())?);
        if content.is_none() && !repository.has(&to) && !repository.has_folder(&to) {
            fault(
                format!("the link {target} is dead: there is no {to}"),
                "correct the path, relative to this file",
            );
        } else if let Some(anchor) = anchor
            && !content.is_some_and(|content| anchors(&content).iter().any(|have| have == anchor))
        {
            fault(format!("the link {target} is dead: {to} has no heading #{anchor}"), "correct the anchor");
        }
    }
}

/// The path, relative to the root, that `path` in `file` means; `None` outside of the root.
fn resolve(file: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(file.into());
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            // An absolute path, or a slip.
            "" => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn paths_are_relative_to_the_file_and_stay_inside() {
        let from = |path| resolve("crates/a/SPEC.md", path);
        assert_eq!(from("").as_deref(), Some("crates/a/SPEC.md"));
        assert_eq!(from("src/lib.rs").as_deref(), Some("crates/a/src/lib.rs"));
        assert_eq!(from("../../docs/").as_deref(), Some("docs"));
        assert_eq!(from("../..").as_deref(), Some(""));
        assert_eq!(from("../../../etc"), None);
        assert_eq!(from("/etc"), None);
    }
}
