//! Compiles the shim once per TensorRT major whose headers are found, and says which by `cfg(tensorrt_10)`,
//! `cfg(tensorrt_11)` and `cfg(tensorrt_rtx)`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// One header set: the name that the cfg, the renamed namespace and the table share; `NV_TENSORRT_MAJOR`; the
/// environment variable that names a folder of it.
struct Major {
    name: &'static str,
    number: u32,
    variable: &'static str,
}

const MAJORS: [Major; 3] = [
    Major { name: "10", number: 10, variable: "RAVE_TENSORRT_INCLUDE_10" },
    Major { name: "11", number: 11, variable: "RAVE_TENSORRT_INCLUDE_11" },
    Major { name: "rtx", number: 1, variable: "RAVE_TENSORRT_INCLUDE_RTX" },
];

fn main() {
    println!("cargo::rerun-if-changed=shim");
    println!("cargo::rerun-if-env-changed=RAVE_TENSORRT_INCLUDE");
    let target = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    for major in &MAJORS {
        println!("cargo::rerun-if-env-changed={}", major.variable);
        println!("cargo::rustc-check-cfg=cfg(tensorrt_{})", major.name);
        if let Some(include) = find_headers(major, &target) {
            compile(major, &include);
            println!("cargo::rustc-cfg=tensorrt_{}", major.name);
        }
    }
}

/// The first folder that holds the headers of `major`: its own variable, the common variable, the folder that
/// scripts/fetch-tensorrt-headers.sh fills, the system's.
fn find_headers(major: &Major, target: &str) -> Option<PathBuf> {
    if let Some(folder) = env::var_os(major.variable) {
        let folder = PathBuf::from(folder);
        let found = header_major(&folder);
        assert!(
            found == Some(major.number),
            "{} is {}, which holds {}, not the headers of TensorRT{} {}",
            major.variable,
            folder.display(),
            found.map_or("no NvInferVersion.h".into(), |found| format!("headers of major {found}")),
            if major.number == 1 { "-RTX" } else { "" },
            major.number
        );
        return Some(folder);
    }
    let workspace = Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("../..");
    let build = env::var_os("RAVE_BUILD_DIR").map_or_else(|| workspace.join("build"), PathBuf::from);
    println!("cargo::rerun-if-env-changed=RAVE_BUILD_DIR");
    let fetched = build.join("deps/tensorrt-headers").join(major.name);
    println!("cargo::rerun-if-changed={}", fetched.join("NvInferVersion.h").display());
    let common = env::var_os("RAVE_TENSORRT_INCLUDE").map(PathBuf::from);
    let system = [
        PathBuf::from(format!("/usr/include/{target}-linux-gnu")),
        PathBuf::from("/usr/include"),
        PathBuf::from("/usr/local/tensorrt/include"),
    ];
    common
        .into_iter()
        .chain([fetched])
        .chain(system)
        .find(|folder| header_major(folder) == Some(major.number))
}

/// `NV_TENSORRT_MAJOR` in a folder's NvInferVersion.h, which newer releases define by way of another macro.
fn header_major(folder: &Path) -> Option<u32> {
    let text = fs::read_to_string(folder.join("NvInferVersion.h")).ok()?;
    let value_of = |name: &str| {
        text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(name)).then(|| words.next())?
        })
    };
    let value = value_of("NV_TENSORRT_MAJOR")?;
    value.parse().ok().or_else(|| value_of(value)?.parse().ok())
}

// RV-FFI-1205, RV-TRT-1004
fn compile(major: &Major, include: &Path) {
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .file("shim/rave_trt.cpp")
        .include("shim")
        // The vendor's headers are not held to our warnings. The stub comes after them and before a CUDA toolkit's.
        .flag("-isystem")
        .flag(include)
        .flag("-isystem")
        .flag("shim/stub")
        .define("nvinfer1", format!("rave_nvinfer1_{}", major.name).as_str())
        .define("nvonnxparser", format!("rave_nvonnxparser_{}", major.name).as_str())
        .define("RAVE_TRT_API", format!("rave_trt_api_{}", major.name).as_str())
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        // Always optimised, without exceptions and RTTI, and never guessing a virtual call's target: what is left
        // needs no C++ library, so librave.a can be linked by a C linker.
        .opt_level(2)
        .cpp_link_stdlib(None)
        .flag("-fno-exceptions")
        .flag("-fno-rtti")
        .flag("-fno-threadsafe-statics")
        .flag("-fvisibility=hidden")
        .flag_if_supported("-fno-devirtualize")
        .compile(&format!("rave_trt_{}", major.name));
}
