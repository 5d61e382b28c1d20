//! docs/FAULTS.md names tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rave_tests::root;

/// Names of the functions that are tests in the Rust sources below `folder`.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" {
            tests_below(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("#[test]").skip(1) {
                let function = rest.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
                found.extend(function.map(str::to_owned));
            }
        }
    }
}

/// RV-TEST-1402
#[test]
fn every_fault_has_tests_that_exist() {
    let mut known = BTreeSet::new();
    for folder in ["crates", "fuzz", "rave-ffi", "tests"] {
        tests_below(&root().join(folder), &mut known);
    }
    let text = fs::read_to_string(root().join("docs/FAULTS.md")).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| #"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), 37);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!((row.len(), row[0].parse()), (4, Ok(index + 1)), "{row:?}");
        let named: Vec<&str> = row[3].split(", ").map(|name| name.trim_matches('`')).collect();
        let (on_a_gpu, anywhere): (Vec<&str>, Vec<&str>) =
            named.into_iter().partition(|name| name.ends_with(".py"));
        assert!(!anywhere.is_empty(), "fault {} has no test without a GPU", row[0]);
        for name in anywhere {
            assert!(known.contains(name), "fault {}: there is no test {name}", row[0]);
        }
        for name in on_a_gpu {
            assert!(root().join("tests/gpu/run").join(name).is_file(), "fault {}: {name}", row[0]);
        }
    }
}
