//! What a build asks of TensorRT 10 and 11, whose builder is in no package, over the stand-in for the shim's table.
//!
//! tests/build.rs has the real TensorRT-RTX do the same.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex};

use rave_core::{LogLevel, Size};

use super::*;
use crate::stand_in::{self, Failure, dynamic_model, fixed_model, shape, with};
use crate::{SizeRange, Version};

/// A whole protobuf message; the stand-in looks at none of it.
const MODEL: &[u8] = b"\x08\x09";
const TEN: Version = Version { major: 10, minor: 16, patch: 1 };
const ELEVEN: Version = Version { major: 11, minor: 4, patch: 0 };

/// A plan of TensorRT `major`.`minor` that ends with its header.
fn plan(major: u8, minor: u8) -> Vec<u8> {
    let mut bytes = b"ftrt\0\0\0\0\x01\0\0\0\0\0\0\0\x1c\0\0\0\0\0\0\0".to_vec();
    bytes.extend([major, minor, 0, 0]);
    bytes
}

fn builder(version: Version, log: Log) -> Builder {
    with(|state| {
        state.plan = plan(version.major as u8, version.minor as u8);
        state.types = 1 << DataType::F32.0;
    });
    let library = stand_in::library_of(version);
    let create = library.create_builder.unwrap();
    let parser = ParserLibrary { name: "stand-in".into(), create: std::ptr::null::<c_void>(), version: 0 };
    Builder { library, create, parser, log }
}

fn build(builder: &Builder, options: &BuildOptions) -> Result<BuiltPlan> {
    builder.build_on(None, "x.onnx", MODEL, options, &mut |_| ControlFlow::Continue(()))
}

fn sizes(min: u32, best: u32, max: u32) -> BuildOptions {
    let square = |side| Size::new(side, side);
    let range = SizeRange { min: square(min), best: square(best), max: square(max) };
    BuildOptions { sizes: Some(range), ..BuildOptions::default() }
}

fn fail(call: &'static str, failure: Option<(i32, &'static str)>) {
    with(|state| state.failures.insert(call, Failure(failure)));
}

/// RV-TRT-1307
#[test]
fn tensorrt_10_runs_an_fp32_model_in_the_precision_that_was_asked_for() {
    fixed_model();
    let builder = builder(TEN, Log::default());
    for (precision, typed, [fp16, bf16, tf32]) in [
        (Precision::Model, 1, [0, 0, 0]),
        (Precision::Fp32, 0, [0, 0, 0]),
        (Precision::Tf32, 0, [0, 0, 1]),
        (Precision::Fp16, 0, [1, 0, 0]),
        (Precision::Bf16, 0, [0, 1, 0]),
    ] {
        build(&builder, &BuildOptions { precision, ..BuildOptions::default() }).unwrap();
        let (asked_typed, asked) = with(|state| (state.typed, state.options));
        assert_eq!(asked_typed, typed, "{precision}");
        assert_eq!([asked.fp16, asked.bf16, asked.tf32], [fp16, bf16, tf32], "{precision}");
    }
}

/// RV-TRT-1307
#[test]
fn a_model_in_another_type_than_asked_for_is_refused_by_both_types() {
    fixed_model();
    let (fp32, fp16) = (1 << DataType::F32.0, 1 << DataType::F16.0);
    for (version, types, precision, refused) in [
        (TEN, fp32, Precision::Fp16, None),
        (TEN, fp16, Precision::Fp16, None),
        (TEN, fp16, Precision::Fp32, Some("fp16")),
        (TEN, fp16 | fp32, Precision::Bf16, Some("fp32 and fp16")),
        (ELEVEN, fp32, Precision::Fp16, Some("fp32")),
        (ELEVEN, fp16 | fp32, Precision::Fp16, None),
        (ELEVEN, fp16 | fp32, Precision::Fp32, Some("fp32 and fp16")),
        (ELEVEN, fp16, Precision::Model, None),
    ] {
        let builder = builder(version, Log::default());
        with(|state| state.types = types);
        let built = build(&builder, &BuildOptions { precision, ..BuildOptions::default() });
        let Some(found) = refused else {
            built.unwrap();
            continue;
        };
        let error = built.unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        let text = error.to_string();
        assert!(text.contains(&format!("computes in {found}, and {precision} was asked for")), "{text}");
    }
}

/// RV-TRT-1303
#[test]
fn the_options_arrive_as_they_were_given() {
    fixed_model();
    let builder = builder(TEN, Log::default());
    let options = BuildOptions {
        workspace: Some(1 << 30),
        level: 5,
        version_compatible: true,
        ..BuildOptions::default()
    };
    build(&builder, &options).unwrap();
    let asked = with(|state| state.options);
    assert_eq!((asked.workspace, asked.level, asked.version_compatible), (1 << 30, 5, 1));
}

