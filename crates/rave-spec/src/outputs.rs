//! What is made of the specifications and their traces: docs/requirements/*.yaml and docs/COMPLIANCE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::markdown::without_links;
use crate::specification::{Level, Specification};
use crate::trace::{Place, Trace, Traces};

/// Where the requirements of each specification are, for programs.
pub(crate) const FOLDER: &str = "docs/requirements";
const COMPLIANCE: &str = "docs/COMPLIANCE.md";

/// Every output by its path, relative to the repository's root.
// RV-SPEC-1001
pub(crate) fn outputs(specifications: &[Specification], traces: &Traces) -> BTreeMap<String, String> {
    let yamls = specifications.iter().map(|specification| {
        (format!("{FOLDER}/{}.yaml", specification.name()), yaml(specification, traces))
    });
    yamls.chain([(COMPLIANCE.to_string(), compliance(specifications, traces))]).collect()
}

fn yaml(specification: &Specification, traces: &Traces) -> String {
    let mut text = format!(
        "# Made by `cargo run -p rave-spec`; change {0} and the ids in sources instead.\nspecification: {1}\n\
         requirements:\n",
        specification.file,
        quoted(&specification.file)
    );
    let none = Trace::default();
    for (id, requirement) in &specification.requirements {
        let trace = traces.get(id).unwrap_or(&none);
        let _ = writeln!(text, "  - id: {}", quoted(id.as_str()));
        let _ = writeln!(text, "    level: {}", quoted(requirement.level.word()));
        let _ = writeln!(text, "    text: {}", quoted(&without_links(&requirement.text)));
        list(&mut text, "code", &trace.code);
        list(&mut text, "tests", &trace.tests);
        list(&mut text, "gpu_tests", &trace.gpu_tests);
    }
    text
}

fn list(text: &mut String, name: &str, places: &BTreeSet<Place>) {
    if places.is_empty() {
        let _ = writeln!(text, "    {name}: []");
        return;
    }
    let _ = writeln!(text, "    {name}:");
    for place in places {
        let _ = writeln!(text, "      - {}", quoted(&place.to_string()));
    }
}

/// A double-quoted scalar of YAML 1.2, section 7.3.1. Texts come from single lines, so only a tab is to be escaped
/// beside the quote and the backslash.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t"))
}

fn compliance(specifications: &[Specification], traces: &Traces) -> String {
    let mut text = "# Compliance\n\nEvery requirement, the code that enforces it and the tests that prove it. \
                    Made by `cargo run -p rave-spec`\nfrom the SPEC.md files and the ids in sources; change those \
                    instead. A test on a\nGPU runs on a machine that has one, and not in CI.\n\n\
                    | specification | MUST | SHOULD | MAY | with a test | on a GPU |\n|---|---|---|---|---|---|\n"
        .to_string();
    let none = Trace::default();
    let trace = |id| traces.get(id).unwrap_or(&none);
    for specification in specifications {
        let all = &specification.requirements;
        let count = |level| all.values().filter(|requirement| requirement.level == level).count();
        let [must, should, may] = Level::ALL.map(count);
        let with_test = all.keys().filter(|id| !trace(id).tests.is_empty()).count();
        let on_a_gpu = all.keys().filter(|id| !trace(id).gpu_tests.is_empty()).count();
        let (name, file, of) = (specification.name(), &specification.file, all.len());
        let _ = writeln!(
            text,
            "| [{name}](../{file}) | {must} | {should} | {may} | {with_test} of {of} | {on_a_gpu} |"
        );
    }
    for specification in specifications {
        let _ = writeln!(text, "\n## {}", specification.name());
        for (id, requirement) in &specification.requirements {
            let trace = trace(id);
            let (level, said) = (requirement.level.word(), without_links(&requirement.text));
            let _ = writeln!(text, "\n### {}\n\n{level}: {said}\n", id.as_str());
            for place in &trace.code {
                let _ = writeln!(text, "- code: {}", linked(place));
            }
            for place in &trace.tests {
                let _ = writeln!(text, "- test: {}", linked(place));
            }
            for place in &trace.gpu_tests {
                let _ = writeln!(text, "- test on a GPU: {}", linked(place));
            }
            if trace.tests.is_empty() && trace.gpu_tests.is_empty() {
                text.push_str("- no test\n");
            }
        }
    }
    text
}

/// A place as a link from docs/.
fn linked(Place { file, item }: &Place) -> String {
    let link = format!("[{file}](../{file})");
    item.as_ref().map_or_else(|| link.clone(), |item| format!("{link} `{item}`"))
}
