#!/usr/bin/env bash
# Usage: scripts/bench.sh cpu [--runs N] [--frames N] [--threads N]
#        scripts/bench.sh gpu REPORT OUT [--revision COMMIT]
#        scripts/bench.sh compare BEFORE AFTER [--tolerance PART]
#        scripts/bench.sh keep LEDGER NAME
#
# cpu measures RAVE on this machine's CPU: the filter against bare ONNX Runtime, rave upscale against ffmpeg with the filter,
# sessions frame by frame, a whole video with its queues, and the pixel kernels against FFmpeg's swscale. Prints a table and
# writes the ledger build/bench/cpu.json. Takes some minutes; let nothing else run meanwhile.
#
# gpu makes a ledger of a report of tests/gpu/run.sh.
#
# compare says of two ledgers what became better or worse, and fails where speed or GPU memory is more than 1 % worse on
# the same machine, a frame allocates more, output has another hash, or the noise is too large to tell. docs/PERFORMANCE.md
# says how a change is measured.
#
# keep makes a ledger the committed baseline tests/performance/NAME.json, with its sidecar: one of an idle machine and of a
# commit, not of a tree with changes.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

case ${1:-} in
    cpu)
        shift
        words=("$@")
        while [ $# -gt 0 ]; do
            # RV-SCR-1003
            case $1 in
                --threads | --frames | --runs) [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "$1 takes a whole number of 1 or more" ;;
                *) die "unknown option $1 (see scripts/bench.sh --help)" ;;
            esac
            shift 2
        done
        ;;
    gpu)
        [ $# -ge 3 ] || die "usage: scripts/bench.sh gpu REPORT OUT [--revision COMMIT]"
        exec python3 "$ROOT/tools/bench_ledger.py" from-gpu "${@:2}"
        ;;
    compare)
        shift
        exec python3 "$ROOT/tools/bench_ledger.py" compare "$@"
        ;;
    keep)
        [ $# = 3 ] || die "usage: scripts/bench.sh keep LEDGER NAME"
        # RV-SCR-1004
        [ -z "${CI:-}" ] || die "CI checks what is committed and never renews it"
        python3 "$ROOT/tools/bench_ledger.py" keep "$2" "$ROOT/tests/performance/$3.json"
        cd "$ROOT"
        exec cargo run --quiet --locked -p rave-conformance -- protect "tests/performance/$3.json"
        ;;
    *) die "say what to measure (see scripts/bench.sh --help)" ;;
esac
need_cargo
cd "$ROOT"
scripts/fetch.sh clips models onnxruntime tools
scripts/build-ffmpeg.sh "$FFMPEG_DEFAULT"
python=$(python_tools)

step "Building what measures"
mkdir -p "$BUILD/bench" "$BUILD/log"
link_ffmpeg
release=${CARGO_TARGET_DIR:-$ROOT/target}/release
# Built apart, as compiling is no part of what is measured.
kernels=$(cargo bench --locked -p rave-core --bench pixels --no-run --message-format=json 2>>"$BUILD/log/measure.log" |
    "$python" -c 'import json, sys
print(*(one["executable"] for one in map(json.loads, sys.stdin) if one.get("executable")))')
logged "$BUILD/log/measure.log" cargo build --release --locked -p rave-engine --example measure
logged "$BUILD/log/measure.log" cargo build --release --locked -p rave-pipeline --example measure_pipeline
logged "$BUILD/log/measure.log" cargo build --release --locked -p rave-cli

step "Measuring the filter, the command, sessions, a video, pixel kernels and swscale"
"$python" tools/bench_cpu.py --ffmpeg "$BUILD/bin/ffmpeg" --clip "$DEPS/clips/bigbuckbunny.mp4" \
    --model "$DEPS/models/animevideov3-x2.onnx" --runtime "$DEPS/onnxruntime/libonnxruntime.so" \
    --exact-model tests/golden/models/replicate-2x.onnx --rave "$release/rave" --measure "$release/examples/measure" \
    --measure-pipeline "$release/examples/measure_pipeline" \
    --kernels "$kernels" --version "$(rave_version)" \
    --revision "$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)" \
    --out "$BUILD/bench/cpu.json" "${words[@]}"
