//! What every parser of RAVE holds to, whatever bytes it is given.
//!
//! A [`Target`] takes bytes, gives them to one parser and panics where that breaks a promise. `scripts/fuzz.sh` looks for
//! such bytes with libFuzzer; `tests/corpus.rs` runs the committed corpus and mutations of it with the other tests.
//!
//! Parsers that hash what they read would turn nearly every mutation away at the hash. Their targets therefore run each
//! input twice: as the file itself, and as the content of a file whose hashes are made to fit.

#![forbid(unsafe_code)]

mod arguments;
mod build;
mod cache_entry;
mod conformance;
mod contract;
mod engine_plan;
mod ledger;
pub mod mutate;
mod onnx_model;
mod resume;
mod sidecar;
mod video;

/// A parser, and what it must hold to.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also that of its folder in the corpus.
    pub name: &'static str,
    /// Gives it bytes.
    ///
    /// # Panics
    /// When a promise is broken.
    pub run: fn(&[u8]),
}

/// Every target.
// RV-FUZZ-1003
pub const TARGETS: [Target; 10] = [
    Target { name: "arguments", run: arguments::run },
    Target { name: "build_message", run: build::run },
    Target { name: "cache_entry", run: cache_entry::run },
    Target { name: "conformance", run: conformance::run },
    Target { name: "engine_plan", run: engine_plan::run },
    Target { name: "ledger", run: ledger::run },
    Target { name: "onnx_model", run: onnx_model::run },
    Target { name: "resume", run: resume::run },
    Target { name: "sidecar", run: sidecar::run },
    Target { name: "video", run: video::run },
];

/// The target called `name`.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Lower-case hexadecimal digits of the SHA-256 of `bytes`.
fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// That an error is of one of the documented classes, and names what it is about.
#[track_caller]
// RV-FUZZ-1001
fn refused(error: &rave_core::Error, classes: &[rave_core::Status], named: &str) {
    assert!(classes.contains(&error.status()), "{error}");
    assert!(error.to_string().contains(named), "`{named}` is not in: {error}");
}
