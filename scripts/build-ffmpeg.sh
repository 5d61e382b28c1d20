#!/usr/bin/env bash
# Builds FFmpeg with the filter rave: build/ffmpeg-VERSION/bin/{ffmpeg,ffprobe}, and of the default version the static
# libraries that the crate rave-ffmpeg links, with headers and pkg-config files: build/ffmpeg-VERSION/{lib,include}.
#
#   scripts/build-ffmpeg.sh [9.0|8.1|7.1] [--full] [--clean]
#
#   --full    all that FFmpeg enables by default, in build/ffmpeg-VERSION-full; otherwise only what
#             scripts/lib/ffmpeg-components.sh lists, which takes a fraction of the time
#   --clean   start anew
#
# Run again, it does what has changed: nothing, a new link to librave.a, or the compilation of vf_rave.c. The default
# version is also at build/bin/{ffmpeg,ffprobe}. RAVE_JOBS limits the number of compilers that run at once.
. "$(dirname "$0")/lib/common.sh"
. "$ROOT/scripts/lib/sources.sh"
. "$ROOT/scripts/lib/ffmpeg-components.sh"

usage_if_asked "$@"
version=$FFMPEG_DEFAULT full='' clean=''
for arg; do
    case $arg in
        --full) full=-full ;;
        --clean) clean=1 ;;
        *)
            # RV-SCR-1003
            [ -n "${FFMPEG_RELEASE[$arg]:-}" ] || die "usage: scripts/build-ffmpeg.sh [9.0|8.1|7.1] [--full] [--clean], not $arg"
            version=$arg
            ;;
    esac
done
jobs=${RAVE_JOBS:-$(nproc)}
home=$BUILD/ffmpeg-$version$full
src=$home/src
log=$home/log
[ -z "$clean" ] || rm -rf "$home"
mkdir -p "$home/bin" "$log"

# hash_of FILE...: one hash for the contents of all.
hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
# is_stamped NAME VALUE: whether the step NAME was finished for VALUE, which `stamp NAME VALUE` notes.
# RV-SCR-1008
is_stamped() { [ "$(cat "$home/$1.stamp" 2>/dev/null)" = "$2" ]; }
stamp() { echo "$2" >"$home/$1.stamp"; }

