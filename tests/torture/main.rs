//! Every allocation, thread, file and call of ONNX Runtime that a call needs fails, one at a time, and from one on.
//!
//! Each round is a process of `tests/c/torture.c`. It must end by itself, with a documented status, and the same must
//! work afterwards. `RAVE_DEEP=1` runs every round there is, otherwise some from all over. A failure says which round it
//! was: `TORTURE=scenario:kind:number:once|lasting:strict|hardened:model` runs that one alone.

use std::path::{Path, PathBuf};

use rave_tests::build_dir;
use rave_tests::compiler::{Compiler, Linkage, Program, source};
use rave_tests::ffmpeg::golden_model;
use rave_tests::librave::Librave;

/// How many rounds of each kind the short form runs.
const SHALLOW: u64 = 25;

/// The largest allocation that may end the process when it fails: strings, boxes and vectors of a few elements, for which
/// Rust has no other way. What grows with a frame or a file is larger.
const SMALL: u64 = 16 << 10;

/// What the embedded runtime makes, in bytes: its table of operators, and the tensors of the scenarios. It has no way to do
/// without one.
const EMBEDDED: [u64; 12] = [
    25_104,
    4 * 96 * 80 * 3 * 4,
    4 * 96 * 80 * 4,
    96 * 80 * 3 * 4,
    // Of the pictures that it is tried with, and of tiles.
    64 * 64 * 3 * 4,
    64 * 64 * 4,
    128 * 128 * 3 * 4,
    // Of wide pictures.
    6000 * 16 * 3 * 4,
    4 * 6000 * 16 * 3 * 4,
    6000 * 16 * 4,
    4 * 6000 * 16 * 4,
    4 * 80 * 16 * 3 * 4,
];

/// Events of a call on one thread: locked, so that a call that comes to need more is seen. They may only fall.
const MOST: [(&str, u64); 8] = [
    ("context", 24),
    ("model", 1000),
    ("session", 120),
    ("wide-session", 130),
    ("first-frame", 90),
    ("wide-first-frame", 90),
    ("frame", 40),
    ("destroy", 20),
];

/// What a process of the scenario did.
struct Outcome {
    /// How many events there were; `None` when the process was ended by an allocation that may do so.
    events: Option<u64>,
    status: i32,
    retried: u64,
}

/// Events more or less from run to run: worker threads allocate blocks of their queues when one is full, the more of them the
/// busier the machine is.
const WORKERS: u64 = 16;

#[derive(Clone, Copy, Debug)]
struct Round<'a> {
    /// What runs models: "embedded", or the path of a library.
    runtime: &'a str,
    scenario: &'a str,
    kind: &'a str,
    number: u64,
    how: &'a str,
    mode: &'a str,
    model: &'a str,
}

impl Round<'_> {
    fn name(&self) -> String {
        let Round { scenario, kind, number, how, mode, model, .. } = self;
        format!("{scenario}:{kind}:{number}:{how}:{mode}:{model}")
    }

    fn run(&self, program: &Program) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program.command();
        command.args([self.scenario, self.kind, &self.number.to_string(), self.how, self.mode]);
        command.arg(golden_model(self.model)).arg(folder.path()).arg(self.runtime);
        command.env("RAVE_TORTURE_ONNXRUNTIME", onnxruntime());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let again = format!("TORTURE={}\n{}\n{said}", self.name(), output.status);
        // What the standard library says before it ends the process. Two threads may say it into one another, and then
        // a number may be that of both: only a line that is whole tells one.
        if said.contains("memory allocation of ") {
            let size = |line: &str| {
                line.strip_prefix("memory allocation of ")?.strip_suffix(" bytes failed")?.parse().ok()
            };
            for bytes in said.lines().filter_map(size) {
                assert!(
                    self.kind == "memory" && (bytes <= SMALL || EMBEDDED.contains(&bytes)),
                    "{bytes} bytes that are not there end it: {again}"
                );
            }
            return Outcome { events: None, status: 2, retried: 0 };
        }
        if said.contains("Fatal glibc error") && self.kind == "memory" {
            // The C library has no other way either, for what a thread must not be without.
            return Outcome { events: None, status: 2, retried: 0 };
        }
        assert!(output.status.success(), "{again}");
        whole_ledger(folder.path(), self, &again);
        let text = String::from_utf8_lossy(&output.stdout);
        let number = |name: &str| -> i64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("no {name}: {again}"))
        };
        Outcome {
            events: Some(number("events") as u64),
            status: number("status") as i32,
            retried: number("retried") as u64,
        }
    }
}

/// Whatever failed, the ledger that is left is whole, or ends where it could not be written any more.
fn whole_ledger(folder: &Path, round: &Round<'_>, again: &str) {
    let path = folder.join("run.jsonl");
    if round.kind == "file" && std::fs::metadata(&path).is_ok_and(|file| file.len() == 0) {
        return;
    }
    let verified = rave_ledger::verify_file(&path, |_| Ok(()));
    let verified = verified.unwrap_or_else(|error| panic!("{error}: {again}"));
    assert!(round.kind == "file" || verified.ending == rave_ledger::Ending::Closed, "{verified:?}: {again}");
}

fn program(folder: &Path) -> Program {
    Compiler::new("gcc", "c11").exporting().link(
        &source("torture.c"),
        &Librave::installed(),
        Linkage::Static,
        &folder.join("torture"),
    )
}

/// Where `scripts/fetch.sh` puts ONNX Runtime.
fn onnxruntime() -> PathBuf {
    build_dir().join("deps/onnxruntime/libonnxruntime.so")
}

