//! What `scripts/test.sh` does not let pass: each kind of damage is done to a copy of this repository, or to what is checked,
//! and the gate that the script runs must say so.
//!
//! | what was changed | the gate, and the test that plants it |
//! |---|---|
//! | an id of a requirement | rave-spec: below |
//! | a byte of a ledger | rave-ledger: `one_changed_bit_anywhere_fails`; the command: `a_whole_ledger_is_right_and_one_that_was_changed_is_named_by_its_line` |
//! | a bit of golden data | the scrub: `a_flipped_bit_in_a_golden_file_is_told_with_file_and_symbol` |
//! | the last bit of a sample that a kernel gives | conformance: `one_least_significant_bit_fails_the_check_which_names_family_case_and_sample`; golden hashes: `a_frame_with_one_other_bit_has_not_the_golden_hash` |

use std::fs;
use std::path::Path;
use std::process::Command;

use rave_tests::command::{stdout_of, succeed};
use rave_tests::root;
use tempfile::TempDir;

/// The tests of the table above.
const PLANTED: [&str; 5] = [
    "one_changed_bit_anywhere_fails",
    "a_whole_ledger_is_right_and_one_that_was_changed_is_named_by_its_line",
    "a_flipped_bit_in_a_golden_file_is_told_with_file_and_symbol",
    "one_least_significant_bit_fails_the_check_which_names_family_case_and_sample",
    "a_frame_with_one_other_bit_has_not_the_golden_hash",
];

/// What git tracks, or would track.
fn tracked() -> Vec<String> {
    let listed = stdout_of(Command::new("git").current_dir(root()).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]));
    let names = listed.split('\0').filter(|name| !name.is_empty() && root().join(name).is_file());
    names.map(str::to_owned).collect()
}

/// A copy of the repository as it is, as a repository.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in tracked() {
        let to = folder.path().join(&name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(&name), to).unwrap();
    }
    succeed(Command::new("git").args(["init", "--quiet"]).arg(folder.path()));
    folder
}

/// Puts `to` in the place of the first `from` of a file.
fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has {from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// RV-TEST-1401
#[test]
fn the_script_runs_every_gate_in_its_short_form_too() {
    let script = fs::read_to_string(root().join("scripts/test.sh")).unwrap();
    for gate in [
        "\ncargo run --quiet --locked -p rave-spec\n",
        "\nif ! git --no-pager diff --exit-code -- \"${traced[@]}\"",
        "\ncargo run --quiet --locked -p rave-conformance -- scrub\n",
        "\ncargo run --quiet --locked -p rave-conformance -- report --no-skips ",
        "cargo nextest run --workspace --locked",
        "cargo test --workspace --locked",
    ] {
        assert!(script.contains(gate), "scripts/test.sh has lost: {gate}");
    }
    assert!(script.contains("lib/common.sh") && !script.contains("set +e"), "it stops at the first failure");
    let sources: Vec<String> = tracked()
        .into_iter()
        .filter(|name| name.ends_with(".rs"))
        .map(|name| fs::read_to_string(root().join(name)).unwrap())
        .collect();
    for test in PLANTED {
        assert!(sources.iter().any(|text| text.contains(&format!("fn {test}()"))), "the test {test} is gone");
    }
}

/// RV-TEST-1401
#[test]
fn a_broken_id_anywhere_in_this_repository_is_a_fault() {
    let whole = copy();
    let outputs = rave_spec::trace(whole.path()).unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert_eq!(outputs.differences().unwrap(), Vec::<String>::new(), "docs/requirements is up to date");

    // An id that only exists in the place where it is used: in a test, in code, and in the contract. The digits are put
    // together here, so that this file mentions no such id.
    let unknown = format!("RV-CORE-{}", 1999);
    for (file, id) in [
        ("crates/rave-core/tests/pixels_against_f64.rs", "RV-CORE-1001"),
        ("crates/rave-core/src/geometry.rs", "RV-CORE-1106"),
        ("docs/CONTRACT.md", "RV-CORE-1001"),
    ] {
        let folder = copy();
        change(folder.path(), file, id, &unknown);
        let faults = rave_spec::trace(folder.path()).expect_err("an unknown id");
        let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(told.contains(&unknown) && told.contains(file), "{file}: {told}");
    }

    // The definition: nothing has the id any more that code and tests name.
    let folder = copy();
    change(folder.path(), "crates/rave-core/SPEC.md", "RV-CORE-1001", &unknown);
    let faults = rave_spec::trace(folder.path()).expect_err("an id without a definition");
    assert!(faults.iter().any(|fault| fault.to_string().contains("RV-CORE-1001")), "{}", faults[0]);

    // Text that changed without its table.
    let folder = copy();
    change(
        folder.path(),
        "crates/rave-core/SPEC.md",
        "**RV-CORE-1001** Unpacking",
        "**RV-CORE-1001** Reading",
    );
    let outputs = rave_spec::trace(folder.path()).unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert!(outputs.differences().unwrap().iter().any(|file| file == "docs/COMPLIANCE.md"));
}
