//! Engines built by the real TensorRT-RTX, which needs no GPU for that.

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rave_core::{Error, Log, Result, Size, Status};
use rave_tensorrt::{
    BatchRange, BuildOptions, Builder, BuilderOptions, BuiltPlan, Driver, Library, Precision, Progress,
    SearchOptions, SizeRange,
};

/// A GPU of the Ada generation, which every test here builds for unless it says otherwise.
const ADA: (u32, u32) = (8, 9);

fn library(name: &str) -> Option<Library> {
    let path = common::fetched(name)?;
    Some(Library::open(&SearchOptions { runtime_lib: Some(path) }).unwrap())
}

fn builder() -> Option<Builder> {
    common::fetched("libtensorrt_onnxparser_rtx.so.1")?;
    let library = library("libtensorrt_rtx.so.1")?;
    Some(Builder::new(&library, &BuilderOptions::default(), Log::default()).unwrap())
}

/// One of tests/golden/models.
fn golden(name: &str) -> Vec<u8> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    fs::read(models.join(format!("{name}.onnx"))).unwrap()
}

/// The ONNX model zoo's super-resolution-10: its nodes with weights of our own (`luma-3x-224`), and itself, which no
/// package has, where `RAVE_MODELS` names a folder with it.
fn super_resolution() -> Vec<(&'static str, Vec<u8>)> {
    let folder = std::env::var_os("RAVE_MODELS");
    if folder.is_none() {
        eprintln!("left out: super-resolution-10.onnx itself, which RAVE_MODELS has to name the folder of");
    }
    let itself = folder.map(|folder| fs::read(Path::new(&folder).join("super-resolution-10.onnx")).unwrap());
    let nodes = real("luma-3x-224").map(|model| ("luma-3x-224", model));
    nodes.into_iter().chain(itself.map(|model| ("super-resolution-10", model))).collect()
}

/// One of the real models that scripts/fetch.sh makes.
fn real(name: &str) -> Option<Vec<u8>> {
    let path = common::in_build(&format!("deps/models/{name}.onnx"), "scripts/fetch.sh models")?;
    Some(fs::read(path).unwrap())
}

fn one_size(width: u32, height: u32) -> Option<SizeRange> {
    let size = Size::new(width, height);
    Some(SizeRange { min: size, best: size, max: size })
}

fn any_size_to(width: u32, height: u32) -> Option<SizeRange> {
    Some(SizeRange {
        min: Size::new(32, 32),
        best: Size::new(width / 2, height / 2),
        max: Size::new(width, height),
    })
}

fn options(sizes: Option<SizeRange>) -> BuildOptions {
    BuildOptions { sizes, compute_capabilities: vec![ADA], ..BuildOptions::default() }
}

fn build(builder: &Builder, model: &[u8], options: &BuildOptions) -> Result<BuiltPlan> {
    builder.build("x.onnx", model, options, &mut |_| ControlFlow::Continue(()))
}

fn refusal(builder: &Builder, model: &[u8], options: &BuildOptions) -> Error {
    build(builder, model, options).unwrap_err()
}

/// A field of a protobuf message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 0x80);
    [&[number << 3 | 2, length], content].concat()
}

/// RV-TRT-1301
#[test]
fn real_models_become_whole_plans_of_this_version_in_one_size_and_in_many() {
    let Some(builder) = builder() else { return };
    let named = |name: &'static str, sizes| real(name).map(|model| (name, model, sizes));
    let dynamic = [
        named("animevideov3-x2", one_size(320, 180)),
        named("animevideov3-x2", any_size_to(1280, 720)),
        named("animevideov3-x2-fp16", one_size(1280, 720)),
        named("animevideov3-x2-fp16", any_size_to(1280, 720)),
    ];
    let fixed = super_resolution().into_iter().map(|(name, model)| (name, model, None));
    for (name, model, sizes) in dynamic.into_iter().flatten().chain(fixed) {
        let built = build(&builder, &model, &options(sizes)).unwrap();
        let plan = built.plan().unwrap();
        assert!(plan.is_rtx() && plan.version() == builder.library().version(), "{name}: {plan:?}");
        assert!(built.layers > 5 && built.bytes.len() > model.len() / 4, "{name}: {built:?}");
        assert_eq!(built.timings, None);
    }
}

