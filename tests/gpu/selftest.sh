#!/usr/bin/env bash
# Checks the libraries of build.sh without a GPU, against a driver of our own (selftest/fake_cuda.c).
#
#   tests/gpu/selftest.sh
#
# FFmpeg versions that are not built are left out, or a failure with RAVE_REQUIRE_FFMPEG=1.
# shellcheck source=scripts/lib/common.sh
. "$(dirname "$0")/../../scripts/lib/common.sh"
# shellcheck source=scripts/lib/sources.sh
. "$ROOT/scripts/lib/sources.sh"
usage_if_asked "$@"
here=$ROOT/tests/gpu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
headers=$(nv_codec_headers)

compile() {
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -O1 -g -D_GNU_SOURCE -isystem "$headers/include" -L"$work" \
        -Wl,-rpath-link,"$work" "$@" -pthread
}
export LD_LIBRARY_PATH=$work

step "Building"
"$here/build.sh" "$work"
compile -fPIC -shared -Wl,-Bsymbolic,-soname,libcuda.so.1 "$here/selftest/fake_cuda.c" -o "$work/libcuda.so.1"
compile -fPIC -shared -DWHICH=1 -DMARKER_BEHIND=marker_behind_first "$here/selftest/next.c" -o "$work/libfirst.so"
compile -fPIC -shared -DWHICH=2 -DMARKER_BEHIND=marker_behind_second "$here/selftest/next.c" -o "$work/libsecond.so"
compile "$here/selftest/lookups.c" -o "$work/lookups" \
    -Wl,--no-as-needed -lfirst -lsecond -l:libcuda.so.1
compile "$here/selftest/failing.c" -o "$work/failing" -l:libcuda.so.1
compile "$here/selftest/order.c" -o "$work/order" -l:libcuda.so.1 -l:libnvidia-encode.so.1

step "cuda-counter: three ways to look functions up, two marks, threads"
report=$work/report.json
counted() { # counted MARK: runs lookups with the counter
    rm -f "$report"
    CUDA_COUNTER_REPORT=$report CUDA_COUNTER_MARK=$1 LD_PRELOAD=$work/libcuda-counter.so "$work/lookups"
}
# section NAME: that member of the report, one line for each entry.
section() { sed -n "/^  \"$1\": [{[]/,/^  []}]/p" "$report"; }
# expect SECTION ENTRY: the section has that line.
expect() {
    section "$1" | grep -F -- "$2" >/dev/null || {
        cat "$report" >&2
        die "the report's \"$1\" does not say: $2"
    }
}
"$work/lookups" || die "lookups fails without the counter"
counted cuGraphLaunch:10:20
while read -r name calls bytes; do
    expect total "\"$name\": {\"kind\": $(case $name in
        cuMemcpy*) echo '"copy"' ;;
        cuMemAlloc*) echo '"allocation"' ;;
        *Synchronize) echo '"synchronisation"' ;;
        *Launch*) echo '"launch"' ;;
        *) echo '"query"' ;;
    esac), \"calls\": $calls, \"bytes\": $bytes}"
done <<'END'
cuMemAlloc 1 65536
cuMemcpyHtoD.HtoD 2 65536
cuMemcpyDtoHAsync.DtoH 3 24576
cuStreamSynchronize 4 0
cuMemcpy.DtoD 1 100
cuMemcpy.DtoH 1 101
cuMemcpy.HtoD 1 102
cuMemcpy.HtoH 1 103
cuMemcpy2DAsync.DtoH 1 5000
cuMemAllocAsync 2 3000
cuLaunchKernel 1 0
cuGraphLaunch 30 0
cuMemcpyHtoDAsync.HtoD 60 125880
cuEventQuery 40000 0
END
# Ten frames lie between the marks: as many launches, and twice as many copies of which half are large.
[ "$(section window | grep -c '"calls"')" = 2 ] ||
    die "the window has other calls than those of its frames: $(section window)"
expect window '"cuGraphLaunch": {"kind": "launch", "calls": 10, "bytes": 0}'
expect window '"cuMemcpyHtoDAsync.HtoD": {"kind": "copy", "calls": 20, "bytes": 41960}'
[ "$(section callers | grep -c '"calls"')" = 1 ] || die "one place makes large copies in the window: $(section callers)"
expect callers '"call": "cuMemcpyHtoDAsync", "kind": "copy", "direction": "HtoD", "library": "lookups"'
expect callers '"calls": 10, "bytes": 40960}'
grep -qF '"looked_up_but_not_counted": []' "$report" || die "a call slipped through: $(cat "$report")"
counted cuGraphLaunch:10:31
grep -q '^  "window": null' "$report" || die "a window that was not finished is reported"
CUDA_COUNTER_IGNORE=none,lookups counted cuGraphLaunch:10:20
section total | grep cuGraphLaunch >/dev/null && die "CUDA_COUNTER_IGNORE is not heeded"
(counted cuNoSuchCall:1:2) 2>/dev/null && die "a mark on a call that is not counted is accepted"
note "as expected"