# patched_source: the release with the patch series in $src. What has not changed keeps its time, so that make leaves
# it alone.
patched_source() {
    local patches=("$ROOT/ffmpeg-patch/$version"/*.patch) key patch file
    key="${FFMPEG_SHA256[$version]} $(hash_of "${patches[@]}")"
    is_stamped source "$key" && [ -f "$src/configure" ] && return
    step "Unpacking and patching FFmpeg ${FFMPEG_RELEASE[$version]}"
    ffmpeg_source "$version" "$src.new"
    for patch in "${patches[@]}"; do
        note "$(basename "$patch")"
        logged "$log/patch.log" patch -d "$src.new" -p1 --forward --fuzz=0 -i "$patch"
    done
    if [ -f "$src/configure" ] &&
        [ "$(cut -d' ' -f1 "$home/source.stamp" 2>/dev/null)" = "${FFMPEG_SHA256[$version]}" ]; then
        stamp source "${FFMPEG_SHA256[$version]}" # the release with an unknown part of the series, if this is cut short
        sed -n 's,^+++ b/,,p' "${patches[@]}" | while read -r file; do
            cmp -s "$src.new/$file" "$src/$file" || cp "$src.new/$file" "$src/$file"
        done
        rm -rf "$src.new"
    else
        rm -rf "$src"
        mv "$src.new" "$src"
    fi
    stamp source "$key"
}

# components KIND: the names of this version's decoders, encoders, ...
components() {
    local kind=$1
    echo "${FFMPEG_COMPONENTS[$kind]}"
    [ "$version" != "$FFMPEG_DEFAULT" ] || echo "${FFMPEG_MORE_COMPONENTS[$kind]:-}"
}

# configured: FFmpeg's configure has run with these options.
configured() {
    local nv options kind key missing=() name
    nv=$(nv_codec_headers)
    export PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig:$nv/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    # NVIDIA's libraries are opened at run time, if at all. The *_cuda filters are compiled by clang, without a toolkit,
    # for the oldest GPUs that TensorRT 10 runs on; drivers translate that for newer ones.
    # RV-FILT-1202
    options=(--disable-doc --disable-ffplay --disable-debug --enable-gpl --enable-libx264 --enable-librave
        --enable-ffnvcodec --enable-cuda --enable-cuda-llvm --enable-cuvid --enable-nvdec --enable-nvenc
        --nvccflags="--cuda-gpu-arch=sm_75 -O2")
    ! pkg-config --exists 'dav1d >= 0.5.0' || options+=(--enable-libdav1d)
    ! pkg-config --exists x265 || options+=(--enable-libx265)
    if [ -z "$full" ]; then
        options+=(--disable-everything --disable-autodetect --disable-network --enable-zlib)
        for kind in "${FFMPEG_COMPONENT_KINDS[@]}"; do
            for name in $(components "$kind"); do options+=("--enable-$kind=$name"); done
        done
        [ "$version" != "$FFMPEG_DEFAULT" ] || options+=("${FFMPEG_WHOLE_KINDS[@]/#/--enable-}")
    fi
    # Paths too: configure writes them down, and a build folder may be moved.
    key="$nv $PREFIX ${options[*]} $(hash_of "$src/configure" "$src/libavfilter/allfilters.c" "$PREFIX/lib/pkgconfig/rave.pc")"
    key+=" $(gcc -dumpfullversion) $(clang -dumpversion) $(pkg-config --modversion x264 ffnvcodec | tr '\n' ' ')"
    is_stamped configure "$key" && return
    step "Configuring it"
    rm -f "$home/configure.stamp"
    cd "$src"
    logged "$log/configure.log" ./configure "${options[@]}"
    # Assembler sources depend on components too, which make does not see.
    find . -name '*.asm' | sed 's/asm$/o/' | xargs rm -f
    cd "$ROOT"
    grep -q '^#define CONFIG_RAVE_FILTER 1$' "$src/config_components.h" || die "configure left out the filter rave:" \
        "see $src/ffbuild/config.log"
    if [ -z "$full" ]; then
        for kind in "${FFMPEG_COMPONENT_KINDS[@]}"; do
            for name in $(components "$kind"); do
                name=${name}_$kind
                grep -q "^#define CONFIG_${name^^} 1$" "$src/config_components.h" || missing+=("$name")
            done
        done
        [ ${#missing[@]} -eq 0 ] || note "not available here: ${missing[*]}"
    fi
    stamp configure "$key"
}

# compiled: the programs are in $home/bin, linked with the librave.a of now.
compiled() {
    local key name
    key=$(hash_of "$home/source.stamp" "$home/configure.stamp" "$PREFIX/lib/librave.a" "$PREFIX/include/rave.h")
    if is_stamped programs "$key" && [ -x "$home/bin/ffmpeg" ] && [ -x "$home/bin/ffprobe" ]; then
        return
    fi
    step "Compiling it with $jobs jobs"
    # make knows neither of these dependencies: librave.a of the programs, the installed header of the object.
    rm -f "$src/ffmpeg_g" "$src/ffprobe_g"
    [ ! "$PREFIX/include/rave.h" -nt "$src/libavfilter/vf_rave.o" ] || rm -f "$src/libavfilter/vf_rave.o"
    # The filter has to be clean of more warnings than FFmpeg asks for. `{ NULL }` ends FFmpeg's lists of options.
    # RV-FILT-1203
    logged "$log/vf_rave.log" make -C "$src" libavfilter/vf_rave.o \
        ECFLAGS="-isystem $(nv_codec_headers)/include -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers -Werror"
    logged "$log/make.log" make -C "$src" -j "$jobs" ffmpeg ffprobe
    for name in ffmpeg ffprobe; do
        cp "$src/$name" "$home/bin/$name.new"
        mv "$home/bin/$name.new" "$home/bin/$name"
    done
    "$home/bin/ffmpeg" -hide_banner -h filter=rave | grep -q '^Filter rave' || die "$home/bin/ffmpeg lacks the filter"
    stamp programs "$key"
}

# libraries_installed: what Rust programs link is in $home/{lib,include}. libavfilter is not: librave.a is in it.
# RV-FF-1701
libraries_installed() {
    local key name parts=()
    key=$(hash_of "$home/source.stamp" "$home/configure.stamp")
    is_stamped libraries "$key" && [ -f "$home/lib/pkgconfig/libavformat.pc" ] && return
    step "Installing its libraries"
    for name in avutil swresample swscale avcodec avformat; do
        parts+=("install-lib$name-static" "install-lib$name-headers" "install-lib$name-pkgconfig")
    done
    logged "$log/install.log" make -C "$src" prefix="$home" "${parts[@]}"
    # Relative, so that the build folder can be moved.
    # shellcheck disable=SC2016 # pkg-config's own notation
    sed -i -e 's,^prefix=.*,prefix=${pcfiledir}/../..,' -e 's,^libdir=.*,libdir=${prefix}/lib,' \
        -e 's,^includedir=.*,includedir=${prefix}/include,' "$home"/lib/pkgconfig/*.pc
    stamp libraries "$key"
}

need_packages gcc g++ libc6-dev make patch nasm pkg-config xz-utils clang zlib1g-dev libx264-dev
step "librave in $PREFIX"
"$ROOT/scripts/install.sh" "$PREFIX"
patched_source
configured
compiled
give_onnxruntime "$home"
if [ "$version" = "$FFMPEG_DEFAULT" ]; then
    [ -n "$full" ] || libraries_installed
    mkdir -p "$BUILD/bin"
    ln -sfn "../ffmpeg-$version$full/bin/ffmpeg" "$BUILD/bin/ffmpeg"
    ln -sfn "../ffmpeg-$version$full/bin/ffprobe" "$BUILD/bin/ffprobe"
fi
step "FFmpeg ${FFMPEG_RELEASE[$version]} with rave: $home/bin/ffmpeg"
