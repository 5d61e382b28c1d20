//! What is written, and what it is compared with.

mod common;

use std::path::Path;

use common::{conformance, fixtures_with};

/// RV-CONF-1004
#[test]
fn the_report_is_json_and_a_page_that_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let run = conformance(&["report", "pixels", "--out", out]);
    assert_eq!(run.code, Some(0), "{}", run.said);

    let json = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["schema"], &json["since"]), (&2.into(), &"the committed result".into()));
    assert_eq!(json["totals"]["failed"], 0);
    let groups = json["groups"].as_array().unwrap();
    assert_eq!(json["totals"]["groups"], groups.len());
    for group in groups {
        let because = group["tolerance"]["because"].as_str().unwrap();
        assert!(because.len() > 5, "{} says why its tolerance is what it is", group["group"]);
    }

    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for elsewhere in ["http:", "https:", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(elsewhere), "the page has {elsewhere}");
    }
    for source in page.split("src=\"").skip(1) {
        assert!(source.starts_with("data:image/png;base64,"), "{}", &source[..40]);
    }
    let worst = page.split("<h2>The worst frame</h2>").nth(1).unwrap();
    let worst = worst.split("</figure>").next().unwrap();
    assert_eq!(worst.matches("<img ").count(), 3, "expected, found and difference");
}

/// RV-CONF-1009
#[test]
fn the_trend_is_since_the_report_before() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let path = folder.path().join("report.json");
    let report = || {
        assert_eq!(conformance(&["report", "blending", "--out", out]).code, Some(0));
        let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
        let json = std::fs::read_to_string(&path).unwrap();
        (serde_json::from_str::<serde_json::Value>(&json).unwrap(), page)
    };
    let (mut json, _) = report();
    json["groups"][0]["worst"] = 0.5.into();
    json["groups"][1]["group"] = "blending/that-was".into();
    std::fs::write(&path, json.to_string()).unwrap();
    let (json, page) = report();
    assert_eq!(json["since"], "the report before");
    assert!(page.contains("Since the report before") && page.contains("5.00e-1 → <b>"), "{page}");
    let rows = json["trend"].as_array().unwrap();
    assert_eq!(rows[0]["worst"][0], 0.5);
    let gone = rows.iter().find(|row| row["group"] == "blending/that-was").unwrap();
    assert!(gone["cases"][0].is_u64() && gone["cases"][1].is_null(), "{gone}");

    std::fs::write(&path, "no report").unwrap();
    assert_eq!(report().0["since"], "the committed result");
}

/// The fixtures of the repository, with a committed result that `change` has changed.
fn baseline_with(change: impl FnOnce(&mut serde_json::Value)) -> tempfile::TempDir {
    fixtures_with("baseline.json", |text| {
        let mut baseline = serde_json::from_str(&text).unwrap();
        change(&mut baseline);
        baseline.to_string()
    })
}

fn report_on(family: &str, fixtures: &Path) -> common::Run {
    let out = tempfile::tempdir().unwrap();
    let fixtures = fixtures.to_str().unwrap();
    conformance(&["report", family, "--fixtures", fixtures, "--out", out.path().to_str().unwrap()])
}

/// RV-CONF-1005
#[test]
fn a_group_or_a_case_that_went_missing_fails() {
    let fixtures = baseline_with(|baseline| {
        let groups = baseline["groups"].as_array_mut().unwrap();
        let unity = groups.iter_mut().find(|group| group["group"] == "blending/unity").unwrap();
        unity["cases"] = 1_000_000.into();
        let mut gone = unity.clone();
        gone["group"] = "blending/that-was".into();
        groups.push(gone);
    });
    let run = report_on("blending", fixtures.path());
    assert_eq!(run.code, Some(1), "{}", run.said);
    assert!(run.said.contains("MISSING blending/that-was: the group is gone"), "{}", run.said);
    assert!(run.said.contains("MISSING blending/unity: 75 cases"), "{}", run.said);
}

/// RV-CONF-1002
#[test]
fn a_committed_result_of_another_version_or_with_an_unknown_field_is_refused() {
    let newer = baseline_with(|baseline| baseline["schema"] = 2.into());
    let stranger = baseline_with(|baseline| baseline["groups"][0]["worts"] = 0.into());
    for (fixtures, says) in [(newer, "schema 2"), (stranger, "unknown field `worts`")] {
        let run = report_on("pixels", fixtures.path());
        assert_eq!(run.code, Some(2), "{}", run.said);
        assert!(run.said.contains("baseline.json") && run.said.contains(says), "{}", run.said);
    }
}

/// RV-CONF-1002
#[test]
fn a_fixture_with_an_unknown_name_is_refused() {
    for (from, to, says) in [
        ("\"operation\": \"unpack\"", "\"operation\": \"repack\"", "unknown variant `repack`"),
        ("\"yuv422p10le\"", "\"yuv422p11le\"", "RAVE has no pixel format \\\"yuv422p11le\\\""),
        ("\"about\"", "\"abuot\"", "unknown field `abuot`"),
    ] {
        let fixtures = fixtures_with("pixels.json", |text| text.replacen(from, to, 2));
        let run = report_on("pixels", fixtures.path());
        assert_eq!(run.code, Some(2), "{}", run.said);
        assert!(run.said.contains("pixels.json"), "{}", run.said);
        assert!(run.said.contains(&says.replace('\\', "")), "{says}: {}", run.said);
    }
}