step "cuda-counter: calls that fail"
# failing PLAN: what lookups gets of each call in turn; it ends at the first that fails.
failing() {
    rm -f "$report"
    CUDA_COUNTER_REPORT=$report CUDA_COUNTER_FAIL=$1 LD_PRELOAD=$work/libcuda-counter.so "$work/failing"
}
[ "$(failing any:1000:2)" = "0 0 0 0 0 0" ] || die "calls fail that were not to"
grep -q '^  "failed": null' "$report" || die "a failure is reported where none was"
[ "$(failing any:2:999)" = "0 999 999 0 999 999" ] || die "not every call from the second on fails, but for the query"
grep -qF '"failed": {"call": "cuStreamSynchronize", "library": "failing", "times": 4}' "$report" || die "$(cat "$report")"
[ "$(failing any:4:2:once)" = "0 0 0 0 2 0" ] || die "not the fourth call alone fails, queries not counted"
[ "$(failing cuMemAlloc:2:2)" = "0 0 0 0 2 0" ] || die "not the second allocation alone fails"
[ "$(failing cuStreamQuery:1:700)" = "0 0 0 700 0 0" ] || die "a query does not fail that was to"
for plan in any any:0:2 any:1:0 any:1:2:twice any:1:2:once: cuNoSuchCall:1:2; do
    (failing "$plan") >/dev/null 2>&1 && die "the plan $plan is accepted"
done
# A crash is told, and stays one.
status=0
CUDA_COUNTER_FAIL=any:1:2 LD_PRELOAD=$work/libcuda-counter.so "$work/failing" crash >/dev/null 2>"$work/crash" || status=$?
[ "$status" = 139 ] || die "a crash ends with $status: $(cat "$work/crash")"
grep -q '/failing(.*]$' "$work/crash" || die "it is not told where: $(cat "$work/crash")"
note "as expected"

step "NVENC stand-in: order of reading and writing"
"$work/order"
note "as expected"

# hashes_of ARGUMENT...: the hash of each packet that FFmpeg writes; side data come behind it.
hashes_of() {
    "$ffmpeg" -v error -nostdin -y "$@" -f framemd5 - | awk -F, '!/^#/ { print $6 }'
}
same() { # same WHAT FILE: the hashes in FILE are those of the raw frames
    [ "$(wc -l <"$work/raw")" = 50 ] || die "FFmpeg $version did not write the raw frames"
    cmp "$work/raw" "$2" || die "FFmpeg $version, $1: the packets are not the frames"
}
for version in ${RAVE_FFMPEG_VERSIONS:-9.0 8.1 7.1}; do
    ffmpeg=$BUILD/ffmpeg-$version/bin/ffmpeg
    if [ ! -x "$ffmpeg" ]; then
        [ "${RAVE_REQUIRE_FFMPEG:-}" != 1 ] || die "FFmpeg $version is not built: run scripts/build-ffmpeg.sh $version"
        note "skipped: FFmpeg $version is not built (scripts/build-ffmpeg.sh $version)"
        continue
    fi
    step "NVENC stand-in: FFmpeg $version"
    for case in h264:nv12 h264:yuv420p h264:yuv444p h264:bgr0 hevc:nv12 hevc:p010le hevc:yuv444p16le; do
        codec=${case%:*} format=${case#*:}
        source=(-f lavfi -i testsrc2=size=326x186:rate=25:duration=2)
        hashes_of "${source[@]}" -pix_fmt "$format" -c:v rawvideo >"$work/raw"
        hashes_of "${source[@]}" -pix_fmt "$format" -c:v "${codec}_nvenc" >"$work/software" 2>"$work/err"
        same "$case from host memory" "$work/software"

        export NVENC_STANDIN_LOG=$work/log.json
        rm -f "$NVENC_STANDIN_LOG"
        hashes_of -init_hw_device cuda=gpu:0 -filter_hw_device gpu "${source[@]}" -vf "format=$format,hwupload" \
            -c:v "${codec}_nvenc" >"$work/cuda" 2>"$work/err"
        same "$case from CUDA memory" "$work/cuda"
        [ "$(grep -c '"event":"encode"' "$NVENC_STANDIN_LOG")" = 50 ] || die "not every frame is in the log"
        tail -n 1 "$NVENC_STANDIN_LOG" | grep '"event":"close".*"frames":50,.*"registered_left":0}' >/dev/null ||
            die "FFmpeg $version, $case: the session did not end well: $(tail -n 1 "$NVENC_STANDIN_LOG")"
        unset NVENC_STANDIN_LOG

        for muxer in matroska mp4; do
            "$ffmpeg" -v error -nostdin -y "${source[@]}" -pix_fmt "$format" -c:v "${codec}_nvenc" -f $muxer \
                "$work/muxed" 2>"$work/err" || die "$(cat "$work/err")"
            # Without a parser: it would look for pictures in the packets.
            hashes_of -fflags +noparse -i "$work/muxed" -c copy >"$work/demuxed" 2>"$work/err"
            same "$case in $muxer" "$work/demuxed"
        done
    done

    # The uploads are FFmpeg's own; the encoder's reading is the encoder's.
    rm -f "$report"
    CUDA_COUNTER_REPORT=$report CUDA_COUNTER_MARK=cuMemcpy2DAsync:20:60 LD_PRELOAD=$work/libcuda-counter.so \
        hashes_of -init_hw_device cuda=gpu:0 -filter_hw_device gpu "${source[@]}" -vf "format=$format,hwupload" \
        -c:v "${codec}_nvenc" >"$work/cuda" 2>"$work/err"
    same "under the counter" "$work/cuda"
    expect window '"cuMemcpy2DAsync.HtoD": {"kind": "copy", "calls": 40,'
    expect callers '"direction": "HtoD", "library": "ffmpeg"'
    ! section total | grep DtoH >/dev/null || die "copies of the stand-in are counted as the program's"
    note "7 formats from host and CUDA memory, and through Matroska and MP4: the packets are the frames"
done
