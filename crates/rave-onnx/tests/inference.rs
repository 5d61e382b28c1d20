//! What models compute, in each runtime.

mod common;

use std::sync::Arc;

use common::models::{self, FP32};
use common::proto::{Dim, Node, ValueInfo};
use common::{fill, load, options, output, picture, recorder, runtimes};
use rave_core::{ElementType, ElementsMut, Extent, LogLevel, Scale, Size, Status};
use rave_onnx::{OnnxModel, RuntimeChoice};

/// Runs `model` on the test picture of `size`.
fn infer(model: &Arc<OnnxModel>, size: Size) -> Vec<f32> {
    let mut session = model.session(size).unwrap();
    fill(&mut session, picture);
    session.run().unwrap();
    output(&session)
}

#[test]
fn identity_gives_the_picture_back() {
    for runtime in runtimes("identity") {
        let model = load(&models::identity(), runtime).unwrap();
        assert_eq!(model.contract().scale, Scale::ONE);
        assert_eq!(model.contract().to_string(), "RGB, `x` 1x3x?x? fp32 -> `y` fp32, 1x", "{runtime:?}");
        let size = Size::new(19, 11);
        assert_eq!(model.padded_size(size).unwrap(), size);
        let expected: Vec<f32> = (0..3 * 11 * 19).map(|i| picture(i / 209, i % 209 / 19, i % 19)).collect();
        assert_eq!(infer(&model, size), expected, "{runtime:?}");
    }
}

/// RV-ONNX-1102
#[test]
fn pixels_are_doubled_in_rgb_and_luma() {
    for runtime in runtimes("double") {
        for channels in [3, 1] {
            let model = load(&models::double(i64::from(channels)), runtime).unwrap();
            assert_eq!(model.contract().channels, channels);
            assert_eq!(model.contract().scale, Scale::new(2, 1).unwrap());
            let (width, height) = (13, 9);
            let result = infer(&model, Size::new(width, height));
            assert_eq!(result.len() as u32, channels * 4 * width * height);
            for (index, value) in result.into_iter().enumerate() {
                let index = index as u32;
                let (c, y, x) =
                    (index / (4 * width * height), index / (2 * width) % (2 * height), index % (2 * width));
                assert_eq!(value, picture(c, y / 2, x / 2), "{runtime:?} {c} {y} {x}");
            }
        }
    }
}

/// RV-ONNX-1207
#[test]
fn an_fp16_model_reports_fp16_and_computes_the_same_in_each_runtime() {
    for runtime in runtimes("fp16") {
        let model = load(&models::edges_fp16(), runtime).unwrap();
        assert_eq!(model.contract().input_type, ElementType::F16);
        assert_eq!(model.contract().output_type, ElementType::F16);
        let mut session = model.session(Size::new(8, 8)).unwrap();
        assert_eq!(
            matches!(session.input(), ElementsMut::F16(_)),
            runtime == RuntimeChoice::OnnxRuntime,
            "{runtime:?}"
        );
        fill(&mut session, |_, y, x| if (y, x) == (3, 4) { 64.0 } else { 0.0 });
        session.run().unwrap();
        let expected: Vec<f32> = (0..64_i32)
            .map(|i| match ((i / 8 - 3).abs(), (i % 8 - 4).abs()) {
                (0, 0) => 256.0,
                (0, 1) | (1, 0) => -64.0,
                _ => 0.0,
            })
            .collect();
        assert_eq!(output(&session), expected, "{runtime:?}");
    }
}

/// RV-ONNX-1102, RV-ONNX-1103
#[test]
fn fractional_scales_are_found_and_frames_padded_to_whole_pixels() {
    for runtime in runtimes("fractional scale") {
        for (scale, fraction, frame, padded) in [
            (1.5, (3, 2), Size::new(33, 20), Size::new(34, 20)),
            (4.0 / 3.0, (4, 3), Size::new(32, 21), Size::new(33, 21)),
            (0.5, (1, 2), Size::new(31, 21), Size::new(32, 22)),
        ] {
            let model = load(&models::resize(scale), runtime).unwrap();
            assert_eq!(model.contract().scale, Scale::new(fraction.0, fraction.1).unwrap(), "{runtime:?}");
            assert_eq!(model.padded_size(frame).unwrap(), padded, "{runtime:?}");
            let session = model.session(padded).unwrap();
            assert_eq!(session.output_shape().size, model.contract().scale.apply(padded).unwrap());
            infer(&model, padded);
        }
    }
}

/// RV-ONNX-1102
#[test]
fn a_model_that_trims_its_borders_is_refused_by_name_and_shapes() {
    for runtime in runtimes("valid convolution") {
        let error = load(&models::valid_convolution(), runtime).unwrap_err();
        assert_eq!(error.status(), Status::ModelLoadFailed);
        let text = error.to_string();
        for part in ["test.onnx", "`y`", "1x1x64x64 -> 1x1x62x62", "1x1x96x128 -> 1x1x94x126"] {
            assert!(text.contains(part), "{runtime:?}: {text}");
        }
    }
}

/// RV-ONNX-1103
#[test]
fn frames_are_padded_to_the_multiple_that_a_u_net_needs() {
    for runtime in runtimes("U-Net") {
        let model = load(&models::u_net(), runtime).unwrap();
        for (frame, padded) in [
            (Size::new(320, 184), Size::new(320, 184)),
            (Size::new(320, 180), Size::new(320, 184)),
            (Size::new(1919, 1080), Size::new(1920, 1080)),
            (Size::new(13, 7), Size::new(16, 8)),
        ] {
            assert_eq!(model.padded_size(frame).unwrap(), padded, "{runtime:?}");
        }
        infer(&model, Size::new(320, 184));
        let error = model.session(Size::new(320, 180)).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        assert!(error.to_string().contains("320x184"), "{error}");
    }
}

