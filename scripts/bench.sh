#!/usr/bin/env bash
# Usage: scripts/bench.sh cpu [--runs N] [--frames N] [--threads N]
#
# Measures RAVE on this machine's CPU against what it is made of: the filter against bare ONNX Runtime, and the pixel
# kernels against FFmpeg's swscale. Prints a table and writes build/bench/cpu.json. Takes some minutes; let nothing else
# run meanwhile.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

[ "${1:-}" = cpu ] || die "say what to measure (see scripts/bench.sh --help)"
shift
need_cargo
cd "$ROOT"
scripts/fetch.sh clips models onnxruntime tools
scripts/build-ffmpeg.sh "$FFMPEG_DEFAULT"
python=$(python_tools)

step "Measuring the pixel kernels"
# Only what swscale is compared with, in a folder of its own: earlier results must not be taken for today's.
export CRITERION_HOME=$BUILD/bench/criterion
rm -rf "$CRITERION_HOME"
logged "$BUILD/log/bench.log" cargo bench --locked -p rave-core --bench pixels -- \
    --warm-up-time 1 --measurement-time 3 '/(yuv420p to fp32|fp32 to yuv420p)$'

step "Measuring swscale, the filter and bare ONNX Runtime"
mkdir -p "$BUILD/bench"
"$python" tools/bench_cpu.py --ffmpeg "$BUILD/bin/ffmpeg" --clip "$DEPS/clips/bigbuckbunny.mp4" \
    --model "$DEPS/models/animevideov3-x2.onnx" --runtime "$DEPS/onnxruntime/libonnxruntime.so" \
    --criterion "$CRITERION_HOME" --version "$(rave_version)" \
    --revision "$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)" \
    --out "$BUILD/bench/cpu.json" "$@"