/// RV-TRT-1303
#[test]
fn one_size_is_settled_in_the_network_and_several_become_a_profile() {
    dynamic_model();
    let builder = builder(TEN, Log::default());
    build(&builder, &sizes(16, 16, 16)).unwrap();
    assert_eq!(with(|state| state.profile.len()), 0);
    build(&builder, &sizes(8, 16, 64)).unwrap();
    let side = |side: i64| shape(&[1, 3, side, side]);
    assert_eq!(with(|state| state.profile.clone()), [side(8), side(16), side(64)]);
    // A fresh network: sizes that were tried to find the scale are settled in the first.
    let networks = with(|state| state.calls.iter().filter(|call| **call == "network_create").count());
    assert_eq!(networks, 3);
}

/// RV-TRT-1301
#[test]
fn a_model_without_one_scale_is_refused() {
    dynamic_model();
    with(|state| state.scale = Some(|side| side + 8));
    let error = build(&builder(TEN, Log::default()), &sizes(8, 16, 64)).unwrap_err();
    assert_eq!(error.status(), Status::ModelLoadFailed);
    assert!(error.to_string().contains("expected one scale for every size"), "{error}");
}

/// RV-TRT-1303
#[test]
fn timings_go_in_and_come_out() {
    fixed_model();
    let builder = builder(TEN, Log::default());
    with(|state| state.timings = b"new timings".to_vec());
    let given = |timings: Option<&[u8]>| BuildOptions {
        timings: timings.map(<[u8]>::to_vec),
        ..BuildOptions::default()
    };
    assert_eq!(build(&builder, &given(None)).unwrap().timings, None);
    assert!(with(|state| state.given_timings.is_empty()));
    for first in [&b""[..], b"old timings"] {
        let built = build(&builder, &given(Some(first))).unwrap();
        assert_eq!(built.timings.as_deref(), Some(&b"new timings"[..]));
        assert_eq!(with(|state| std::mem::take(&mut state.given_timings)), [first]);
    }
}

#[test]
fn timings_that_do_not_fit_are_left_out_with_a_warning() {
    fixed_model();
    let messages = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&messages);
    let log = Log::new(move |level, message| kept.lock().unwrap().push((level, message.to_owned())));
    fail("timings_create", Some((3, "another GPU")));
    let options = BuildOptions { timings: Some(b"foreign".to_vec()), ..BuildOptions::default() };
    assert!(build(&builder(TEN, log), &options).unwrap().timings.is_some());
    assert_eq!(with(|state| state.given_timings.clone()), [&b"foreign"[..], b""]);
    let messages = messages.lock().unwrap();
    let warned =
        messages.iter().any(|(level, text)| *level == LogLevel::Warning && text.contains("another GPU"));
    assert!(warned, "{messages:?}");
}

#[test]
fn every_object_is_destroyed_once_in_order_wherever_a_build_fails() {
    let options = || BuildOptions { timings: Some(b"old".to_vec()), ..sizes(8, 16, 64) };
    let makers = ["builder_create", "network_create", "parser_create", "parser_parse", "config_create"];
    for failing in
        makers.into_iter().chain(["config_add_profile", "timings_create", "build", "timings_serialize"])
    {
        dynamic_model();
        let builder = builder(TEN, Log::default());
        with(|state| {
            state.calls.clear();
            state.failures = HashMap::from([(failing, Failure(Some((3, "made to fail"))))]);
        });
        let built = build(&builder, &options());
        // Timings only save time.
        let optional = failing.starts_with("timings");
        match built {
            Ok(_) => assert!(optional, "{failing}"),
            Err(error) => {
                assert!(!optional && error.to_string().contains("made to fail"), "{failing}: {error}")
            }
        }
        let calls = with(|state| state.calls.clone());
        for object in ["builder", "network", "parser", "config"] {
            let count = |verb: &str| calls.iter().filter(|call| **call == format!("{object}_{verb}")).count();
            let failed = usize::from(failing == format!("{object}_create"));
            assert_eq!(count("create") - failed, count("destroy"), "{failing}: {object} of {calls:?}");
        }
        let place = |call: &str| calls.iter().rposition(|made| *made == call).unwrap_or(usize::MAX);
        if failing == "build" {
            let order = ["config", "parser", "network", "builder", "timings"]
                .map(|object| place(&format!("{object}_destroy")));
            assert!(order.is_sorted() && order[4] < usize::MAX, "{calls:?}");
        }
    }
}