/// Engines for a range of sizes are not compared: some builds of them differ in a few bytes (docs/ENGINES.md).
/// RV-TRT-1302
#[test]
fn the_same_build_of_one_size_gives_the_same_bytes_again_and_on_two_threads_at_once() {
    let Some(builder) = builder() else { return };
    let named = |name: &'static str, sizes| real(name).map(|model| (name, model, sizes));
    let free =
        [named("animevideov3-x2", one_size(320, 180)), named("animevideov3-x2-fp16", one_size(320, 180))];
    let fixed = super_resolution().into_iter().map(|(name, model)| (name, model, None));
    for (name, model, sizes) in free.into_iter().flatten().chain(fixed) {
        let build = || build(&builder, &model, &options(sizes)).unwrap().bytes;
        let first = build();
        let (second, third) = std::thread::scope(|scope| {
            let other = scope.spawn(build);
            (build(), other.join().unwrap())
        });
        assert!(first == second && first == third, "{name}: {} bytes, and others", first.len());
    }
}

/// RV-TRT-1315
#[test]
fn builds_for_different_gpus_at_once_are_those_of_builds_alone() {
    let (Some(builder), Some(model)) = (builder(), real("animevideov3-x2")) else { return };
    let targets = [vec![ADA], vec![(12, 0)], vec![(7, 5)]];
    let build = |target: &Vec<_>| {
        let options = BuildOptions { compute_capabilities: target.clone(), ..options(one_size(160, 90)) };
        build(&builder, &model, &options).unwrap().bytes
    };
    let alone: Vec<_> = targets.iter().map(build).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = targets.iter().map(|target| scope.spawn(|| build(target))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(
        alone == together,
        "{:?} and {:?} bytes",
        alone.iter().map(Vec::len),
        together.iter().map(Vec::len)
    );
}

/// RV-TRT-1303
#[test]
fn every_option_that_is_part_of_the_plan_reaches_it() {
    let Some(builder) = builder() else { return };
    let model = golden("dyadic-2x");
    let fixed = options(one_size(64, 64));
    let plain = build(&builder, &model, &fixed).unwrap().bytes;
    let differs = |changed: BuildOptions, what: &str| {
        assert_ne!(changed.to_string(), fixed.to_string(), "{what}");
        assert!(build(&builder, &model, &changed).unwrap().bytes != plain, "{what} changes nothing");
    };
    differs(options(one_size(66, 64)), "size");
    differs(options(any_size_to(128, 128)), "a range of sizes");
    differs(BuildOptions { compute_capabilities: vec![(12, 0)], ..fixed.clone() }, "compute capability");
    differs(BuildOptions { compute_capabilities: vec![ADA, (12, 0)], ..fixed.clone() }, "a second one");
    differs(BuildOptions { precision: Precision::Tf32, ..fixed.clone() }, "TF32");
    differs(BuildOptions { version_compatible: true, ..fixed.clone() }, "version compatibility");
}

/// RV-TRT-1303
#[test]
fn batches_are_built_where_the_model_takes_them() {
    let (Some(builder), Some(free)) = (builder(), real("luma-3x-224")) else { return };
    let many = |sizes| BuildOptions { batch: BatchRange { min: 1, best: 2, max: 4 }, ..options(sizes) };
    assert!(
        build(&builder, &free, &many(None)).unwrap().bytes
            != build(&builder, &free, &options(None)).unwrap().bytes
    );
    let text = refusal(&builder, &golden("dyadic-2x"), &many(one_size(64, 64))).to_string();
    assert!(text.contains("its batch is 1, and 1 to 4 was asked for"), "{text}");
}

/// RV-TRT-1304
#[test]
fn progress_counts_layers_nests_phases_and_never_goes_back() {
    let (Some(builder), Some(model)) = (builder(), real("animevideov3-x2")) else { return };
    let (mut last, mut deepest, mut calls) = (0.0, 0, 0);
    let mut names = Vec::new();
    let mut watch = |progress: &Progress<'_>| {
        assert!(progress.layers > 5, "{progress:?}");
        assert!((last..=1.0).contains(&progress.fraction), "{last} then {progress:?}");
        assert!(progress.phases.iter().all(|phase| phase.done <= phase.steps), "{progress:?}");
        last = progress.fraction;
        deepest = deepest.max(progress.phases.len());
        names.extend(progress.phases.first().map(|phase| phase.name.clone()));
        calls += 1;
        ControlFlow::Continue(())
    };
    builder.build("x.onnx", &model, &options(one_size(320, 180)), &mut watch).unwrap();
    names.dedup();
    assert!(last > 0.8 && deepest >= 3 && calls > 50, "{last}, {deepest} deep, {calls} calls");
    assert_eq!(names, ["Building engine"]);
}

