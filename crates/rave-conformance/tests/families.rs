//! Every family passes, and fails where what it holds is changed.

mod common;

use common::{conformance, fixtures_with, require};

/// RV-CONF-1101, RV-CONF-1102, RV-CONF-1103, RV-CONF-1104, RV-CONF-1105, RV-CONF-1106
#[test]
fn every_family_holds() {
    let families = ["inference", "tiling", "blending", "pipeline", "abi", "faults"];
    let run = conformance(&[&["check"], &families[..]].concat());
    assert_eq!(run.code, Some(0), "{}", run.said);
    for family in families {
        assert!(run.said.contains(&format!("{family}/")), "{family}: {}", run.said);
    }
    require("an oracle of a family", !run.said.contains("skipped: "));
}

/// Runs `family` with `change`d fixtures; it must fail and say all of `says`, or be skipped where its oracle is not.
fn fails(family: &str, (from, to): (&str, &str), says: &[&str]) {
    let fixtures = fixtures_with(&format!("{family}.json"), |text| {
        assert!(text.contains(from), "{family}.json has {from}");
        text.replacen(from, to, 1)
    });
    let run = conformance(&["check", family, "--fixtures", fixtures.path().to_str().unwrap()]);
    if require("an oracle of a family", !run.said.contains("skipped: ")) {
        assert_eq!(run.code, Some(1), "{}", run.said);
        for says in says {
            assert!(run.said.contains(says), "{says}: {}", run.said);
        }
    }
}

/// RV-CONF-1101
#[test]
fn another_model_is_noticed() {
    let copies = r#""models": ["golden/identity-1x", "golden/replicate-2x"],"#;
    let other = r#""models": ["golden/identity-1x"], "oracle_model": "golden/replicate-2x","#;
    fails("inference", (copies, other), &["FAILED  inference/copies", "19x13, not 38x26"]);
}

/// RV-CONF-1102
#[test]
fn tiles_of_another_model_are_noticed() {
    let oracle = r#""oracle_model": "golden/dyadic-2x""#;
    let other = r#""oracle_model": "golden/replicate-2x""#;
    fails("tiling", (oracle, other), &["FAILED  tiling/fixed-size", "made whole"]);
}

/// RV-CONF-1103
#[test]
fn weights_that_differ_by_the_last_bit_are_noticed() {
    fails("blending", ("\"worst\": 1.5e-7", "\"worst\": 1e-8"), &["FAILED  blending/definition"]);
}

/// RV-CONF-1104
#[test]
fn a_pixel_that_changes_is_noticed() {
    let (identity, other) = ("\"model\": \"golden/identity-1x\"", "\"model\": \"golden/dyadic-2x\"");
    fails("pipeline", (identity, other), &["FAILED  pipeline/identity", "70x54 yuv420p, not 35x27"]);
}

/// RV-CONF-1105
#[test]
fn a_number_and_a_function_that_are_not_as_promised_are_noticed() {
    let busy = ("\"RAVE_ERROR_BUSY\": 14", "\"RAVE_ERROR_BUSY\": 15");
    fails("abi", busy, &["abi/statuses/RAVE_ERROR_BUSY: it is 14, not 15"]);
    let stride = ("\"RaveFrame.width\": 12", "\"RaveFrame.width\": 16");
    fails("abi", stride, &["abi/fields/RaveFrame.width: it is 12, not 16"]);
    let version = ("\"rave_version\"", "\"rave_that_was\"");
    fails("abi", version, &["abi/functions/rave_that_was: it is not there"]);
}

/// RV-CONF-1106
#[test]
fn another_answer_to_a_fault_is_noticed() {
    let status = (r#""status": "UNTRUSTED""#, r#""status": "IO""#);
    fails("faults", status, &["faults/library/external-data", "the status is UNTRUSTED, not IO"]);
}
