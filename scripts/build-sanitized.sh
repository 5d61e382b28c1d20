#!/usr/bin/env bash
# Usage: scripts/build-sanitized.sh address|thread
#
# Builds librave.a with AddressSanitizer or ThreadSanitizer in our own Rust code, into build/asan or build/tsan. The tests
# of the C ABI use them when RAVE_ASAN_LIBDIR names build/asan/lib, and RAVE_TSAN_LIBDIR build/tsan/lib.
#
# A sanitizer is an unstable flag of rustc; RUSTC_BOOTSTRAP lets the stable compiler take it. --target keeps it away
# from build scripts and procedural macros. The C program brings AddressSanitizer's runtime, by gcc -fsanitize=address.
#
# ThreadSanitizer must see every lock that is taken, also those in the standard library, which is built anew therefore; and
# gcc's runtime is too old for what rustc makes: rustc's own goes into build/tsan/lib.
. "$(dirname "$0")/lib/common.sh"
usage_if_asked "$@"
at_most 1 "$@"

case ${1-} in
    address) short=asan name=AddressSanitizer options=() ;;
    thread) short=tsan name=ThreadSanitizer options=(-Z 'build-std=std,panic_unwind') ;;
    *) die "usage: scripts/build-sanitized.sh address|thread" ;;
esac
need_cargo
if [ "$1" = thread ] && ! [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
    rustup component add rust-src
fi
TARGET=$(rustc -vV | sed -n 's/^host: //p')
step "librave.a with $name"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$1 -Zexternal-clangrt" \
    logged "$BUILD/$short.log" \
    cargo rustc --manifest-path "$ROOT/Cargo.toml" -p rave-ffi --release --target "$TARGET" "${options[@]}" \
    --target-dir "$BUILD/$short" --lib --crate-type staticlib
mkdir -p "$BUILD/$short/lib"
ln -sfn "../$TARGET/release/librave.a" "$BUILD/$short/lib/librave.a"
if [ "$1" = thread ]; then
    runtime=("$(rustc --print target-libdir)"/librustc-*_rt.tsan.a)
    ln -sfn "${runtime[0]}" "$BUILD/$short/lib/libtsan_of_rustc.a"
fi
note "$BUILD/$short/lib"