/// RV-TRT-1305
#[test]
fn a_cancelled_build_reports_nothing_more_and_the_next_one_is_whole() {
    let Some(builder) = builder() else { return };
    let model = golden("dyadic-2x");
    let fixed = options(one_size(64, 64));
    let mut total = 0;
    let whole = builder
        .build("x.onnx", &model, &fixed, &mut |_| {
            total += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    // At the first call, at the last, and between.
    for stop in [1, 2, total / 4, total / 2, total - 1, total] {
        let mut calls = 0;
        let error = builder
            .build("x.onnx", &model, &fixed, &mut |_| {
                calls += 1;
                if calls == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap_err();
        assert_eq!(error.status(), Status::Cancelled, "{error}");
        assert_eq!(calls, stop, "of {total}");
    }
    assert_eq!(build(&builder, &model, &fixed).unwrap().bytes, whole.bytes);
}

/// RV-TRT-1306
#[test]
fn a_panic_in_the_progress_function_reaches_the_caller_and_not_tensorrt() {
    let Some(builder) = builder() else { return };
    let (model, fixed) = (golden("dyadic-2x"), options(one_size(64, 64)));
    let mut calls = 0;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        builder.build("x.onnx", &model, &fixed, &mut |_| {
            calls += 1;
            if calls == 10 {
                panic!("by the caller");
            }
            ControlFlow::Continue(())
        })
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"by the caller"));
    assert_eq!(calls, 10);
    build(&builder, &model, &fixed).unwrap();
}

/// RV-TRT-1307
#[test]
fn an_engine_keeps_the_types_of_its_model_and_other_wishes_are_refused() {
    let Some(builder) = builder() else { return };
    assert!(builder.keeps_model_types() && !builder.has_timings());
    let wish = |model: &[u8], precision| {
        build(&builder, model, &BuildOptions { precision, ..options(one_size(64, 64)) })
    };
    let (single, half) = (golden("identity-1x"), golden("identity-1x-fp16"));
    for (model, own, found) in [
        (&single, &[Precision::Model, Precision::Fp32, Precision::Tf32][..], "fp32"),
        (&half, &[Precision::Model, Precision::Fp16], "fp16"),
    ] {
        for precision in
            [Precision::Model, Precision::Fp32, Precision::Tf32, Precision::Fp16, Precision::Bf16]
        {
            let built = wish(model, precision);
            if own.contains(&precision) {
                built.unwrap();
                continue;
            }
            let error = built.unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter, "{error}");
            let text = error.to_string();
            assert!(text.contains(&format!("computes in {found}, and {precision} was asked for")), "{text}");
            assert!(text.contains("builds every model in its own types"), "{text}");
        }
    }
}

/// RV-TRT-1308
#[test]
fn every_operator_that_the_parser_lacks_is_listed_with_name_node_and_opset() {
    let Some(builder) = builder() else { return };
    // x -> Frobnicate -> Relu -> com.example Wobble -> y, written as protobuf by hand.
    let node = |input: &str, output: &str, name: &str, op: &str, domain: &str| {
        let parts = [(1, input), (2, output), (3, name), (4, op), (7, domain)];
        field(1, &parts.map(|(number, text)| field(number, text.as_bytes())).concat())
    };
    let picture = |number, name: &str| {
        let extents = [1u8, 3, 16, 16].map(|extent| field(1, &[8, extent])).concat();
        let tensor = field(1, &[&[8, 1][..], &field(2, &extents)].concat());
        field(number, &[field(1, name.as_bytes()), field(2, &tensor)].concat())
    };
    let nodes = [
        node("x", "a", "first", "Frobnicate", ""),
        node("a", "b", "", "Relu", ""),
        node("b", "y", "", "Wobble", "com.example"),
    ];
    let graph = [&nodes.concat()[..], &field(2, b"g"), &picture(11, "x"), &picture(12, "y")].concat();
    let import =
        |domain: &str, version| field(8, &[&field(1, domain.as_bytes())[..], &[16, version]].concat());
    let mut model = [&[8, 9][..], &import("", 17), &import("com.example", 3)].concat();
    model.extend([7 << 3 | 2, graph.len() as u8 | 0x80, (graph.len() >> 7) as u8]);
    model.extend(graph);

    let error = refusal(&builder, &model, &options(None));
    assert_eq!(error.status(), Status::ModelLoadFailed);
    let text = error.to_string();
    assert!(text.contains("operator Frobnicate (opset 17) of node `first` is unknown"), "{text}");
    assert!(text.contains("operator Wobble (com.example opset 3) of node number 2 is unknown"), "{text}");
    assert!(!text.contains("Relu"), "{text}");
}

/// RV-TRT-1301
#[test]
fn what_is_no_image_model_is_refused_before_it_is_built() {
    let Some(builder) = builder() else { return };
    for (name, status, found) in [
        ("two-inputs", Status::ModelLoadFailed, "it has 2 inputs"),
        ("four-channels", Status::ModelLoadFailed, "4 channels"),
        ("int-input", Status::ModelLoadFailed, "is int32"),
        ("valid-conv", Status::ModelLoadFailed, "expected the same scale both ways"),
        ("external-data", Status::Untrusted, "in another file"),
        ("huge-dims", Status::ModelLoadFailed, "output.weight"),
    ] {
        let mut phases = 0;
        let error = builder
            .build(name, &golden(name), &options(one_size(64, 48)), &mut |progress| {
                phases += progress.phases.len();
                ControlFlow::Continue(())
            })
            .unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(found) && error.to_string().contains(name), "{error}");
        assert_eq!(phases, 0, "{name} was built");
    }
    // Square pictures alone would not show that it has no scale.
    let range = SizeRange { min: Size::new(32, 32), best: Size::new(64, 64), max: Size::new(64, 64) };
    let text = refusal(&builder, &golden("valid-conv"), &options(Some(range))).to_string();
    assert!(text.contains("expected one scale for every size"), "{text}");
}

