#!/usr/bin/env bash
# Usage: scripts/test.sh [--quick]
#
# Everything that CI runs, on a machine with nothing prepared: installs what is missing, builds, tests.
# RAVE_DEEP=1 runs the long form: every round of torture and of storms, valgrind, the thread sanitizer, and libFuzzer for
# fifteen minutes on each parser, not one.
# --quick leaves out FFmpeg 8.1 and 7.1, the build with the address sanitizer, and libFuzzer.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"
at_most 1 "$@"

quick=
case ${1-} in
    --quick) quick=1 ;;
    '') ;;
    *) die "usage: scripts/test.sh [--quick]" ;;
esac
cd "$ROOT"
export CARGO_TERM_PROGRESS_WHEN=never
need_cargo

if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    rustup component add rustfmt clippy # a minimal toolchain lacks them
fi

step "Packages and tools"
need_packages build-essential binutils cmake clang nasm pkg-config libx264-dev python3-venv shellcheck \
    libzimg2 locales xz-utils unzip
[ "${RAVE_DEEP:-}" != 1 ] || need_packages valgrind
scripts/fetch.sh all
scripts/fetch-tensorrt-headers.sh
scripts/fetch-tensorrt.sh

step "Formatting"
cargo fmt --all --check
shellcheck -x -P scripts scripts/*.sh scripts/lib/*.sh .ci/run

# RV-TEST-1401
step "Requirements"
cargo run --quiet --locked -p rave-spec
traced=(docs/requirements docs/COMPLIANCE.md)
if ! git --no-pager diff --exit-code -- "${traced[@]}" ||
    [ -n "$(git ls-files --others --exclude-standard -- "${traced[@]}")" ]; then
    die "${traced[*]} follow from the SPEC.md files and the ids in sources, and were not what they make." \
        "They were renewed just now: review them, git add ${traced[*]}, and run this again."
fi

# RV-TEST-1401
step "Sidecars"
cargo run --quiet --locked -p rave-conformance -- scrub

step "rave"
scripts/install.sh "$PREFIX"
scripts/install.sh --command "$PREFIX"

versions=(9.0 8.1 7.1)
[ -z "$quick" ] || versions=(9.0)
for version in "${versions[@]}"; do
    step "FFmpeg $version"
    scripts/build-ffmpeg.sh "$version"
done
export RAVE_REQUIRE_FFMPEG=1 RAVE_FFMPEG_VERSIONS="${versions[*]}"
link_ffmpeg # what links its libraries is built from here on

# RV-TEST-1401
step "Conformance"
cargo run --quiet --locked -p rave-conformance -- report --no-skips --out "$BUILD/conformance"
export RAVE_REQUIRE_ORACLES=1

step "Lints"
logged "$BUILD/log/clippy.log" cargo clippy --workspace --all-targets --locked -- -D warnings

step "Documentation"
RUSTDOCFLAGS="-D warnings" logged "$BUILD/log/rustdoc.log" cargo doc --workspace --no-deps --locked
logged "$BUILD/log/doctest.log" cargo test --doc --workspace --locked

step "Developers' tools"
python=$(python_tools)
logged "$BUILD/log/tools.log" "$python" -m unittest discover -s tools/tests
logged "$BUILD/log/models.log" "$python" -m unittest discover -s tests/golden/models -p 'test_*.py'

if [ -z "$quick" ]; then
    step "Address sanitizer"
    scripts/build-sanitized.sh address
    export RAVE_ASAN_LIBDIR=$BUILD/asan/lib
fi

if [ "${RAVE_DEEP:-}" = 1 ]; then
    step "Thread sanitizer"
    scripts/build-sanitized.sh thread
    export RAVE_TSAN_LIBDIR=$BUILD/tsan/lib
fi

step "Tests"
# RV-TEST-1201
export RAVE_REQUIRE_LOCALES=1 RAVE_REQUIRE_NVCODEC_HEADERS=1 RAVE_REQUIRE_ONNXRUNTIME=1 RAVE_REQUIRE_TENSORRT=1
export RAVE_ONNXRUNTIME_LIB=$DEPS/onnxruntime/libonnxruntime.so
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast
else # the same tests, a process for each binary instead of one for each test; examples are programs that tests run
    cargo build --workspace --locked --examples
    cargo test --workspace --locked --no-fail-fast --lib --bins --tests
fi
if [ -z "$quick" ]; then
    step "Fuzzing"
    if [ "${RAVE_DEEP:-}" = 1 ]; then scripts/fuzz.sh 900; else scripts/fuzz.sh; fi
fi
step "All passed"
