#!/usr/bin/env bash
# Renews what the tests compare with, after a change that is meant. Review the difference before you commit it.
#
#   scripts/bless.sh header         include/rave.h and include/rave.lock, from rave-ffi
#   scripts/bless.sh api            docs/api, the public items of the crates that programs are written against
#   scripts/bless.sh golden         the hashes of tests/golden, from the builds under build/
#   scripts/bless.sh conformance    tests/conformance/baseline.json, from the builds under build/
#   scripts/bless.sh sidecars       FILE.fec of golden data, fixtures and results: after the others, or after an edit by hand
#   scripts/bless.sh all            all of them, but of sidecars those of what was renewed
#
# The tests themselves write what they check, so there is one implementation of each. Never in CI.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"
at_most 1 "$@"

need_cargo
cd "$ROOT"
# RV-SCR-1004
[ -z "${CI:-}" ] || die "CI checks what is committed and never renews it"

# RV-FFI-1201
header() {
    step "include/rave.h and include/rave.lock"
    RAVE_BLESS=1 cargo test --manifest-path "$ROOT/Cargo.toml" -p rave-tests --test abi header_lock
    git -C "$ROOT" --no-pager diff --stat -- include
}

api() {
    step "docs/api"
    RAVE_BLESS=1 cargo test --manifest-path "$ROOT/Cargo.toml" -p rave-tests --test api
    git -C "$ROOT" --no-pager diff --stat -- docs/api
}

golden() {
    step "the hashes of tests/golden"
    for version in "${!FFMPEG_RELEASE[@]}"; do scripts/build-ffmpeg.sh "$version"; done
    RAVE_BLESS=1 RAVE_REQUIRE_FFMPEG=1 cargo test --manifest-path "$ROOT/Cargo.toml" -p rave-tests --test ffmpeg golden
    git -C "$ROOT" --no-pager diff --stat -- tests/golden
}

conformance() {
    step "tests/conformance/baseline.json"
    scripts/build-ffmpeg.sh "$FFMPEG_DEFAULT"
    cargo run --quiet --locked -p rave-conformance -- report --bless --no-skips --out "$BUILD/conformance"
    git -C "$ROOT" --no-pager diff --stat -- tests/conformance
}

# sidecars [FILE...]: of what was renewed and nothing else, as another file that has rotted would be made good by it.
sidecars() {
    step "sidecars"
    cargo run --quiet --locked -p rave-conformance -- protect "$@"
}

case ${1:-} in
    header) header ;;
    api) api ;;
    golden) golden; sidecars tests/golden/hashes.txt ;;
    conformance) conformance; sidecars tests/conformance/baseline.json ;;
    sidecars) sidecars ;;
    all) header; api; golden; conformance; sidecars tests/golden/hashes.txt tests/conformance/baseline.json ;;
    *) die "usage: scripts/bless.sh header|api|golden|conformance|sidecars|all" ;;
esac
