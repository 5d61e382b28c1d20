#!/usr/bin/env bash
# Packs what a machine with an NVIDIA GPU needs to run tests/gpu/run.sh, into FOLDER (build/gpu-bundle): the ffmpeg of
# scripts/build-ffmpeg.sh with the libraries it links, the test programs, TensorRT's run-time libraries, the engines in
# ENGINES, models and clips. Nothing is needed there but the driver, Python 3 and xz. About 60 MB.
#
#   scripts/gpu-bundle.sh ENGINES [FOLDER]
#
# Run again, it packs what has changed. TensorRT's libraries are NVIDIA's: the bundle is not to be passed on.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

engines=${1:?usage: scripts/gpu-bundle.sh ENGINES [FOLDER]}
folder=$(realpath -m -- "${2:-$BUILD/gpu-bundle}")
ffmpeg=$BUILD/ffmpeg-$FFMPEG_DEFAULT/bin
compgen -G "$engines/*.engine" >/dev/null || die "no .engine files in $engines"
[ -x "$ffmpeg/ffmpeg" ] || die "no $ffmpeg/ffmpeg: run scripts/build-ffmpeg.sh first"
need_cargo
need_packages binutils xz-utils
mkdir -p "$folder"/{bin,lib,engines,models,clips}

# put SOURCE NAME: a copy, unless it is the same already.
put() { cmp -s "$1" "$folder/$2" || cp "$1" "$folder/$2"; }

# packed SOURCE NAME: NAME.xz, unless it is of this very file already.
packed() {
    local target=$folder/$2.xz mark
    mark=$(sha256sum <"$1" | cut -d' ' -f1)
    [ "$(cat "$target.of" 2>/dev/null)" = "$mark" ] && [ -s "$target" ] && return
    note "$2"
    xz -T0 -6 -c "$1" >"$target.part"
    mv "$target.part" "$target"
    echo "$mark" >"$target.of"
}

step "Programs"
(cd "$ROOT" && cargo build --release --locked -p rave-cuda --bin checkkernel)
(cd "$ROOT" && cargo build --release --locked -p rave-tensorrt --example trtcheck)
stripped=$(mktemp -d "$BUILD/stripped.XXXXXX")
trap 'rm -rf "$stripped"' EXIT
release=${CARGO_TARGET_DIR:-$ROOT/target}/release
for program in "$ffmpeg/ffmpeg" "$ffmpeg/ffprobe" "$release/checkkernel" "$release/examples/trtcheck"; do
    strip -o "$stripped/$(basename "$program")" "$program"
    packed "$stripped/$(basename "$program")" "bin/$(basename "$program")"
done
# The C library and its kin are the machine's; what else ffmpeg links comes along.
ldd "$ffmpeg/ffmpeg" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
    grep -Ev '/(libc|libm|libdl|librt|libpthread|libgcc_s)\.so' | while read -r library; do
    packed "$library" "lib/$(basename "$library")"
done
if [ -x "$ROOT/tests/gpu/build.sh" ]; then
    "$ROOT/tests/gpu/build.sh" "$folder/lib"
fi

step "TensorRT"
"$ROOT/scripts/fetch-tensorrt.sh"
for library in libnvinfer_lean.so.10 libnvinfer_lean.so.8; do packed "$DEPS/tensorrt/$library" "lib/$library"; done

step "Engines, models and clips"
"$ROOT/scripts/fetch.sh" all
for engine in "$engines"/*.engine; do put "$engine" "engines/$(basename "$engine")"; done
for model in animevideov3-x2 luma-3x-224; do put "$DEPS/models/$model.onnx" "models/$model.onnx"; done
put "$DEPS/clips/bigbuckbunny.mp4" clips/720p.mp4
# The same pictures in other sizes: what is measured is decoding and inference, not their quality.
for size in 320x180 960x540 1920x1080; do
    clip=$folder/clips/${size#*x}p.mp4
    [ -s "$clip" ] || "$ffmpeg/ffmpeg" -v error -y -i "$DEPS/clips/bigbuckbunny.mp4" -an -vf "scale=${size/x/:}" \
        -c:v libx264 -preset veryfast -crf 20 "$clip"
done
put "$ROOT/tests/gpu/trtcheck.sh" trtcheck.sh
step "$(du -sh "$folder" | cut -f1) in $folder"