/// RV-ONNX-1103
#[test]
fn a_fixed_size_is_the_only_one() {
    for runtime in runtimes("fixed size") {
        let model = load(&models::fixed(models::double(3), 24, 40), runtime).unwrap();
        let size = Size::new(40, 24);
        assert_eq!(model.contract().fixed_size(), Some(size));
        assert_eq!(model.padded_size(Size::new(100, 7)).unwrap(), size);
        infer(&model, size);
        assert_eq!(model.session(Size::new(24, 40)).unwrap_err().status(), Status::InvalidParameter);
    }
}

/// RV-ONNX-1103
#[test]
fn one_side_may_be_fixed_and_the_other_not() {
    for runtime in runtimes("half fixed") {
        let mut model = models::double(3);
        let dims = [Dim::Is(1), Dim::Is(3), Dim::Any("h"), Dim::Is(48)];
        model.graph().input = vec![ValueInfo::new("x", FP32, &dims)];
        let model = load(&model, runtime).unwrap();
        assert_eq!((model.contract().width, model.contract().height), (Extent::Fixed(48), Extent::Dynamic));
        let size = model.padded_size(Size::new(30, 17)).unwrap();
        assert_eq!(size, Size::new(48, 17));
        infer(&model, size);
    }
}

/// RV-ONNX-1102
#[test]
fn undeclared_channels_are_found_by_running() {
    for runtime in runtimes("undeclared channels") {
        for channels in [3, 1] {
            let mut model = models::double(i64::from(channels));
            let dims = [Dim::Any("n"), Dim::Any("c"), Dim::Any("h"), Dim::Any("w")];
            model.graph().input = vec![ValueInfo::new("x", FP32, &dims)];
            model.graph().output = vec![ValueInfo::new("y", FP32, &dims)];
            let model = load(&model, runtime).unwrap();
            assert_eq!(model.contract().channels, channels, "{runtime:?}");
        }
    }
}

/// RV-ONNX-1104
#[test]
fn an_operator_that_no_runtime_has_is_named() {
    for runtime in runtimes("unknown operator") {
        let mut model = models::identity();
        model.graph().node = vec![Node::new("Frobnicate", &["x"], "y")];
        let error = load(&model, runtime).unwrap_err();
        assert_eq!(error.status(), Status::ModelLoadFailed);
        let text = error.to_string();
        assert!(text.contains("Frobnicate") && text.contains("test.onnx"), "{runtime:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

/// RV-ONNX-1203
#[test]
fn exact_arithmetic_gives_the_same_bits_in_every_runtime_on_every_number_of_threads() {
    let size = Size::new(71, 53);
    let mut results = Vec::new();
    for runtime in runtimes("exact arithmetic") {
        for threads in [1, 2, 7] {
            let bytes = models::exact().encode();
            let model = OnnxModel::from_bytes(&bytes, "exact.onnx", &options(runtime, threads)).unwrap();
            let bits: Vec<u32> = infer(&Arc::new(model), size).into_iter().map(f32::to_bits).collect();
            results.push((runtime, threads, bits));
        }
    }
    let (_, _, first) = &results[0];
    assert!(first.iter().any(|&bits| bits != first[0]), "the picture is not flat");
    for (runtime, threads, bits) in &results {
        assert!(bits == first, "{runtime:?} on {threads} threads");
    }
}

/// RV-ONNX-1204
#[test]
fn sessions_of_one_model_run_on_several_threads() {
    for runtime in runtimes("several threads") {
        let model = load(&models::exact(), runtime).unwrap();
        let sizes = [Size::new(16, 16), Size::new(40, 24), Size::new(33, 57)];
        let alone: Vec<_> = sizes.iter().map(|&size| infer(&model, size)).collect();
        std::thread::scope(|scope| {
            for (&size, alone) in sizes.iter().zip(&alone) {
                let model = &model;
                scope.spawn(move || {
                    for _ in 0..8 {
                        assert!(&infer(model, size) == alone, "{runtime:?} {size}");
                    }
                });
            }
        });
    }
}

/// RV-ONNX-1205
#[test]
fn a_session_outlives_every_other_handle_and_can_be_run_again() {
    for runtime in runtimes("lifetime") {
        let mut session = load(&models::identity(), runtime).unwrap().session(Size::new(8, 8)).unwrap();
        assert!(output(&session).iter().all(|&value| value == 0.0));
        for step in 1..4 {
            fill(&mut session, |c, y, x| picture(c, y, x) + step as f32);
            session.run().unwrap();
            assert_eq!(output(&session)[0], picture(0, 0, 0) + step as f32, "{runtime:?}");
        }
    }
}

/// RV-ONNX-1202
#[test]
fn the_automatic_choice_says_which_runtime_it_took() {
    let (log, lines) = recorder();
    let options = rave_onnx::LoadOptions { log, ..options(RuntimeChoice::Auto, 1) };
    let model = OnnxModel::from_bytes(&models::identity().encode(), "test.onnx", &options).unwrap();
    let lines = lines.lock().unwrap();
    let said: Vec<_> = lines.iter().filter(|(level, _)| *level == LogLevel::Info).collect();
    let [(_, said)] = said.as_slice() else { panic!("one line: {said:?}") };
    if model.runtime().starts_with("ONNX Runtime 1.") {
        assert!(said.contains(model.runtime()), "{said}");
    } else {
        assert_eq!(model.runtime(), "rten 0.27.0 (embedded)");
        assert!(said.contains("RAVE_ONNXRUNTIME_LIB"), "{said}");
    }
}
