#!/usr/bin/env bash
# Fetches TensorRT's headers into build/deps/tensorrt-headers/{10,11,rtx}, where rave-tensorrt's build finds them.
# They are NVIDIA's, under the Apache License 2.0, and come out of the crate trtx-sys.
# Usage: scripts/fetch-tensorrt-headers.sh [10|11|rtx]...   (all by default)
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

folder=$DEPS/tensorrt-headers
digest() { (cd "$1" && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1); }

# vendored VERSION: the path of the crate's files, by way of a project that depends on it and nothing else. Cargo
# checks the crate against the registry's own checksum.
declare -A vendored=()
vendor() {
    [ -n "${vendored[$1]:-}" ] && return
    local project
    project=$(mktemp -d "$BUILD/headers.XXXXXX")
    temporary+=("$project")
    mkdir "$project/src"
    : >"$project/src/lib.rs"
    cat >"$project/Cargo.toml" <<EOF
[package]
name = "headers"
version = "0.0.0"
edition = "2024"
[dependencies]
trtx-sys = "=$1"
[workspace]
EOF
    (cd "$project" && cargo vendor --quiet vendor >/dev/null) || die "cargo could not fetch trtx-sys $1"
    vendored[$1]=$project/vendor/trtx-sys/TensorRT-Headers
}

temporary=()
trap 'rm -rf "${temporary[@]}"' EXIT
[ $# -gt 0 ] || set -- 10 11 rtx
for major in "$@"; do
    # RV-SCR-1003
    [ -n "${TENSORRT_HEADERS[$major]:-}" ] || die "no headers are known for TensorRT $major (10, 11 or rtx)"
done
for major in "$@"; do
    read -r version source sha256 <<<"${TENSORRT_HEADERS[$major]}"
    target=$folder/$major
    [ -d "$target" ] && [ "$(digest "$target")" = "$sha256" ] && continue
    step "TensorRT $major headers, from trtx-sys $version"
    vendor "$version"
    found=$(digest "${vendored[$version]}/$source")
    [ "$found" = "$sha256" ] || die "the headers $source of trtx-sys $version have sha256 $found, not $sha256"
    mkdir -p "$folder"
    rm -rf "$target"
    cp -r "${vendored[$version]}/$source" "$target"
done
note "headers: $folder"
