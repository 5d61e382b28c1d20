#!/usr/bin/env bash
# Usage: scripts/fuzz.sh [SECONDS] [TARGET...]
#
# Looks with libFuzzer, under AddressSanitizer, for inputs that break what fuzz/SPEC.md promises, 60 seconds for each target,
# as many at a time as there are processors: the targets of fuzz/src/lib.rs, and c_calls, sequences of calls of the C
# interface. Begins with the committed corpus and with what earlier runs have left in build/fuzz/corpus. An input that
# breaks a promise is kept in build/fuzz/found, and the run fails.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

FUZZ=$BUILD/fuzz
seconds=60
case ${1-} in
    *[!0-9]* | '') ;;
    *) seconds=$1; shift ;;
esac
mapfile -t targets < <(sed -n 's/^ *Target { name: "\([a-z_]*\)".*/\1/p' "$ROOT/fuzz/src/lib.rs")
targets+=(c_calls)
for target in "$@"; do
    [[ " ${targets[*]} " = *" $target "* ]] || die "usage: scripts/fuzz.sh [SECONDS] [TARGET...], a target of ${targets[*]}"
done
[ $# -eq 0 ] || targets=("$@")
cd "$ROOT"
need_cargo
need_packages build-essential clang libclang-rt-14-dev
target=${CARGO_TARGET_DIR:-$ROOT/target}
# What RAVE depends on is shared with other builds in that folder; RAVE's own crates are built beside theirs.
built() {
    RUSTC_WORKSPACE_WRAPPER=$ROOT/scripts/lib/rustc-for-fuzzing.sh \
        logged "$BUILD/log/fuzz-$1.log" cargo rustc --locked "${@:2}"
    mkdir -p "$FUZZ"
    cp "$target/debug/$1" "$FUZZ/"
}

step "Targets with coverage and AddressSanitizer"
if [ "${targets[*]}" != c_calls ]; then
    built fuzz -p rave-fuzz --features libfuzzer --bin fuzz
fi
# RV-FUZZ-1004
if [[ " ${targets[*]} " = *" c_calls "* ]]; then
    built librave.a -p rave-ffi --lib --crate-type staticlib
    clang -std=c11 -g -O1 -DRAVE_LIBFUZZER -fsanitize=fuzzer,address -I include tests/c/sequence.c \
        "$FUZZ/librave.a" -lpthread -ldl -lm -o "$FUZZ/c_calls"
fi

# fuzz TARGET: runs libFuzzer on it.
fuzz() {
    local target=$1 seeds=fuzz/corpus/$1 program=$FUZZ/fuzz options=(-max_len=4096)
    export RAVE_FUZZ_TARGET=$target
    # That memory for what an input asks for may not be had is for the parser to answer.
    export ASAN_OPTIONS=allocator_may_return_null=1
    export RAVE_FUZZ_MODELS=$ROOT/tests/golden/models
    case $target in
        c_calls) seeds=tests/c/sequences program=$FUZZ/c_calls options=(-max_len=512) ;;
        onnx_model) seeds=$FUZZ/models options=(-max_len=16384) ;;
    esac
    # Files of the targets that read them; nothing is left of them.
    export TMPDIR=$FUZZ/tmp/$target
    mkdir -p "$FUZZ/corpus/$target" "$FUZZ/found" "$TMPDIR"
    # No input takes seconds or gigabytes: more is a fault, too.
    "$program" "${options[@]}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$FUZZ/found/$target-" "$FUZZ/corpus/$target" "$seeds" >"$BUILD/log/fuzz-$target.log" 2>&1 || {
        tail -n 60 "$BUILD/log/fuzz-$target.log" >&2
        die "$target breaks a promise; the input is in $FUZZ/found (whole log: $BUILD/log/fuzz-$target.log)"
    }
    note "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$BUILD/log/fuzz-$target.log") inputs," \
        "$(sed -n 's/.* \(cov: [0-9]*\) .*/\1/p' "$BUILD/log/fuzz-$target.log" | tail -n 1)"
    rm -rf "$TMPDIR"
}

if [[ " ${targets[*]} " = *" onnx_model "* ]]; then
    rm -rf "$FUZZ/models"
    mkdir -p "$FUZZ/models"
    cp fuzz/corpus/onnx_model/* tests/golden/models/*.onnx "$FUZZ/models/"
fi
step "${#targets[@]} targets, $seconds s each"
export -f fuzz note die
export ROOT BUILD FUZZ seconds
# All of them, whatever one finds.
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -euo pipefail -c 'fuzz {}'
step "Nothing was found"
