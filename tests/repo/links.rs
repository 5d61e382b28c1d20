//! Links in documents lead somewhere, and nothing that must stay out has come in.

use std::path::Path;

use rave_spec::markdown::{anchors, links};
use rave_tests::{repository_files, root};

/// RV-TEST-1003
#[test]
fn every_relative_link_and_anchor_exists() {
    let mut broken = Vec::new();
    let mut checked = 0;
    for file in repository_files().into_iter().filter(|file| file.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        for (_, target) in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (path, anchor) =
                target.split_once('#').map_or((target.as_str(), None), |(p, a)| (p, Some(a)));
            let folder = file.parent().unwrap_or(Path::new(""));
            let to = if path.is_empty() { root().join(&file) } else { root().join(folder).join(path) };
            let anchored = |anchor: &str| {
                std::fs::read_to_string(&to)
                    .is_ok_and(|text| anchors(&text).iter().any(|have| have == anchor))
            };
            if !to.exists() || anchor.is_some_and(|anchor| !anchored(anchor)) {
                broken.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
    assert!(checked > 0, "the documents link to each other");
}

/// RV-TEST-1004
#[test]
fn what_is_committed_is_small_and_ours() {
    for file in repository_files() {
        let length = std::fs::metadata(root().join(&file)).unwrap().len();
        assert!(length <= 1 << 20, "{} has {length} bytes", file.display());
        let name = file.to_string_lossy();
        for unwanted in [".so", ".a", ".engine", ".plan", ".mp4", ".whl", ".o"] {
            assert!(!name.ends_with(unwanted), "{name} does not belong into the repository");
        }
    }
}

/// RV-SCR-1001
#[test]
fn every_script_is_executable_and_has_strict_mode() {
    let scripts = repository_files().into_iter().filter(|file| {
        file.parent() == Some(Path::new("scripts")) && file.extension().is_some_and(|e| e == "sh")
    });
    let mut seen = 0;
    for file in scripts {
        use std::os::unix::fs::PermissionsExt;
        seen += 1;
        let mode = std::fs::metadata(root().join(&file)).unwrap().permissions().mode();
        assert!(mode & 0o111 != 0, "{} is executable", file.display());
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        assert!(text.contains("lib/common.sh"), "{} sources scripts/lib/common.sh", file.display());
    }
    assert!(seen > 0, "there are scripts");
}
