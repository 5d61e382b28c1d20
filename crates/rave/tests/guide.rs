//! The guide has a page for each use. Its examples are tests of their own (`cargo test --doc -p rave`).

use std::fs;
use std::path::Path;

/// RV-RAVE-1005
#[test]
fn every_page_of_the_guide_is_listed_and_has_examples_that_run_or_say_why_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
    let index = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let mut pages = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "mod" {
            continue;
        }
        pages += 1;
        assert!(index.contains(&format!("//! | [`{name}`] |")), "{name} is in the table");
        assert!(index.contains(&format!("pub mod {name};")), "{name} is a module");
        let text = fs::read_to_string(&path).unwrap();
        let examples = |fence: &str| text.lines().filter(|line| *line == format!("//! {fence}")).count();
        let not_run = examples("```no_run");
        // Every other bare fence is the end of an example.
        let run = (examples("```") - not_run) / 2;
        assert!(run > 0, "{name} has an example that runs");
        assert_eq!(not_run > 0, text.contains("need a GPU") || text.contains("needs a GPU"), "{name}");
        for fence in text.lines().filter(|line| line.starts_with("//! ```")) {
            assert!(["//! ```", "//! ```no_run"].contains(&fence), "{name}: {fence}");
        }
    }
    assert_eq!(pages, 8);
}
