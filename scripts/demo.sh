#!/usr/bin/env bash
# Usage: scripts/demo.sh [--seconds N]
#
# Shows what RAVE does, starting from nothing: installs what is missing, fetches a real clip and a real model, builds
# librave and FFmpeg, doubles the size of N seconds (3) of the clip, and puts a picture of before and after beside it.
# The first run takes some minutes, most of them compiling; later ones less than one.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

seconds=3
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=${2:-} && shift ;;
    --seconds=*) seconds=${1#*=} ;;
    *) die "unknown option $1 (see scripts/demo.sh --help)" ;;
    esac
    shift || die "--seconds takes a number"
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "--seconds takes a whole number of 1 or more, not '$seconds'"

# Paths as they are copied and pasted: relative to the repository where that is possible.
cd "$ROOT"
relative() { realpath --relative-base="$ROOT" -s -- "$1"; }
ffmpeg=$(relative "$BUILD/bin/ffmpeg")
ffprobe=$(relative "$BUILD/bin/ffprobe")
clip=$(relative "$DEPS/clips/bigbuckbunny.mp4")
model=$(relative "$DEPS/models/animevideov3-x2.onnx")
video=$(relative "$BUILD/demo/upscaled.mp4")
picture=$(relative "$BUILD/demo/before-after.png")

need_cargo
step "Fetching a clip, a model and ONNX Runtime"
scripts/fetch.sh clips models onnxruntime
step "Building librave and FFmpeg $FFMPEG_DEFAULT"
scripts/build-ffmpeg.sh "$FFMPEG_DEFAULT"
mkdir -p "$BUILD/demo"

# The clip is made small first, as there is little to gain on one that is large and sharp.
small="scale=320:-2"
upscale=("$ffmpeg" -hide_banner -loglevel error -stats -y -t "$seconds" -i "$clip"
    -vf "$small,rave=$model" -c:v libx264 -c:a copy "$video")
# Both halves from the same small frame: left by bicubic interpolation, right by the model.
compare=("$ffmpeg" -hide_banner -loglevel error -y -ss 1 -i "$clip" -frames:v 1 -update 1 -filter_complex
    "[0:v]$small,split[a][b];[a]scale=2*iw:2*ih:flags=bicubic,pad=iw+4:ih:0:0:white[before];[b]rave=${model}[after];\
[before][after]hstack,format=rgb24" "$picture")

# as_typed COMMAND...: how to type it in a shell.
as_typed() {
    local word
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=,+-]*) printf "'%s' " "$word" ;;
        *) printf '%s ' "$word" ;;
        esac
    done
    printf '\n'
}

# probed FILE STREAM ENTRIES: values that ffprobe knows, separated by commas.
probed() { "$ffprobe" -v error -select_streams "$2" -count_packets -show_entries "$3" -of csv=p=0 "$1"; }

step "Doubling the size of $seconds s of $(basename "$clip")"
as_typed "${upscale[@]}"
start=$EPOCHREALTIME
"${upscale[@]}"
end=$EPOCHREALTIME

step "Putting before and after side by side"
as_typed "${compare[@]}"
"${compare[@]}"

# FFmpeg can exit with success and leave frames out: look at what came out.
size=$(probed "$video" v:0 stream=width,height)
frames=$(probed "$video" v:0 stream=nb_read_packets)
sound=$(probed "$video" a:0 stream=codec_name)
[ "$size" = 640,360 ] || die "$video is of size ${size:-unknown}, 640,360 was expected"
length=$(probed "$clip" v:0 stream=nb_read_packets) # at 25 frames a second
wanted=$((seconds * 25 < length ? seconds * 25 : length))
[ "$frames" = "$wanted" ] || die "$video has ${frames:-no} frames, $wanted were expected"
[ -n "$sound" ] || die "$video has lost its sound"
[ "$(probed "$picture" v:0 stream=width,height)" = 1284,360 ] || die "$picture is not of the expected size"

step "Done"
awk -v frames="$frames" -v start="${start/,/.}" -v end="${end/,/.}" -v threads="$(nproc)" 'BEGIN {
    seconds = end - start
    printf "    %d frames, 320x180 to 640x360, in %.1f s: %.1f frames/s on %d CPU threads, all included\n",
        frames, seconds, frames / seconds, threads
}'
note "model     Real-ESRGAN animevideov3 x2, $(stat -c %s "$model") bytes: $model"
note "video     $(stat -c %s "$video") bytes, with the clip's sound ($sound): $video"
note "picture   left bicubic, right RAVE: $picture"
note ""
note "Your own video, from $ROOT:"
note "    $ffmpeg -i INPUT -vf rave=$model -c:a copy OUTPUT.mp4"
note "All options: $ffmpeg -h filter=rave"
