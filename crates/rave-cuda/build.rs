//! Compiles `kernels/*.cu` to PTX, which the crate embeds and the driver compiles for the GPU that it finds.
//!
//! clang needs no CUDA toolkit for this. `RAVE_NVCC` names an nvcc to use in its place, `RAVE_CLANG` another clang.
//! PTX of an nvcc needs a driver as new as that nvcc; clang's is of the oldest version that has the architecture.
//! With `RAVE_NVCC`, `RAVE_CUDA_SASS=1` embeds machine code for sm_75 to sm_90 beside the PTX (a fat binary), which
//! saves the driver's compilation at the first start.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest GPU architecture (Turing) that every driver that is accepted, up to CUDA 13's, still compiles for.
const ARCHITECTURE: &str = "75";

const KERNELS: [&str; 7] =
    ["unpack", "pack", "tiles", "scale_chroma", "pack_luma", "pack_luma_whole", "compare"];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-changed=kernels");
    for name in ["RAVE_NVCC", "RAVE_CLANG", "RAVE_CUDA_SASS"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    for kernel in KERNELS {
        let source = Path::new("kernels").join(kernel).with_extension("cu");
        let image = out.join(kernel).with_extension("image");
        let compiler = match env::var_os("RAVE_NVCC").filter(|nvcc| !nvcc.is_empty()) {
            Some(nvcc) => nvcc_command(nvcc.as_ref(), &source, &image),
            None => clang_command(&source, &image),
        };
        run(compiler, &source);
        // The driver takes PTX as text that ends with a NUL byte; after a fat binary it does no harm.
        let mut bytes = std::fs::read(&image).expect("the compiler wrote its output");
        bytes.push(0);
        std::fs::write(&image, bytes).expect("OUT_DIR is writable");
    }
}

fn clang_command(source: &Path, image: &Path) -> Command {
    let clang = env::var_os("RAVE_CLANG").unwrap_or_else(|| "clang".into());
    let mut command = Command::new(clang);
    command
        .args(["-x", "cuda", "--cuda-device-only", "-S", "-nocudainc", "-nocudalib"])
        .arg(format!("--cuda-gpu-arch=sm_{ARCHITECTURE}"))
        // Equal to the CPU reference: multiplications and additions are rounded one by one.
        .args(["-O3", "-std=c++17", "-ffp-contract=off"])
        .args(["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unknown-cuda-version"])
        .arg(source)
        .arg("-o")
        .arg(image);
    command
}

fn nvcc_command(nvcc: &Path, source: &Path, image: &Path) -> Command {
    let mut command = Command::new(nvcc);
    if env::var_os("RAVE_CUDA_SASS").is_some_and(|value| value == "1") {
        command.arg("-fatbin");
        for architecture in ["75", "80", "86", "89", "90"] {
            command.arg(format!("-gencode=arch=compute_{architecture},code=sm_{architecture}"));
        }
        command.arg(format!("-gencode=arch=compute_{ARCHITECTURE},code=compute_{ARCHITECTURE}"));
    } else {
        command.args(["-ptx", &format!("-arch=compute_{ARCHITECTURE}")]);
    }
    command.args(["-O3", "-std=c++17", "--fmad=false"]).arg(source).arg("-o").arg(image);
    command
}

fn run(mut command: Command, source: &Path) {
    let program = command.get_program().to_string_lossy().into_owned();
    let source = source.display();
    let output = command.output().unwrap_or_else(|error| {
        fail(&format!(
            "cannot run `{program}` to compile {source} to PTX: {error}\n\
             install clang 14 or later (Debian and Ubuntu: apt-get install clang), name one in RAVE_CLANG, \
             or name an nvcc in RAVE_NVCC (Debian and Ubuntu: apt-get install nvidia-cuda-toolkit)"
        ))
    });
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        fail(&format!(
            "`{program}` could not compile {source} to PTX ({})\n\
             clang 14 or later with its NVPTX target is needed (Debian and Ubuntu: apt-get install clang), \
             or an nvcc in RAVE_NVCC\n{said}",
            output.status
        ));
    }
    for line in said.lines() {
        println!("cargo::warning={line}");
    }
}

/// Ends the build with `message`, which cargo shows line by line.
fn fail(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    std::process::exit(1)
}