/// RV-TRT-1309
#[test]
fn nothing_noise_and_every_cut_of_a_model_are_errors() {
    let Some(builder) = builder() else { return };
    let fixed = options(one_size(64, 64));
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for bytes in [&b""[..], &noise, b"ftrt", &[0; 100], b"<html>"] {
        assert_eq!(refusal(&builder, bytes, &fixed).status(), Status::ModelLoadFailed);
    }
    let model = golden("identity-1x");
    for length in 0..model.len() {
        match build(&builder, &model[..length], &fixed) {
            Err(error) => assert_eq!(error.status(), Status::ModelLoadFailed, "{length}: {error}"),
            // A cut between two fields of the file can leave a model: one that lacks what stood after its graph.
            Ok(_) => assert!(model[length..].len() < 10, "{length} of {}", model.len()),
        }
    }
}

/// RV-TRT-1303
#[test]
fn sizes_have_to_be_given_and_to_fit_the_model() {
    let (Some(builder), Some(luma)) = (builder(), real("luma-3x-224")) else { return };
    let (any, fixed) = (golden("identity-1x"), golden("fixed-64-2x"));
    for (model, sizes, found) in [
        (&any, None, "takes any height; expected the sizes to build for"),
        (&luma, one_size(320, 180), "its height is 224, and 180 was asked for"),
        (&fixed, any_size_to(128, 128), "its height is 64, and 32 to 128 was asked for"),
        (&any, one_size(0, 64), "the smallest size to build for"),
        (&any, one_size(1 << 20, 64), "the smallest size to build for"),
        (
            &any,
            Some(SizeRange { min: Size::new(64, 64), best: Size::new(32, 64), max: Size::new(64, 64) }),
            "64x64, 32x64",
        ),
    ] {
        let error = refusal(&builder, model, &options(sizes));
        assert_eq!(error.status(), Status::InvalidParameter, "{error}");
        assert!(error.to_string().contains(found), "{error}");
    }
}

