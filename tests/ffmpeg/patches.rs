//! The patch series carry one filter source.

use std::process::Command;

use rave_tests::ffmpeg::{VERSIONS, builds};
use rave_tests::root;

/// The contents of a file that a patch adds.
fn added_file(patch: &str, path: &str) -> Option<String> {
    let section = patch.split("diff --git ").find(|section| section.contains(&format!("+++ b/{path}\n")))?;
    let body = section.split_once("\n@@ ")?.1;
    let lines = body
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with("-- "))
        .filter_map(|line| line.strip_prefix('+'));
    Some(lines.map(|line| format!("{line}\n")).collect())
}

/// RV-FILT-1201
#[test]
fn every_series_adds_the_same_vf_rave_c() {
    let source = std::fs::read_to_string(root().join("ffmpeg-patch/vf_rave.c")).unwrap();
    for version in VERSIONS {
        let folder = root().join("ffmpeg-patch").join(version);
        let patches: String = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        let added = added_file(&patches, "libavfilter/vf_rave.c");
        assert!(
            added.as_deref() == Some(source.as_str()),
            "the series for {version} carries ffmpeg-patch/vf_rave.c"
        );
        for file in
            ["configure", "libavfilter/Makefile", "libavfilter/allfilters.c", "doc/filters.texi", "Changelog"]
        {
            assert!(patches.contains(&format!("+++ b/{file}\n")), "{version}: {file} is patched");
        }
    }
}

/// RV-FILT-1201, RV-SCR-1005
#[test]
fn the_series_are_what_the_script_makes() {
    let sources = rave_tests::build_dir().join("deps");
    let missing = ["9.0.2", "8.1.2", "7.1.5"]
        .into_iter()
        .any(|release| !sources.join(format!("ffmpeg-{release}.tar.xz")).is_file());
    if missing && builds().len() < VERSIONS.len() {
        eprintln!(
            "skipped: the sources of some FFmpeg versions were not fetched (scripts/build-ffmpeg.sh VERSION)"
        );
        return;
    }
    let output =
        Command::new("bash").arg(root().join("scripts/make-patches.sh")).arg("--check").output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
