#!/usr/bin/env bash
# Builds what tests on a GPU need in C: libnvidia-encode.so.1, a stand-in for NVENC, libcuda-counter.so, and, where
# librave is installed in build/prefix, capi.
#
#   tests/gpu/build.sh OUT_DIR
#
# README.md beside this script says what they do.
# shellcheck source=scripts/lib/common.sh
. "$(dirname "$0")/../../scripts/lib/common.sh"
# shellcheck source=scripts/lib/sources.sh
. "$ROOT/scripts/lib/sources.sh"
usage_if_asked "$@"
out=${1:?usage: tests/gpu/build.sh OUT_DIR}
here=$ROOT/tests/gpu
mkdir -p "$out"
headers=$(nv_codec_headers)

# shared_library NAME SOURCE...: -O2 is not for speed alone, cuda-counter/lookup.c says why.
shared_library() {
    local name=$1
    shift
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -O2 -g -fPIC -shared -fvisibility=hidden -Wl,-z,defs \
        -D_GNU_SOURCE -isystem "$headers/include" -Wl,-soname,"$name" "$@" -o "$out/$name" -ldl -pthread
}
shared_library libnvidia-encode.so.1 "$here"/nvenc-standin/*.c
shared_library libcuda-counter.so "$here"/cuda-counter/*.c
if [ -s "$PREFIX/lib/librave.a" ]; then
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -O2 -s -D_GNU_SOURCE -isystem "$headers/include" \
        -I"$PREFIX/include" "$here/capi.c" -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=posix_memalign \
        "$PREFIX/lib/librave.a" -lpthread -lm -ldl -o "$out/capi"
fi
