//! The types that src/sys.rs declares by hand are the ones of shim/rave_trt.h: a C compiler says so.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use rave_tensorrt::sys::{
    Api, BuildOptions, CType, Dims, MAX_DIMS, Monitor, ParserError, Sink, THIS_GPU, Tensor,
};

type Members = Vec<(&'static str, String, usize)>;

/// C assertions that the struct of `T`'s C spelling has this size and exactly these members.
fn assertions<T: CType>(members: Members) -> String {
    let name = T::C;
    let mut code = format!("_Static_assert(sizeof({name}) == {}, \"{name}\");\n", size_of::<T>());
    for (member, c_type, offset) in members {
        let _ = writeln!(
            code,
            "_Static_assert(offsetof({name}, {member}) == {offset}, \"{name}.{member}\");\n\
             _Static_assert(__builtin_types_compatible_p(__typeof__((({name} *)0)->{member}), {c_type}), \
             \"{name}.{member} is not {c_type}\");"
        );
    }
    code
}

fn compiles(code: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("abi.c");
    std::fs::write(&file, format!("#include \"rave_trt.h\"\n{code}")).unwrap();
    let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim");
    let output = Command::new("cc")
        .args(["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I"])
        .args([&shim, &file])
        .output()
        .expect("a C compiler");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// RV-TRT-1006
#[test]
fn every_struct_and_function_agrees_with_the_header() {
    let code = [
        format!("_Static_assert(RAVE_TRT_MAX_DIMS == {MAX_DIMS}, \"dimensions\");\n"),
        format!("_Static_assert(RAVE_TRT_THIS_GPU == {THIS_GPU}, \"this GPU\");\n"),
        assertions::<Dims>(Dims::members()),
        assertions::<Tensor>(Tensor::members()),
        assertions::<Sink>(Sink::members()),
        assertions::<Monitor>(Monitor::members()),
        assertions::<ParserError>(ParserError::members()),
        assertions::<BuildOptions>(BuildOptions::members()),
        assertions::<Api>(Api::members()),
    ]
    .concat();
    assert!(code.contains("engine_deserialize"));
    compiles(&code).unwrap();
}

/// RV-TEST-1106
#[test]
fn the_comparison_notices_another_type_and_another_place() {
    let mut other_type = Dims::members();
    other_type[0].1 = "int64_t".into();
    let mut other_place = Api::members();
    other_place.swap(1, 2);
    let (name, place) = (other_place[1].0, other_place[2].2);
    other_place[1] = (name, other_place[1].1.clone(), place);
    assert!(compiles(&assertions::<Dims>(other_type)).unwrap_err().contains("RaveTrtDims.rank is not"));
    assert!(compiles(&assertions::<Api>(other_place)).unwrap_err().contains("RaveTrtApi."));
}

#[test]
fn the_header_compiles_alone_as_c99_and_cpp17() {
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/rave_trt.h");
    for (language, standard) in [("c", "-std=c99"), ("c", "-std=c11"), ("c++", "-std=c++17")] {
        let status = Command::new("cc")
            .args(["-x", language, standard, "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
            .arg(&header)
            .status()
            .expect("a C compiler");
        assert!(status.success(), "{language} {standard}");
    }
}
