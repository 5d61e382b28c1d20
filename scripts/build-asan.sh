#!/usr/bin/env bash
# Builds librave.a with AddressSanitizer in our own Rust code, into build/asan. The tests of the C ABI use it when
# RAVE_ASAN_LIBDIR names build/asan/lib.
#
# The sanitizer is an unstable flag of rustc; RUSTC_BOOTSTRAP lets the stable compiler take it. --target keeps it away
# from build scripts and procedural macros. The C program that is linked with gcc -fsanitize=address brings the runtime.
. "$(dirname "$0")/lib/common.sh"

need_cargo
TARGET=$(rustc -vV | sed -n 's/^host: //p')
step "librave.a with AddressSanitizer"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Zexternal-clangrt" \
    logged "$BUILD/asan.log" \
    cargo rustc --manifest-path "$ROOT/Cargo.toml" -p rave-ffi --release --target "$TARGET" \
    --target-dir "$BUILD/asan" --lib --crate-type staticlib
mkdir -p "$BUILD/asan/lib"
ln -sfn "../$TARGET/release/librave.a" "$BUILD/asan/lib/librave.a"
note "$BUILD/asan/lib"