/// RV-TRT-1303
#[test]
fn impossible_options_are_refused_by_name() {
    let Some(builder) = builder() else { return };
    let fixed = options(one_size(64, 64));
    for (impossible, found) in [
        (BuildOptions { level: 6, ..fixed.clone() }, "optimisation level 6"),
        (
            BuildOptions { compute_capabilities: vec![ADA, (9, 0)], ..fixed.clone() },
            "does not build for compute capability 9.0",
        ),
        (BuildOptions { compute_capabilities: vec![(100, 0)], ..fixed.clone() }, "compute capability 100.0"),
        (BuildOptions { timings: Some(Vec::new()), ..fixed.clone() }, "keeps none"),
        (BuildOptions { batch: BatchRange { min: 0, best: 1, max: 1 }, ..fixed.clone() }, "batches 0, 1, 1"),
    ] {
        let error = refusal(&builder, &golden("identity-1x"), &impossible);
        assert_eq!(error.status(), Status::InvalidParameter, "{error}");
        assert!(error.to_string().contains(found), "{error}");
    }
}

/// RV-TRT-1311
#[test]
fn too_small_a_workspace_is_told_as_such() {
    let (Some(builder), Some(model)) = (builder(), real("animevideov3-x2")) else { return };
    // Too little for a layer, and too little for the engine.
    for (bytes, sizes) in [(1, one_size(320, 180)), (512 << 20, any_size_to(1920, 1088))] {
        let starved = BuildOptions { workspace: Some(bytes), ..options(sizes) };
        let error = refusal(&builder, &model, &starved);
        assert_eq!(error.status(), Status::OutOfMemory, "{error}");
        assert!(error.to_string().contains("allow a larger workspace"), "{error}");
    }
}

/// RV-TRT-1312
#[test]
fn without_a_gpu_the_way_out_is_named() {
    let Some(builder) = builder() else { return };
    if Driver::get().is_ok() {
        return;
    }
    let here = BuildOptions { compute_capabilities: Vec::new(), ..options(one_size(64, 64)) };
    let error = build(&builder, &golden("identity-1x"), &here).unwrap_err();
    assert_eq!(error.status(), Status::DeviceNotFound);
    assert!(error.to_string().contains("compute capability"), "{error}");
}

/// RV-TRT-1312
#[test]
fn a_lean_library_has_no_builder_and_says_which_one_has() {
    for major in [10, 11] {
        let Some(library) = library(&format!("libnvinfer_lean.so.{major}")) else { return };
        let error = Builder::new(&library, &BuilderOptions::default(), Log::default()).unwrap_err();
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        let text = error.to_string();
        assert!(
            text.contains("only runs engines") && text.contains(&format!("libnvinfer.so.{major}")),
            "{text}"
        );
    }
}

/// RV-TRT-1312
#[test]
fn a_parser_that_is_none_is_named_with_what_it_lacks() {
    let Some(library) = library("libtensorrt_rtx.so.1") else { return };
    for (name, why) in [("/nonexistent/parser.so", "No such file"), ("libm.so.6", "getNvOnnxParserVersion")] {
        let options = BuilderOptions { parser_lib: Some(PathBuf::from(name)) };
        let error = Builder::new(&library, &options, Log::default()).unwrap_err();
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        let text = error.to_string();
        assert!(
            text.contains(name) && text.contains(why) && text.contains("libtensorrt_onnxparser_rtx.so.1"),
            "{text}"
        );
    }
}
