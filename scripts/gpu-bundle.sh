#!/usr/bin/env bash
# Packs what a machine with an NVIDIA GPU needs to run tests/gpu/run.sh, into FOLDER (build/gpu-bundle): that script, the
# ffmpeg of scripts/build-ffmpeg.sh with the libraries it links, the test programs, TensorRT's run-time libraries, the
# engines in ENGINES, models, clips, and pictures made on the CPU to compare with. Nothing is needed there but the driver
# and Python 3.11. About 71 MB; on the GPU's machine: FOLDER/run.sh FOLDER REPORT.json
#
#   scripts/gpu-bundle.sh ENGINES [FOLDER [MODELS]]
#
# MODELS holds the ONNX models of engines beyond those of scripts/fetch.sh: super-resolution-10.onnx and
# sharpen-1x-fp16.onnx. Run again, it packs what has changed. TensorRT's libraries are NVIDIA's: the bundle is not to
# be passed on.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"
at_most 3 "$@"

engines=${1:?usage: scripts/gpu-bundle.sh ENGINES [FOLDER [MODELS]]}
folder=$(realpath -m -- "${2:-$BUILD/gpu-bundle}")
models=${3:-}
ffmpeg=$BUILD/ffmpeg-$FFMPEG_DEFAULT/bin
compgen -G "$engines/*.engine" >/dev/null || die "no .engine files in $engines"
[ -x "$ffmpeg/ffmpeg" ] || die "no $ffmpeg/ffmpeg: run scripts/build-ffmpeg.sh first"
need_cargo
need_packages binutils xz-utils libzimg2
mkdir -p "$folder"/{bin,lib,oracles,instruments,engines,models,clips,references,run,conformance}

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
(cd "$ROOT" && cargo build --release --locked -p rave-conformance)
(cd "$ROOT" && cargo build --release --locked -p rave-tensorrt --example trtcheck)
(cd "$ROOT" && cargo build --release --locked -p rave-nvcodec --example nvcaps)
(cd "$ROOT" && cargo build --release --locked -p rave-engine --example gpucheck)
link_ffmpeg
(cd "$ROOT" && cargo build --release --locked -p rave-ffmpeg --example mediacheck)
(cd "$ROOT" && cargo build --release --locked -p rave-pipeline --example stagecheck)
(cd "$ROOT" && cargo build --release --locked -p rave-cli)
stripped=$(mktemp -d "$BUILD/stripped.XXXXXX")
trap 'rm -rf "$stripped"' EXIT
release=${CARGO_TARGET_DIR:-$ROOT/target}/release
for program in "$ffmpeg/ffmpeg" "$release"/{checkkernel,rave-conformance,rave} \
    "$release"/examples/{trtcheck,nvcaps,gpucheck,mediacheck,stagecheck}; do
    strip -o "$stripped/$(basename "$program")" "$program"
    packed "$stripped/$(basename "$program")" "bin/$(basename "$program")"
done
# The C library and its kin are the machine's; what else ffmpeg links comes along.
ldd "$ffmpeg/ffmpeg" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
    grep -Ev '/(libc|libm|libdl|librt|libpthread|libgcc_s)\.so' | while read -r library; do
    packed "$library" "lib/$(basename "$library")"
done
# zimg, which pixel kernels are compared with, and its C++ library. Apart, as nothing else is to use that one.
for library in libzimg.so.2 libstdc++.so.6; do
    packed "$(ldconfig -p | awk -v name="$library" '$1 == name && /x86-64/ { print $NF; exit }')" "oracles/$library"
done
# Not in lib/: there the stand-in would be found wherever NVENC is looked for.
"$ROOT/tests/gpu/build.sh" "$folder/instruments"
packed "$folder/instruments/capi" bin/capi
rm "$folder/instruments/capi"

