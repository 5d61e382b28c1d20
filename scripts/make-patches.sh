#!/usr/bin/env bash
# Writes the patch series for each FFmpeg version, ffmpeg-patch/VERSION/*.patch, from ffmpeg-patch/vf_rave.c and
# ffmpeg-patch/filters.texi. The same input gives the same bytes.
#
#   scripts/make-patches.sh           write them
#   scripts/make-patches.sh --check   only compare them with what is there; fails if they differ
. "$(dirname "$0")/lib/common.sh"
. "$ROOT/scripts/lib/sources.sh"

usage_if_asked "$@"
at_most 1 "$@"
check=
case ${1:-} in
    '') ;;
    --check) check=1 ;;
    *) die "usage: scripts/make-patches.sh [--check]" ;;
esac
need_packages git xz-utils

tmp=$(mktemp -d "$BUILD/patches.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
# RV-SCR-1005
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME="The RAVE authors" GIT_AUTHOR_EMAIL=rave@example.org GIT_AUTHOR_DATE="2026-01-01T00:00:00Z"
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE

# insert before|after FILE PATTERN TEXT: puts lines beside the only line of FILE that matches the awk pattern.
insert() {
    WHERE=$1 PATTERN=$3 TEXT=$4 awk '
        ENVIRON["WHERE"] == "before" && $0 ~ ENVIRON["PATTERN"] { print ENVIRON["TEXT"] }
        { print }
        $0 ~ ENVIRON["PATTERN"] { found++; if (ENVIRON["WHERE"] == "after") print ENVIRON["TEXT"] }
        END { exit found != 1 }' "$2" >"$tmp/edited" || die "FFmpeg $version, $2: not exactly one line matches $3"
    cat "$tmp/edited" >"$2" # keeps the mode
}

commit() { # SUBJECT BODY
    git add --all
    git commit --quiet --message "$1" --message "$2"
}

# write_series VERSION: the series for that FFmpeg into $tmp/VERSION.
# RV-FILT-1201, RV-SCR-1005
write_series() {
    local release=${FFMPEG_RELEASE[$version]} archive=$DEPS/ffmpeg-${FFMPEG_RELEASE[$version]}.tar.xz declaration
    local files=(configure Changelog doc/filters.texi libavfilter/Makefile libavfilter/allfilters.c)
    ffmpeg_archive "$version"
    mkdir -p "$tmp/source"
    tar -xf "$archive" -C "$tmp/source" --strip-components=1 "${files[@]/#/ffmpeg-$release/}"
    cd "$tmp/source"
    git init --quiet --initial-branch=master
    commit "FFmpeg $release" "The files that the patches change."

    insert after configure '^  --enable-librav1e ' \
        '  --enable-librave         enable AI models on video frames via librave [no]'
    insert after configure '^    librav1e$' '    librave'
    insert after configure '^enabled librav1e ' \
        'enabled librave           && require_pkg_config librave "rave >= 0.1" rave.h rave_version'
    commit "configure: add librave" "The library runs AI models on video frames. It has a C interface and a pkg-config
file; what runs the models is loaded at run time."

    cp "$ROOT/ffmpeg-patch/vf_rave.c" libavfilter/vf_rave.c
    insert after configure '^quirc_filter_deps=' 'rave_filter_deps="librave"'
    # shellcheck disable=SC2016 # make's variable, not the shell's
    insert after libavfilter/Makefile '^OBJS-\$\(CONFIG_RANDOM_FILTER\)' \
        'OBJS-$(CONFIG_RAVE_FILTER)                   += vf_rave.o'
    declaration=$(grep -E '^extern const (AV|FF)Filter ff_vf_random;$' libavfilter/allfilters.c)
    insert after libavfilter/allfilters.c '^extern const (AV|FF)Filter ff_vf_random;$' "${declaration/random/rave}"
    insert before doc/filters.texi '^@section readeia608$' "$(cat "$ROOT/ffmpeg-patch/filters.texi")"$'\n'
    insert after Changelog "^version $release:" '- rave video filter'
    commit "avfilter/vf_rave: add a filter that runs AI models" "    ffmpeg -i in.mp4 -vf rave=model.onnx out.mp4

The scale of the output is the model's. Colour properties are read from the frames
and written on what is made of them."

    git -c core.abbrev=12 format-patch --quiet --unified=1 --diff-algorithm=myers --no-renames --zero-commit \
        --no-signature --output-directory "$tmp/$version" HEAD~2
    cd "$ROOT"
    rm -rf "$tmp/source"
}

for version in "${!FFMPEG_RELEASE[@]}"; do
    write_series
    if [ -n "$check" ]; then
        diff -r -u "ffmpeg-patch/$version" "$tmp/$version" ||
            die "ffmpeg-patch/$version is not what its sources give; run scripts/make-patches.sh and commit the result"
        note "ffmpeg-patch/$version is up to date"
    else
        rm -rf "ffmpeg-patch/$version"
        mv "$tmp/$version" "ffmpeg-patch/$version"
        note "wrote ffmpeg-patch/$version"
    fi
done
