//! What RAVE makes of TensorRT's answers, over the stand-in for the shim's table.

use rave_core::{Extent, Log, Size, Status};

use crate::driver::tests::{answering, of_capability};
use crate::stand_in::{Failure, dynamic_model, fixed_model, library, runtime, shape, tensor, with};
use crate::{Context, DataType, Driver, Engine, Plan, RuntimeOptions, Shape};

/// A plan of the stand-in's version, of which nothing but the header is looked at.
fn plan() -> Plan<'static> {
    const BYTES: &[u8; 28] = b"ftrt\0\0\0\0\x01\0\0\0\0\0\0\0\x1c\0\0\0\0\0\0\0\x0a\x10\x01\0";
    Plan::check("x.engine", BYTES, None).unwrap()
}

fn engine(driver: Option<&'static Driver>) -> Engine {
    Engine::deserialize(&runtime(driver), &plan()).unwrap()
}

fn fail(call: &'static str, failure: Option<(i32, &'static str)>) {
    with(|state| state.failures.insert(call, Failure(failure)));
}

fn works_again(call: &'static str) {
    with(|state| state.failures.remove(call));
}

fn count(call: &str) -> usize {
    with(|state| state.calls.iter().filter(|made| **made == call).count())
}

/// A frame through the stand-in, which follows no pointer.
fn frame(context: &mut Context) -> rave_core::Result<()> {
    // SAFETY: the stand-in uses neither stream nor memory, and there is no work to outlive.
    unsafe { context.enqueue(std::ptr::null_mut()) }
}

/// RV-TRT-1204
#[test]
fn everything_ends_in_the_reverse_order_whatever_the_caller_drops_first() {
    fixed_model();
    let runtime = runtime(None);
    let engine = Engine::deserialize(&runtime, &plan()).unwrap();
    let context = engine.context(0).unwrap();
    drop(runtime);
    drop(engine);
    assert_eq!(count("engine_destroy") + count("runtime_destroy"), 0);
    drop(context);
    let calls = with(|state| state.calls.clone());
    let end = ["context_destroy", "engine_destroy", "runtime_destroy"];
    assert_eq!(calls[calls.len() - 3..], end);
}

#[test]
fn a_runtime_that_is_not_made_is_not_destroyed() {
    fail("runtime_create", None);
    let error =
        crate::Runtime::create(&library(), &RuntimeOptions::default(), Log::default(), None).unwrap_err();
    assert_eq!(error.status(), Status::RuntimeLibraryMissing);
    assert!(error.to_string().contains("no detail from TensorRT"), "{error}");
    assert_eq!(count("runtime_destroy"), 0);
}

/// RV-TRT-1104
#[test]
fn host_code_is_allowed_by_the_option_only() {
    for allow_host_code in [false, true] {
        let options = RuntimeOptions { allow_host_code, ..RuntimeOptions::default() };
        crate::Runtime::create(&library(), &options, Log::default(), None).unwrap();
        assert_eq!(count("runtime_allow_host_code"), usize::from(allow_host_code));
    }
}

#[test]
fn a_refusal_without_a_word_says_so() {
    fail("engine_deserialize", None);
    let error = Engine::deserialize(&runtime(None), &plan()).unwrap_err();
    assert_eq!(error.status(), Status::ModelLoadFailed);
    assert!(error.to_string().contains("no detail from TensorRT"), "{error}");
}

/// RV-TRT-1105
#[test]
fn refusals_are_classed_by_what_tensorrt_says() {
    for (code, said, status) in [
        (1, "Unexpected call to stub", Status::EngineMismatch),
        (
            6,
            "The engine plan file is generated on an incompatible device, expecting compute 8.9",
            Status::EngineMismatch,
        ),
        (1, "Version tag does not match", Status::EngineMismatch),
        (5, "Out of memory", Status::OutOfMemory),
        (4, "Engine deserialization failed.", Status::ModelLoadFailed),
    ] {
        fail("engine_deserialize", Some((code, said)));
        let error = Engine::deserialize(&runtime(None), &plan()).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(said) && error.to_string().contains("x.engine"), "{error}");
    }
}

/// RV-TRT-1105
#[test]
fn a_plan_of_another_gpu_is_refused_with_both_compute_capabilities() {
    let bytes = crate::plan::tests::head_of([10, 16, 1]);
    let plan = Plan::check("x.engine", &bytes, None).unwrap();
    let refused_on = |major, minor| {
        let driver: &'static Driver = Box::leak(Box::new(of_capability(major, minor)));
        // TensorRT's own words are the same for a file that is damaged.
        fail("engine_deserialize", Some((4, "Engine deserialization failed.")));
        Engine::deserialize(&runtime(Some(driver)), &plan).unwrap_err()
    };
    let error = refused_on(8, 9);
    assert_eq!(error.status(), Status::EngineMismatch);
    let text = error.to_string();
    for words in ["x.engine", "for compute capability 9.0", "this GPU has 8.9", "build it on this GPU"] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert_eq!(
        refused_on(9, 0).status(),
        Status::ModelLoadFailed,
        "that is not the reason on the GPU itself"
    );
}

