#!/usr/bin/env bash
# Runs rave-tensorrt on a real GPU from a bundle: no toolchain, no network.
#
#   tests/gpu/trtcheck.sh BUNDLE [REPORT.json] [--no-speed] [--refusals-only] [--flips N]
#
# BUNDLE holds
#   trtcheck                     built by: cargo build --release -p rave-tensorrt --example trtcheck
#   libnvinfer_lean.so.10[.xz]   TensorRT 10.16.1     (scripts/fetch-tensorrt.sh fetches all libraries)
#   libnvinfer_lean.so.8[.xz]    TensorRT 8.6.0, the lean runtime of the test engines
#   libnvinfer_lean.so.11[.xz]   TensorRT 11.4        (optional: refusals)
#   libtensorrt_rtx.so.1[.xz]    TensorRT-RTX 1.7.1   (optional: refusals)
#   engines/*.engine             version-compatible engines; *-notportable.engine and *.rtx.engine must be refused
#   references/*.npy             (optional) inputs and outputs that something else computed
# Libraries may also lie in the folder TRTCHECK_LIBRARIES, for those that do not fit in one transfer.
# Exits 0 when every check passed. TRTCHECK_VERBOSE=1 prints what TensorRT says.
set -euo pipefail
bundle=$(cd "${1:?usage: trtcheck.sh BUNDLE [REPORT.json] [options]}" && pwd)
report=${2:-$bundle/trtcheck.json}
shift $(($# < 2 ? $# : 2))

# Libraries travel packed; they are unpacked once, beside the bundle's other files if that can be written.
folders=("$bundle")
[ -z "${TRTCHECK_LIBRARIES:-}" ] || folders+=("$TRTCHECK_LIBRARIES")
libraries=$bundle
[ -w "$bundle" ] || libraries=$(mktemp -d)
for folder in "${folders[@]}"; do
    for packed in "$folder"/*.xz; do
        [ -e "$packed" ] || continue
        library=$libraries/$(basename "$packed" .xz)
        [ -s "$library" ] || xz -dc "$packed" >"$library"
    done
done
find_library() {
    for folder in "$libraries" "${folders[@]}"; do
        [ -s "$folder/$1" ] && echo "$folder/$1" && return
    done
    return 1
}

lib10=$(find_library libnvinfer_lean.so.10) || { echo "no libnvinfer_lean.so.10 in $bundle" >&2; exit 1; }
lib8=$(find_library libnvinfer_lean.so.8) || { echo "no libnvinfer_lean.so.8 in $bundle" >&2; exit 1; }
arguments=(--lib "$lib10" --lean "$lib8")
lib11=$(find_library libnvinfer_lean.so.11) && arguments+=(--lib11 "$lib11")
librtx=$(find_library libtensorrt_rtx.so.1) && arguments+=(--librtx "$librtx")
[ -d "$bundle/references" ] && arguments+=(--references "$bundle/references")

# RV-TRT-1103, RV-TRT-1106, RV-TRT-1107, RV-TRT-1208
status=0
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
    "$bundle/trtcheck" "${arguments[@]}" --engines "$bundle/engines" "$@" >"$report" || status=$?
echo "report: $report (exit status $status)"
exit "$status"
