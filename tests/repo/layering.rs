//! Dependencies between crates point one way.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may depend on, of ours. docs/ARCHITECTURE.md draws the same picture.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("rave-core", &[][..]),
        ("rave-cuda", &["rave-core"][..]),
        ("rave-ffmpeg", &["rave-core"][..]),
        ("rave-ledger", &["rave-core"][..]),
        ("rave-nvcodec", &["rave-core"][..]),
        ("rave-onnx", &["rave-core"][..]),
        ("rave-tensorrt", &["rave-core"][..]),
        (
            "rave-engine",
            &["rave-core", "rave-cuda", "rave-ledger", "rave-nvcodec", "rave-onnx", "rave-tensorrt"][..],
        ),
        ("rave-pipeline", &["rave-core", "rave-engine", "rave-ffmpeg"][..]),
        ("rave", &["rave-core", "rave-engine", "rave-ffmpeg", "rave-pipeline"][..]),
        ("rave-cli", &["rave-core", "rave-engine", "rave-ffmpeg", "rave-ledger", "rave-pipeline"][..]),
        ("rave-ffi", &["rave-core", "rave-engine"][..]),
        ("rave-conformance", &["rave-core", "rave-cuda", "rave-engine"][..]),
        (
            "rave-fuzz",
            &["rave-conformance", "rave-core", "rave-engine", "rave-ledger", "rave-onnx", "rave-tensorrt"][..],
        ),
        ("rave-spec", &[][..]),
        ("rave-tests", &[][..]),
    ])
}

/// RV-TEST-1001
#[test]
fn crates_depend_only_on_the_layers_below_them() {
    let metadata =
        MetadataCommand::new().manifest_path(rave_tests::root().join("Cargo.toml")).exec().unwrap();
    let allowed = allowed();
    let members: BTreeSet<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let known: BTreeSet<&str> = allowed.keys().copied().collect();
    assert_eq!(members, known, "every crate has a row in `allowed`, and every row is a crate");
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            let ours = members.contains(dependency.name.as_str());
            if ours && dependency.kind == DependencyKind::Normal {
                assert!(
                    allowed[package.name.as_str()].contains(&dependency.name.as_str()),
                    "{} must not depend on {}",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

/// RV-TEST-1002
#[test]
fn the_static_library_never_links_ffmpeg_or_a_vendor_library() {
    let metadata =
        MetadataCommand::new().manifest_path(rave_tests::root().join("Cargo.toml")).exec().unwrap();
    let resolve = metadata.resolve.as_ref().unwrap();
    let find = |id: &cargo_metadata::PackageId| {
        (&metadata[id], resolve.nodes.iter().find(|node| node.id == *id).unwrap())
    };
    let start =
        metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == "rave-ffi").unwrap().id.clone();
    let (mut todo, mut seen) = (vec![start], BTreeSet::new());
    while let Some(id) = todo.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let (package, node) = find(&id);
        let links = package.links.as_deref().unwrap_or_default();
        for forbidden in ["av", "sw", "cuda", "nvinfer", "onnxruntime"] {
            assert!(
                !links.starts_with(forbidden) || package.name.as_str() == "ort-sys",
                "{} links {links}; librave.a is linked into libavfilter and loads vendor libraries at run time",
                package.name
            );
        }
        todo.extend(
            node.deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
                .map(|dep| dep.pkg.clone()),
        );
    }
    assert!(seen.len() > 5, "the walk saw the tree");
}

/// RV-CORE-1303, RV-ENG-1108
#[test]
fn unsafe_code_is_where_foreign_libraries_are_called() {
    let root = |file: &str| std::fs::read_to_string(rave_tests::root().join("crates").join(file)).unwrap();
    for file in ["rave-core/src/lib.rs", "rave-ledger/src/lib.rs", "rave/src/lib.rs", "rave-cli/src/main.rs"]
    {
        assert!(root(file).contains("#![forbid(unsafe_code)]"), "{file}");
    }
    // Only its half for the GPU, which gives addresses to CUDA and TensorRT.
    let engine = root("rave-engine/src/lib.rs");
    assert!(engine.contains("#![deny(unsafe_code)]"), "rave-engine");
    assert_eq!(engine.matches("allow(unsafe_code").count(), 1, "rave-engine, for `mod cuda`");
}
