#!/usr/bin/env bash
# Fetches TensorRT's run-time libraries into build/deps/tensorrt, for tests and for the bundle of a GPU machine.
# They are NVIDIA's and under its licence: never committed, never passed on.
# Usage: scripts/fetch-tensorrt.sh [LIBRARY]...   (all by default)
# LIBRARY: libnvinfer_lean.so.{8,10,11}, or libtensorrt_rtx.so.1, which comes with its ONNX parser
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

[ $# -gt 0 ] || set -- "${!TENSORRT_LIBRARY[@]}"
for library in "$@"; do
    # RV-SCR-1003
    [ -n "${TENSORRT_LIBRARY[$library]:-}" ] || die "no package is known for $library"
done
for library in "$@"; do
    read -r -d '' package python platform sha256 folder others <<<"${TENSORRT_LIBRARY[$library]}" || true
    members=("$folder/$library")
    for other in $others; do
        members+=("$folder/$other")
    done
    [ -s "$DEPS/tensorrt/$library" ] || step "$library, from $package"
    wheel_files "$package" "$python" "$platform" "$sha256" "$DEPS/tensorrt" "${members[@]}"
done
note "libraries: $DEPS/tensorrt"
