//! Gives librave.so its soname: the major version, which changes when the ABI breaks.

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librave.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
    println!("cargo::rerun-if-changed=build.rs");
}
