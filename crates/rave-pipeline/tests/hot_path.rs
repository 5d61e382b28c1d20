//! What the sources of per-frame modules must not have.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that run for every frame, relative to `crates`: files, and folders with all that is in them.
const PER_FRAME: [&str; 10] = [
    "rave-core/src/pixels",
    "rave-cuda/src",
    "rave-engine/src/cuda",
    "rave-engine/src/session.rs",
    "rave-engine/src/tiled.rs",
    "rave-ffmpeg/src",
    "rave-onnx/src/session.rs",
    "rave-pipeline/src/conveyor",
    "rave-pipeline/src/resume",
    "rave-pipeline/src/video",
];

/// Maps, whose keys are looked up.
const MAPS: [&str; 3] = ["HashMap", "BTreeMap", "IndexMap"];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    } else {
        assert!(path.exists(), "{} is there", path.display());
    }
}

/// RV-PIPE-1202
#[test]
fn no_module_that_runs_for_every_frame_has_a_map() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for path in PER_FRAME {
        sources(&crates.join(path), &mut files);
    }
    assert!(files.len() > PER_FRAME.len());
    for file in files {
        if file.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests")) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for map in MAPS {
            assert!(!text.contains(map), "{} has a {map}", file.display());
        }
    }
}
