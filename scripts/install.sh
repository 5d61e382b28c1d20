#!/usr/bin/env bash
# Usage: scripts/install.sh [--no-onnxruntime] [PREFIX]
#        scripts/install.sh --command [PREFIX]
#
# Builds the library and installs it into PREFIX (build/prefix): rave.h, librave.a, librave.so, the pkg-config modules
# rave (static) and rave-shared, the CMake package rave and, if scripts/fetch.sh has fetched it, ONNX Runtime.
# With --command the command rave instead: bin/rave, its manual pages, and completions for bash, zsh and fish.
# A file that would not change is left alone, so that nothing that depends on it is built anew.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"

onnxruntime=yes
package=rave-ffi
prefix=
for word in "$@"; do
    case $word in
    --no-onnxruntime) onnxruntime= ;;
    --command) package=rave-cli ;;
    # RV-SCR-1003
    -*) die "unknown option $word (see scripts/install.sh --help)" ;;
    *) [ -z "$prefix" ] || die "one PREFIX at most: $prefix and $word"; prefix=$word ;;
    esac
done
prefix=$(realpath -m -- "${prefix:-$PREFIX}")

need_cargo
need_packages gcc g++ libc6-dev clang pkg-config
"$ROOT/scripts/fetch-tensorrt-headers.sh"
if [ "$package" = rave-cli ]; then
    # Its videos are FFmpeg's affair: that of the system, if it is new enough, or ours.
    link_ffmpeg
    pkg-config --exists 'libavcodec >= 61.19' 'libavformat' 'libswscale' || "$ROOT/scripts/build-ffmpeg.sh"
fi
step "Building $package"
(cd "$ROOT" && cargo build --release --locked -p "$package")
built=${CARGO_TARGET_DIR:-$ROOT/target}/release

# The nearest folder that exists says whether installing takes root.
existing=$prefix
while [ ! -d "$existing" ]; do existing=$(dirname "$existing"); done
privileged=()
[ -w "$existing" ] || privileged=(as_root)

version=$(rave_version)
soversion=${version%%.*}
changed=0

# put MODE SOURCE NAME: the file NAME below the prefix, with SOURCE's content; replaced at once, if it differs.
# RV-SCR-1008
put() {
    local target=$prefix/$3
    if cmp -s "$2" "$target" && [ "$(stat -c %a "$target")" = "$1" ]; then return; fi
    "${privileged[@]}" install -D -m "$1" "$2" "$target.part"
    "${privileged[@]}" mv -fT "$target.part" "$target"
    changed=$((changed + 1))
    note "$target"
}

# put_link TARGET NAME: the symbolic link NAME below the prefix.
put_link() {
    local link=$prefix/$2
    [ "$(readlink "$link" 2>/dev/null)" = "$1" ] && return
    "${privileged[@]}" ln -sfT "$1" "$link.part"
    "${privileged[@]}" mv -fT "$link.part" "$link"
    changed=$((changed + 1))
    note "$link -> $1"
}

# put_filled TEMPLATE NAME: a template of include/ with its @WORDS@ filled in.
put_filled() {
    local text filled
    text=$(<"$ROOT/include/$1")
    text=${text//@PREFIX@/"$prefix"}
    text=${text//@VERSION@/"$version"}
    text=${text//@SOVERSION@/"$soversion"}
    filled=$(mktemp "$BUILD/filled.XXXXXX")
    printf '%s\n' "$text" >"$filled"
    put 644 "$filled" "$2"
    rm -f "$filled"
}

# RV-FFI-1206, RV-SCR-1006
install_library() {
    local library
    put 644 "$ROOT/include/rave.h" include/rave.h
    put 644 "$built/librave.a" lib/librave.a
    put 755 "$built/librave.so" "lib/librave.so.$soversion"
    put_link "librave.so.$soversion" lib/librave.so
    put_filled rave.pc.in lib/pkgconfig/rave.pc
    put_filled rave-shared.pc.in lib/pkgconfig/rave-shared.pc
    put_filled raveConfig.cmake.in lib/cmake/rave/raveConfig.cmake
    put_filled raveConfigVersion.cmake.in lib/cmake/rave/raveConfigVersion.cmake
    # Programs find it as ../lib/rave/libonnxruntime.so beside their own folder, or by RAVE_ONNXRUNTIME_LIB.
    if [ -n "$onnxruntime" ]; then
        library=$DEPS/onnxruntime/libonnxruntime.so.$ONNXRUNTIME_RELEASE
        if [ -s "$library" ]; then
            put 755 "$library" lib/rave/libonnxruntime.so
        else
            note "without ONNX Runtime, which was not fetched (scripts/fetch.sh onnxruntime): the embedded runtime is used"
        fi
    fi
}

# RV-SCR-1012
install_command() {
    local made pages page shell
    made=$(mktemp -d "$BUILD/command.XXXXXX")
    put 755 "$built/rave" bin/rave
    "$built/rave" man "$made" >"$made/said"
    pages=("$made"/*.1)
    for page in "${pages[@]}"; do put 644 "$page" "share/man/man1/$(basename "$page")"; done
    for shell in bash zsh fish; do "$built/rave" completions "$shell" >"$made/$shell"; done
    put 644 "$made/bash" share/bash-completion/completions/rave
    put 644 "$made/zsh" share/zsh/site-functions/_rave
    put 644 "$made/fish" share/fish/vendor_completions.d/rave.fish
    rm -r "$made"
}

step "Installing $package of RAVE $version into $prefix"
case $package in
rave-ffi) install_library ;;
rave-cli) install_command ;;
esac
[ "$changed" != 0 ] || note "nothing has changed"
# The loader looks for librave.so in its own index of the system's folders.
if [ "$package" = rave-ffi ] && [ "$changed" != 0 ]; then
    case $prefix in /usr | /usr/local) "${privileged[@]}" ldconfig ;; esac
fi