/// RV-TRT-1311
#[test]
fn failures_are_classed_by_what_tensorrt_says() {
    fixed_model();
    let builder = builder(TEN, Log::default());
    for (failure, status, way_out) in [
        (Some((5, "cudaMalloc")), Status::OutOfMemory, "free GPU memory"),
        (Some((1, "no tactics within workspace limit")), Status::OutOfMemory, "larger workspace"),
        (Some((1, "std::bad_alloc")), Status::OutOfMemory, "free memory"),
        (Some((10, "no implementation for node 3")), Status::ModelLoadFailed, "no implementation for node 3"),
        (None, Status::ModelLoadFailed, "no detail from TensorRT"),
    ] {
        fail("build", failure);
        let error = build(&builder, &BuildOptions::default()).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(way_out) && error.to_string().contains("x.onnx"), "{error}");
    }
    // An internal error ended that build and no other.
    fail("build", Some((2, "assertion")));
    build(&builder, &BuildOptions::default()).unwrap_err();
    with(|state| state.failures.clear());
    build(&builder, &BuildOptions::default()).unwrap();
}

/// RV-TRT-1311
#[test]
fn a_build_that_the_gpu_has_no_room_for_is_not_begun() {
    dynamic_model();
    let builder = builder(TEN, Log::default());
    // A driver that says that 1 MiB is free; 64x64 to 128x128 in fp16 takes 120 KiB.
    let driver = crate::driver::tests::answering(0, 1).unwrap();
    let build = |options: &BuildOptions| {
        builder.build_on(Some(&driver), "x.onnx", MODEL, options, &mut |_| ControlFlow::Continue(()))
    };
    build(&sizes(8, 16, 64)).unwrap();
    with(|state| state.calls.clear());
    for (options, needed) in [
        (sizes(8, 16, 512), "8 MiB"),
        (BuildOptions { workspace: Some(1 << 20), ..sizes(8, 16, 64) }, "2 MiB"),
    ] {
        let error = build(&options).unwrap_err();
        assert_eq!(error.status(), Status::OutOfMemory);
        let text = error.to_string();
        assert!(text.contains("1 MiB of GPU memory are free") && text.contains(needed), "{text}");
    }
    assert!(!with(|state| state.calls.contains(&"build")));
}

/// RV-TRT-1305
#[test]
fn a_break_ends_the_build_even_where_tensorrt_finishes_it() {
    fixed_model();
    let builder = builder(TEN, Log::default());
    let mut finished = Vec::new();
    for stop in 1..=4 {
        let mut calls = 0;
        let error = builder
            .build_on(None, "x.onnx", MODEL, &BuildOptions::default(), &mut |_| {
                calls += 1;
                if calls == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap_err();
        assert_eq!((error.status(), calls), (Status::Cancelled, stop));
        finished.push(with(|state| state.calls.last().copied()));
    }
    assert!(finished.iter().all(|last| *last == Some("builder_destroy")), "{finished:?}");
}

#[test]
fn a_plan_of_a_version_that_did_not_build_it_is_a_surprise() {
    fixed_model();
    let builder = builder(TEN, Log::default());
    with(|state| state.plan = plan(10, 3));
    assert_eq!(build(&builder, &BuildOptions::default()).unwrap_err().status(), Status::Unknown);
    with(|state| state.plan = b"not a plan".to_vec());
    assert_eq!(build(&builder, &BuildOptions::default()).unwrap_err().status(), Status::ModelLoadFailed);
}

/// RV-TRT-1303
#[test]
fn only_rtx_builds_for_other_gpus() {
    fixed_model();
    let options = BuildOptions { compute_capabilities: vec![(8, 9)], ..BuildOptions::default() };
    let error = builder(TEN, Log::default())
        .build("x", MODEL, &options, &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter);
    assert!(error.to_string().contains("builds for the GPU it runs on"), "{error}");
}

#[test]
fn the_text_of_options_tells_all_that_has_a_say_in_the_plan() {
    let options = BuildOptions {
        precision: Precision::Fp16,
        workspace: Some(5),
        compute_capabilities: vec![(8, 9), (12, 0)],
        timings: Some(vec![1]),
        ..sizes(8, 16, 64)
    };
    assert_eq!(
        options.to_string(),
        "precision=fp16 sizes=8x8,16x16,64x64 batch=1,1,1 workspace=5 level=3 version-compatible=false \
         compute-capabilities=8.9,12.0"
    );
    assert_eq!(
        BuildOptions::default().to_string(),
        "precision=model sizes=model batch=1,1,1 workspace=all level=3 version-compatible=false \
         compute-capabilities=this-gpu"
    );
}
