//! The committed corpus, and mutations of it. `RAVE_DEEP=1` makes fifty times as many.

use std::path::{Path, PathBuf};

use rave_fuzz::mutate::Random;
use rave_fuzz::{TARGETS, Target, target};

/// Mutations of each target. A failure prints the seed, which is also the number of the mutation.
const MUTATIONS: u64 = 400;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn corpus() -> PathBuf {
    rave_tests::root().join("fuzz/corpus")
}

/// What the target begins with: its folder of the corpus and, of models, the golden ones.
fn seeds(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = files(&corpus().join(target.name));
    if target.name == "onnx_model" {
        let models = files(&rave_tests::root().join("tests/golden/models"));
        paths.extend(models.into_iter().filter(|path| path.extension().is_some_and(|end| end == "onnx")));
    }
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs the target on bytes that `what` names when it fails.
fn run(target: Target, bytes: &[u8], what: &str) {
    let outcome = std::panic::catch_unwind(|| (target.run)(bytes));
    assert!(outcome.is_ok(), "{}: {what}: {}", target.name, bytes.escape_ascii());
}

/// RV-FUZZ-1003
#[test]
fn the_corpus_has_a_folder_for_each_target_and_no_other() {
    let folders: Vec<String> = files(&corpus())
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(folders, TARGETS.map(|target| target.name));
    for target in TARGETS {
        assert!(!seeds(target).is_empty(), "{} has no seed", target.name);
    }
}

/// Replays the corpus of the target and mutations of it.
fn holds(name: &str) {
    let target = target(name).unwrap();
    let seeds = seeds(target);
    for (path, bytes) in &seeds {
        run(target, bytes, &path.display().to_string());
    }
    let deep = std::env::var_os("RAVE_DEEP").is_some_and(|value| value == "1");
    for seed in 0..if deep { 50 * MUTATIONS } else { MUTATIONS } {
        let mut random = Random::new(seed);
        let [one, other] = [0, 1].map(|_| random.below(seeds.len()));
        let bytes = random.mutated(&seeds[one].1, &seeds[other].1);
        run(target, &bytes, &format!("mutation {seed} of {}", seeds[one].0.display()));
    }
}

/// RV-FUZZ-1003
#[test]
fn every_target_is_run() {
    for target in TARGETS {
        let test = format!("#[test]\nfn {}() {{\n", target.name);
        assert!(include_str!("corpus.rs").contains(&test), "{} has no test below", target.name);
    }
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn arguments() {
    holds("arguments");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn build_message() {
    holds("build_message");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn cache_entry() {
    holds("cache_entry");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn conformance() {
    holds("conformance");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn engine_plan() {
    holds("engine_plan");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn ledger() {
    holds("ledger");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn onnx_model() {
    holds("onnx_model");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn resume() {
    holds("resume");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn sidecar() {
    holds("sidecar");
}

/// RV-FUZZ-1001, RV-FUZZ-1002, RV-FUZZ-1003
#[test]
fn video() {
    holds("video");
}
