//! `fuzz` with `RAVE_FUZZ_TARGET=NAME`: libFuzzer on one target. The arguments are libFuzzer's.
#![no_main]
#![allow(missing_docs, reason = "the macro makes the functions that libFuzzer calls")]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rave_fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("RAVE_FUZZ_TARGET").unwrap_or_default();
    rave_fuzz::target(&name).unwrap_or_else(|| {
        let names: Vec<&str> = rave_fuzz::TARGETS.iter().map(|target| target.name).collect();
        eprintln!("RAVE_FUZZ_TARGET is '{name}'; it must be one of {}", names.join(", "));
        std::process::exit(2);
    })
}

fuzz_target!(init: { TARGET.get_or_init(chosen); }, |bytes: &[u8]| {
    (TARGET.get_or_init(chosen).run)(bytes);
});