#[test]
fn a_context_without_memory_is_an_error_and_the_next_one_works() {
    fixed_model();
    let engine = engine(None);
    fail("context_create", Some((5, "out of memory")));
    assert_eq!(engine.context(0).unwrap_err().status(), Status::OutOfMemory);
    works_again("context_create");
    engine.context(0).unwrap();
    assert_eq!(engine.context(1).unwrap_err().status(), Status::InvalidParameter);
}

/// RV-TRT-1202
#[test]
fn a_lost_frame_is_an_error_and_the_next_one_works() {
    fixed_model();
    let mut context = engine(None).context(0).unwrap();
    fail("context_enqueue", Some((7, "execution failed")));
    let error = frame(&mut context).unwrap_err();
    assert_eq!(error.status(), Status::InferenceFailed);
    assert!(error.to_string().contains("execution failed"), "{error}");
    works_again("context_enqueue");
    frame(&mut context).unwrap();
}

/// RV-TRT-1201
#[test]
fn after_an_internal_error_tensorrt_is_not_called_again() {
    fixed_model();
    let runtime = runtime(None);
    let engine = Engine::deserialize(&runtime, &plan()).unwrap();
    let (mut context, mut other) = (engine.context(0).unwrap(), engine.context(0).unwrap());
    fail("context_enqueue", Some((2, "assertion failed")));
    frame(&mut context).unwrap_err();
    assert!(runtime.is_poisoned());
    let before = with(|state| state.calls.len());
    frame(&mut context).unwrap_err();
    frame(&mut other).unwrap_err();
    other.set_input_shape(0, &shape(&[1, 3, 8, 16])).unwrap_err();
    engine.context(0).unwrap_err();
    Engine::deserialize(&runtime, &plan()).unwrap_err();
    assert_eq!(with(|state| state.calls.len()), before);
}

/// RV-TRT-1203
#[test]
fn a_sticky_error_of_the_stream_is_a_lost_device() {
    fixed_model();
    let driver: &'static Driver = Box::leak(Box::new(answering(0, 1).unwrap()));
    let mut context = engine(Some(driver)).context(0).unwrap();
    fail("context_enqueue", Some((7, "an illegal memory access was encountered")));
    // SAFETY: the stand-ins follow no pointer; the driver's answers 700 to any stream but the default one.
    let error = unsafe { context.enqueue(std::ptr::without_provenance_mut(1)) }.unwrap_err();
    assert_eq!(error.status(), Status::DeviceLost);
    assert!(error.to_string().contains("700") && error.to_string().contains("illegal memory"), "{error}");
    assert_eq!(frame(&mut context).unwrap_err().status(), Status::InferenceFailed);
}

/// RV-TRT-1206
#[test]
fn a_context_runs_only_with_scratch_memory_of_the_right_size_and_place() {
    fixed_model();
    with(|state| state.scratch = 4096);
    let mut context = engine(None).context(0).unwrap();
    assert_eq!(frame(&mut context).unwrap_err().status(), Status::InvalidParameter);
    for (address, size) in [(0, 4096), (0x1000, 4095), (0x1001, 4096)] {
        // SAFETY: the stand-in follows no pointer.
        let error = unsafe { context.set_scratch(address, size) }.unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter, "{error}");
    }
    assert_eq!(count("context_enqueue") + count("context_set_scratch"), 0);
    // SAFETY: as above.
    unsafe { context.set_scratch(0x1000, 4096) }.unwrap();
    frame(&mut context).unwrap();
}

#[test]
fn a_profile_that_cannot_be_shared_is_busy() {
    dynamic_model();
    let engine = engine(None);
    engine.context(0).unwrap();
    with(|state| state.context_profile = -1);
    fail("context_set_profile", Some((3, "profile 0 has been chosen for another context")));
    let error = engine.context(0).unwrap_err();
    assert_eq!(error.status(), Status::Busy);
    assert_eq!(count("context_create"), count("context_destroy"));
}

/// RV-TRT-1107
#[test]
fn a_shape_outside_the_profile_is_refused_with_the_range() {
    dynamic_model();
    let mut context = engine(None).context(0).unwrap();
    let error = context.set_input_shape(0, &shape(&[1, 3, 8, 65])).unwrap_err();
    assert_eq!(error.status(), Status::UnsupportedFormat);
    assert!(error.to_string().contains("1x3x8x65") && error.to_string().contains("1x3x64x64"), "{error}");
    context.set_input_shape(0, &shape(&[1, 3, 8, 64])).unwrap();
    assert_eq!(context.tensor_shape(1).unwrap(), shape(&[1, 3, 16, 128]));
    for no_input in [1, 2] {
        assert!(context.set_input_shape(no_input, &shape(&[1])).is_err());
    }
}

