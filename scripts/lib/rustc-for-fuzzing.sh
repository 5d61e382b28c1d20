#!/usr/bin/env bash
# rustc with AddressSanitizer and the coverage that libFuzzer reads, for scripts/fuzz.sh: cargo calls it in rustc's place
# for RAVE's own crates (RUSTC_WORKSPACE_WRAPPER). What they depend on stays as in every other build, and build scripts,
# which run by themselves, do too. The flags are those of cargo-fuzz. The sanitizer is an unstable flag, which
# RUSTC_BOOTSTRAP lets the stable compiler take.
set -euo pipefail

case " $* " in
    *' --crate-name build_script_'*) exec "$@" ;;
    # The C program that is linked with it brings the sanitizer's runtime.
    *' --crate-type staticlib'*) set -- "$@" -Zexternal-clangrt ;;
esac
RUSTC_BOOTSTRAP=1 exec "$@" -Zsanitizer=address --cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