for file in "$ROOT"/tests/conformance/*.json; do put "$file" "conformance/$(basename "$file")"; done

step "TensorRT"
"$ROOT/scripts/fetch-tensorrt.sh"
for library in libnvinfer_lean.so.10 libnvinfer_lean.so.8; do packed "$DEPS/tensorrt/$library" "lib/$library"; done

step "Engines, models and clips"
"$ROOT/scripts/fetch.sh" all
for engine in "$engines"/*.engine; do packed "$engine" "engines/$(basename "$engine")"; done
packed "$DEPS/models/animevideov3-x2.onnx" models/animevideov3-x2.onnx
put "$DEPS/clips/bigbuckbunny.mp4" clips/720p.mp4
# The same pictures in other sizes: what is measured is decoding and inference, not their quality.
for size in 320x180 960x540 1920x1080; do
    clip=$folder/clips/${size#*x}p.mp4
    [ -s "$clip" ] || "$ffmpeg/ffmpeg" -v error -y -i "$DEPS/clips/bigbuckbunny.mp4" -an -vf "scale=${size/x/:}" \
        -c:v libx264 -preset veryfast -crf 20 "$clip"
done
# 24 frames of one size, then 24 of another.
sizes=$folder/clips/two-sizes.h264
if [ ! -s "$sizes" ]; then
    for size in 320:180 480:270; do
        "$ffmpeg/ffmpeg" -v error -i "$DEPS/clips/bigbuckbunny.mp4" -an -frames:v 24 -vf "scale=$size" \
            -c:v libx264 -preset veryfast -crf 20 -bf 0 -f h264 -
    done >"$sizes.part"
    mv "$sizes.part" "$sizes"
fi

step "References"
# reference ENGINE MODEL CLIP FRAMES INPUT FORMAT WIDTH:HEIGHT:X:Y: a window of what the CPU makes of the first frames.
# INPUT: filters before the model; without, frames are those that the GPU decodes. tests/gpu/run/accuracy.py reads it.
entries=()
reference() {
    local model=$2 input=$5 format=$6 window=$7 file
    [ -s "$model" ] || { note "no $model: nothing to compare $1 with"; return; }
    # Of the model, not the engine: several engines have one model.
    file=$folder/references/$(basename "$model" .onnx)-$3-$format.raw
    if [ ! -s "$file.xz" ] || [ "$model" -nt "$file.xz" ] || [ "$ffmpeg/ffmpeg" -nt "$file.xz" ]; then
        note "$(basename "$file")"
        "$ffmpeg/ffmpeg" -v error -y -i "$folder/clips/$3.mp4" -an -frames:v "$4" \
            -vf "${input:-format=nv12},rave=$model,crop=$window:exact=1" -f rawvideo "$file"
        rm -f "$file.xz"
        xz -6 "$file"
    fi
    entries+=("{\"name\": \"$(basename "$file")\", \"engine\": \"$1\", \"clip\": \"$3\", \"frames\": $4,
  \"input\": \"$input\", \"format\": \"$format\", \"window\": [${window//:/, }]}")
}
x2=$DEPS/models/animevideov3-x2.onnx x4=$DEPS/models/animevideov3-x4.onnx
exact=scale=flags=accurate_rnd+bitexact
for engine in animevideov3-x2-dyn-{fp16,fp32io}; do reference "$engine" "$x2" 180p 2 '' nv12 640:360:0:0; done
reference animevideov3-x2-dyn-fp32io "$x2" 180p 1 "$exact,format=p010le" p010le 640:360:0:0
for format in yuv444p rgb0; do
    reference animevideov3-x2-dyn-fp16 "$x2" 180p 1 "$exact,format=$format" "$format" 256:256:128:64
done
for engine in animevideov3-x2-720p-{fp16,batch4-fp16}; do reference "$engine" "$x2" 720p 1 '' nv12 512:256:1024:400; done
reference animevideov3-x2-1080p-fp16 "$x2" 1080p 1 '' nv12 512:256:1600:900
reference animevideov3-x4-540p-fp16 "$x4" 540p 1 '' nv12 512:256:1600:900
if [ -n "$models" ]; then
    reference super-resolution-10-luma-224-fp32 "$models/super-resolution-10.onnx" 180p 1 '' nv12 960:540:0:0
    reference sharpen-1x-dyn-fp16 "$models/sharpen-1x-fp16.onnx" 180p 2 '' nv12 320:180:0:0
fi
(IFS=,; echo "[${entries[*]}]") >"$folder/references/index.json"

git -C "$ROOT" describe --always --dirty --abbrev=12 >"$folder/revision" 2>/dev/null || echo unknown >"$folder/revision"
put "$ROOT/tests/gpu/run.sh" run.sh
for file in "$ROOT"/tests/gpu/run/*.py; do put "$file" "run/$(basename "$file")"; done
[ ! -s "$ROOT/tests/gpu/golden.json" ] || put "$ROOT/tests/gpu/golden.json" golden.json
step "$(du -sh "$folder" | cut -f1) in $folder"