/// RV-TRT-1106
#[test]
fn a_fixed_model_has_a_contract_of_one_size() {
    fixed_model();
    let contract = engine(None).contract().unwrap();
    assert_eq!((contract.width, contract.height), (Extent::Fixed(16), Extent::Fixed(8)));
    assert_eq!(contract.to_string(), "RGB, `input` 1x3x8x16 fp16 -> `output` fp16, 2x");
    assert_eq!(count("context_create"), 0);
    let sizes = engine(None).input_sizes(0).unwrap();
    assert_eq!((sizes.min, sizes.max), (Size::new(16, 8), Size::new(16, 8)));
}

/// RV-TRT-1106
#[test]
fn a_dynamic_model_has_a_contract_of_any_size_asked_once() {
    dynamic_model();
    let engine = engine(None);
    let contract = engine.contract().unwrap();
    assert_eq!((contract.width, contract.height), (Extent::Dynamic, Extent::Dynamic));
    assert_eq!(contract.scale.to_string(), "2x");
    assert_eq!(engine.contract().unwrap(), contract);
    let sizes = engine.input_sizes(0).unwrap();
    assert_eq!((sizes.min, sizes.best, sizes.max), (Size::new(8, 8), Size::new(32, 16), Size::new(64, 64)));
    assert_eq!(engine.input_sizes(1), None);
    assert_eq!((count("context_create"), count("context_destroy")), (1, 1));
}

#[test]
fn a_batch_that_can_be_one_is_an_image_model() {
    let (one, four): (&[i64], &[i64]) = (&[1, 1, 8, 8], &[4, 1, 8, 8]);
    let any: &[i64] = &[-1, 1, 8, 8];
    let batch = |built, min, max| {
        with(|state| {
            state.tensors =
                vec![tensor("in", true, built, [min, max, max]), tensor("out", false, built, [max; 3])];
            state.scale = Some(|side| side);
        });
        engine(None).contract()
    };
    assert_eq!(batch(any, one, four).unwrap().channels, 1);
    for refused in [batch(any, four, four), batch(four, four, four)] {
        assert!(refused.unwrap_err().to_string().contains("a batch of 1"));
    }
}

/// RV-TRT-1106
#[test]
fn what_is_no_image_model_is_refused_for_what_it_is() {
    let refusal = |change: fn()| {
        fixed_model();
        change();
        let error = engine(None).contract().unwrap_err();
        assert_eq!(error.status(), Status::ModelLoadFailed);
        error.to_string()
    };
    let text = refusal(|| with(|state| state.tensors.push(state.tensors[0].clone())));
    assert!(text.contains("it has 2 inputs"), "{text}");
    let text = refusal(|| with(|state| state.tensors.truncate(1)));
    assert!(text.contains("it has 0 outputs"), "{text}");
    let text = refusal(|| with(|state| state.tensors[1].tensor.data_type = 2));
    assert!(text.contains("`output` is int8"), "{text}");
    let text = refusal(|| with(|state| state.tensors[0].tensor.on_device = 0));
    assert!(text.contains("host memory"), "{text}");
    let text = refusal(|| with(|state| state.tensors[0].tensor.format = 2));
    assert!(text.contains("LINEAR"), "{text}");
    let text = refusal(|| with(|state| state.tensors[1].tensor.shape.extent[1] = 1));
    assert!(text.contains("3 channels and output `output` has 1"), "{text}");
    let text = refusal(|| with(|state| state.tensors[1].tensor.shape.extent[3] = 33));
    assert!(text.contains("the same scale both ways"), "{text}");
    let text = refusal(|| with(|state| state.tensors[0].tensor.shape.rank = 3));
    assert!(text.contains("4 dimensions"), "{text}");
    let text = refusal(|| {
        dynamic_model();
        with(|state| state.scale = Some(|side| if side == 64 { 192 } else { 2 * side }));
    });
    assert!(text.contains("one scale for every size"), "{text}");
}

#[test]
fn tensors_are_inspected_once_and_named_as_the_engine_names_them() {
    dynamic_model();
    let engine = engine(None);
    let [input, output] = engine.tensors() else { panic!("two tensors") };
    assert_eq!((input.name.as_str(), input.input, input.data_type), ("input", true, DataType::F16));
    assert_eq!(input.profiles[0].max, Shape::new(&[1, 3, 64, 64]).unwrap());
    assert!(!output.input && output.profiles.is_empty() && output.is_linear());
}
