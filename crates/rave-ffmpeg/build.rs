//! Makes programs link anew when FFmpeg's static libraries have changed, and says which FFmpeg is wanted.

use std::env::var_os;

fn main() {
    println!("cargo::rerun-if-env-changed=FFMPEG_DIR");
    if var_os("FFMPEG_DIR").is_some() {
        return; // ffmpeg-sys-next looks there and nowhere else
    }
    // 61.19 is FFmpeg 7.1's.
    let library =
        pkg_config::Config::new().cargo_metadata(false).atleast_version("61.19").probe("libavcodec");
    let library = match library {
        Ok(library) => library,
        Err(error) => {
            println!(
                "cargo::error=rave-ffmpeg needs FFmpeg 7.1 or newer: run scripts/build-ffmpeg.sh ({error})"
            );
            return;
        }
    };
    for folder in &library.link_paths {
        for name in ["libavutil.a", "libavcodec.a", "libavformat.a", "libswscale.a"] {
            let archive = folder.join(name);
            if archive.is_file() {
                println!("cargo::rerun-if-changed={}", archive.display());
            }
        }
    }
}