/// The rounds to run of `events`: all of them, or some from all over, where exactly following from a seed.
fn chosen(events: u64, seed: u64) -> Vec<u64> {
    if rave_tests::deep() || events <= SHALLOW {
        return (1..=events).collect();
    }
    let mut state = seed;
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let stratum = |index: u64| index * events / SHALLOW;
    (0..SHALLOW).map(|index| stratum(index) + 1 + below(stratum(index + 1) - stratum(index))).collect()
}

/// Tortures the call that `scenario` is about.
fn torture(scenario: &str, model: &str, kinds: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    rounds(&program, "embedded", scenario, model, kinds);
}

/// Runs the rounds of `kinds`.
fn rounds(program: &Program, runtime: &str, scenario: &str, model: &str, kinds: &[&str]) {
    let only = std::env::var("TORTURE").ok();
    for kind in kinds {
        for mode in ["strict", "hardened"] {
            let whole = Round { runtime, scenario, kind, number: 0, how: "once", mode, model };
            let outcome = whole.run(program);
            let events = outcome.events.expect("nothing fails");
            assert_eq!((outcome.status, outcome.retried), (0, 0), "{}", whole.name());
            assert!(*kind != "vendor" || scenario == "context" || events > 0, "{}: no event", whole.name());
            let most = MOST.iter().find(|(name, _)| *name == scenario).map_or(0, |(_, most)| *most);
            let locked = most + WORKERS;
            assert!(events <= locked, "{}: {events} events, where {locked} are locked", whole.name());
            let (mut refused, mut ended, mut survived) = (0, 0, 0);
            for how in ["once", "lasting"] {
                for number in chosen(events, 2026) {
                    let round = Round { number, how, ..whole };
                    if only.as_ref().is_some_and(|only| *only != round.name()) {
                        continue;
                    }
                    let outcome = round.run(program);
                    match (outcome.events, outcome.status) {
                        (None, _) => ended += 1,
                        (_, 0) => survived += 1,
                        _ => refused += 1,
                    }
                    assert!(mode == "hardened" || outcome.retried == 0, "{}", round.name());
                }
            }
            eprintln!(
                "{scenario} {model} {kind} {mode}: {events} events; rounds that were refused {refused}, went on {survived}, \
                 ended by a small allocation {ended}"
            );
        }
    }
}

const ALL: [&str; 3] = ["memory", "thread", "file"];

/// RV-FFI-1013
#[test]
fn a_context_that_lacks_something_is_refused_or_made() {
    torture("context", "identity-1x", &ALL);
}

/// RV-FFI-1013
#[test]
fn a_model_that_lacks_something_is_refused_or_loaded() {
    torture("model", "identity-1x", &ALL);
}

/// RV-FFI-1013
#[test]
fn a_session_that_lacks_something_is_refused_or_made() {
    torture("session", "replicate-2x", &ALL);
    torture("session", "fixed-64-2x", &["memory"]);
}

/// RV-ENG-1601
#[test]
fn memory_that_is_missing_once_is_an_error_in_strict_mode_and_tried_for_again_in_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let round = |number, mode| {
        let round = Round {
            runtime: "embedded",
            scenario: "session",
            kind: "memory",
            number,
            how: "once",
            mode,
            model: "replicate-2x",
        };
        round.run(&program)
    };
    let events = round(0, "hardened").events.expect("nothing fails");
    // Worker threads allocate too, when their turn comes: a number is not the same allocation in every run.
    let mut retried = Vec::new();
    for number in 1..=events {
        let hardened = round(number, "hardened");
        if hardened.retried == 1 {
            assert_eq!(hardened.status, 0, "allocation {number}: tried for again, and made");
            retried.push(number);
        }
    }
    assert!(!retried.is_empty(), "the tensors of a session are among its {events} allocations");
    let strict: Vec<Outcome> = retried.into_iter().map(|number| round(number, "strict")).collect();
    assert!(strict.iter().all(|outcome| outcome.retried == 0), "strict mode tries once");
    assert!(strict.iter().any(|outcome| outcome.status == 2), "and is out of memory");
}

/// RV-FFI-1013
#[test]
fn a_frame_that_lacks_something_fails_or_comes_out_and_the_next_one_does() {
    torture("first-frame", "replicate-2x-luma", &ALL);
    torture("frame", "identity-1x", &["memory", "file"]);
}

/// A row of these pictures is more than a few elements.
///
/// RV-FFI-1013
#[test]
fn a_wide_picture_that_lacks_something_fails_or_comes_out_and_the_next_one_does() {
    torture("wide-session", "replicate-2x", &["memory"]);
    torture("wide-first-frame", "identity-1x", &["memory"]);
    torture("wide-first-frame", "replicate-2x-luma", &["memory"]);
}

/// RV-FFI-1013
#[test]
fn a_session_ends_whatever_is_missing() {
    torture("destroy", "identity-1x", &ALL);
}

/// Nothing of what ONNX Runtime had made is left, or the program says so when it ends.
///
/// RV-ONNX-1208
#[test]
fn whatever_call_of_onnx_runtime_fails_it_is_an_error_or_a_result_and_works_again() {
    if !onnxruntime().exists() {
        assert_ne!(
            std::env::var("RAVE_REQUIRE_ONNXRUNTIME").as_deref(),
            Ok("1"),
            "{}",
            onnxruntime().display()
        );
        eprintln!("skipped: no {}", onnxruntime().display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libonnxruntime.so");
    Compiler::new("gcc", "c11").library(&source("onnxruntime_torture.c"), &library);
    let program = program(folder.path());
    let runtime = library.to_str().unwrap();
    for (scenario, model) in [
        ("model", "identity-1x"),
        ("session", "replicate-2x"),
        ("first-frame", "fixed-64-2x"),
        ("frame", "identity-1x"),
    ] {
        rounds(&program, runtime, scenario, model, &["vendor"]);
    }
}
