#!/usr/bin/env bash
# Runs rave-tensorrt on a real GPU from a bundle: no toolchain, no network.
#
#   tests/gpu/trtcheck.sh BUNDLE [REPORT.json] [trtcheck's options]
#
# BUNDLE holds
#   trtcheck                     built by: cargo build --release -p rave-tensorrt --example trtcheck
#   libnvinfer_lean.so.10[.xz]   TensorRT 10.16.1     (scripts/fetch-tensorrt.sh fetches all libraries)
#   libnvinfer_lean.so.8[.xz]    TensorRT 8.6.0, the lean runtime of the test engines
#   libnvinfer_lean.so.11[.xz]   TensorRT 11.4        (optional: refusals)
#   libtensorrt_rtx.so.1[.xz]    TensorRT-RTX 1.7.1   (optional: refusals)
#   engines/*.engine             version-compatible engines; *-notportable.engine and *.rtx.engine must be refused
#   references/*.npy             (optional) inputs and outputs that something else computed
# Exits 0 when every check passed. TRTCHECK_VERBOSE=1 prints what TensorRT says.
set -euo pipefail
bundle=$(cd "${1:?usage: trtcheck.sh BUNDLE [REPORT.json] [options]}" && pwd)
report=${2:-$bundle/trtcheck.json}
shift $(($# < 2 ? $# : 2))

# Libraries travel packed; they are unpacked once, beside where they lie if that can be written.
libraries=$bundle
[ -w "$bundle" ] || libraries=$(mktemp -d)
for packed in "$bundle"/*.xz; do
    [ -e "$packed" ] || continue
    library=$libraries/$(basename "$packed" .xz)
    [ -s "$library" ] || xz -dc "$packed" >"$library"
done
find_library() { for folder in "$libraries" "$bundle"; do [ -s "$folder/$1" ] && echo "$folder/$1" && return; done; }

arguments=(--lib "$(find_library libnvinfer_lean.so.10)" --lean "$(find_library libnvinfer_lean.so.8)")
lib11=$(find_library libnvinfer_lean.so.11) && arguments+=(--lib11 "$lib11")
librtx=$(find_library libtensorrt_rtx.so.1) && arguments+=(--librtx "$librtx")
[ -d "$bundle/references" ] && arguments+=(--references "$bundle/references")

status=0
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
    "$bundle/trtcheck" "${arguments[@]}" --engines "$bundle/engines" --flips 24 "$@" >"$report" || status=$?
echo "report: $report (exit status $status)"
exit "$status"
