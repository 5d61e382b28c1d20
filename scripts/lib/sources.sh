# Sources of other projects that are built here: fetched once, checked against scripts/lib/versions.sh, kept in $DEPS.
# Source it after common.sh.
# shellcheck shell=bash

# fetch URL FILE: FILE from the project's own site; fails quickly and quietly where that site cannot be reached.
fetch() {
    mkdir -p "$(dirname "$2")"
    if command -v curl >/dev/null; then
        curl --fail --silent --location --connect-timeout 5 --max-time 600 --output "$2.part" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --tries=1 --connect-timeout=5 --read-timeout=60 --output-document="$2.part" "$1"
    else
        return 1
    fi 2>/dev/null && mv "$2.part" "$2" && return
    rm -f "$2.part"
    return 1
}

# debian_mirrors: where this machine gets Debian packages from, one per line: what RAVE_DEBIAN_MIRROR names, else what
# apt is set up with. A mirror of another distribution does no harm, it only lacks the suite.
debian_mirrors() {
    if [ -n "${RAVE_DEBIAN_MIRROR:-}" ]; then
        echo "$RAVE_DEBIAN_MIRROR"
        return
    fi
    # apt knows its sources only once it has their lists, which images for containers leave out.
    apt_sources | grep -q . || as_root apt-get update -qq >/dev/null 2>&1 || true
    apt_sources
}

# apt_sources: where apt gets packages from, but for the updates for security, which have no sources of other suites.
apt_sources() {
    # shellcheck disable=SC2016 # $(REPO_URI) is apt's own notation
    apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed 's,/*$,,' | grep -v -- '-security$' | sort -u
}

# fetch_debian_orig PACKAGE SUITE VERSION NAME SHA256 FILE: the upstream archive NAME out of Debian's source package.
# It has an apt root of its own, so neither root nor a change of the machine's sources is needed. What arrives is judged
# by its checksum alone; the archive with Debian's own changes is of no interest and may fail to come.
fetch_debian_orig() {
    local package=$1 suite=$2 version=$3 name=$4 sha256=$5 file=$6 root=$DEPS/apt/$2 mirror found
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg trust apt
    command -v apt-get >/dev/null || return 1
    trust=trusted=yes # safe for the reason given above
    [ -r $keyring ] && trust=signed-by=$keyring
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$root/download"
    apt=(-o "Dir::Etc::SourceList=$root/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$root/lists" -o "Dir::Cache=$root/cache" -o "APT::Sandbox::User=$(id -un)"
        -o Acquire::Languages=none -o Acquire::Retries=2
        -o Acquire::Check-Valid-Until=false) # a mirror that lags behind has what is wanted all the same
    for mirror in $(debian_mirrors); do
        echo "deb-src [$trust] $mirror $suite main" >"$root/sources.list"
        apt-get "${apt[@]}" update -qq >"$root/log" 2>&1 || continue
        # A suite moves on to later packages of the same release: take the one that lists this very archive.
        found=$(apt-cache "${apt[@]}" showsrc "$package" 2>>"$root/log" |
            awk -v want="$sha256" '/^Version:/ { version = $2 } $1 == want { print version; exit }')
        (cd "$root/download" && apt-get "${apt[@]}" source --download-only -qq "$package=${found:-$version}") \
            >>"$root/log" 2>&1 || true
        if has_sha256 "$root/download/$name" "$sha256"; then
            mv "$root/download/$name" "$file"
            rm -rf "$root"
            return
        fi
    done
    return 1
}

# fetch_source TITLE URL PACKAGE "SUITE VERSION" ORIG SHA256 FILE: FILE with that checksum, from upstream or Debian.
# RV-SCR-1002
fetch_source() {
    local title=$1 url=$2 package=$3 suite version orig=$5 sha256=$6 file=$7
    read -r suite version <<<"$4"
    has_sha256 "$file" "$sha256" && return
    note "fetching $title"
    if [ -n "$url" ] && fetch "$url" "$file"; then
        has_sha256 "$file" "$sha256" && return
        note "$url is not the expected file (sha256 $sha256); trying Debian's source package"
        rm -f "$file"
    fi
    mkdir -p "$(dirname "$file")"
    fetch_debian_orig "$package" "$suite" "$version" "$orig" "$sha256" "$file" || die \
        "could not fetch $title: neither ${url:-upstream} nor Debian's source package $package $version gave it." \
        "Name a mirror of Debian in RAVE_DEBIAN_MIRROR, or put the file with sha256 $sha256 at $file, and run this again."
}

# ffmpeg_archive VERSION: sees to it that the release of FFmpeg VERSION (9.0, 8.1, 7.1) is in $DEPS.
ffmpeg_archive() {
    local release=${FFMPEG_RELEASE[$1]}
    fetch_source "FFmpeg $release" "https://ffmpeg.org/releases/ffmpeg-$release.tar.xz" \
        ffmpeg "${FFMPEG_DEBIAN[$1]}" "ffmpeg_$release.orig.tar.xz" "${FFMPEG_SHA256[$1]}" \
        "$DEPS/ffmpeg-$release.tar.xz"
}

# ffmpeg_source VERSION DIR: unpacks it into the new directory DIR.
ffmpeg_source() {
    ffmpeg_archive "$1"
    unpack "$DEPS/ffmpeg-${FFMPEG_RELEASE[$1]}.tar.xz" "$2"
}

# unpack ARCHIVE DIR: unpacks the one directory in ARCHIVE as DIR, which appears only when it is complete.
unpack() {
    rm -rf "$2" "$2.part"
    mkdir -p "$2.part"
    tar -xf "$1" -C "$2.part" --strip-components=1
    mv "$2.part" "$2"
}

# nv_codec_headers: the prefix under which FFmpeg's copies of NVIDIA's codec headers and their ffnvcodec.pc are.
nv_codec_headers() {
    local prefix=$DEPS/nv-codec-headers release=$NV_CODEC_HEADERS_RELEASE archive source
    archive=$DEPS/nv-codec-headers-$release.tar.xz
    source=$DEPS/nv-codec-headers-$release
    if [ "$(cat "$prefix/release" 2>/dev/null)" != "$release" ]; then
        # Upstream publishes this release in another compression only, so under another checksum: Debian's it is.
        fetch_source "nv-codec-headers $release" "" nv-codec-headers "$NV_CODEC_HEADERS_DEBIAN" \
            "nv-codec-headers_$release.orig.tar.xz" "$NV_CODEC_HEADERS_SHA256" "$archive" >&2
        unpack "$archive" "$source"
        rm -rf "$prefix"
        make -C "$source" PREFIX="$prefix" install >"$DEPS/nv-codec-headers.log" 2>&1 ||
            die "could not install nv-codec-headers (log: $DEPS/nv-codec-headers.log)"
        rm -rf "$source"
        echo "$release" >"$prefix/release"
    fi
    echo "$prefix"
}
