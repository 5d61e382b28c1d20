//! A program that has the prelude and nothing else.

use std::path::PathBuf;

use rave::prelude::*;

fn golden_model(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models").join(name)
}

/// The runtime that is built in, so that the result is the same on every machine.
fn options() -> ModelOptions {
    ModelOptions { runtime_lib: Some(EMBEDDED.into()), threads: 1, ..ModelOptions::default() }
}

/// RV-RAVE-1001
#[test]
fn a_model_is_loaded_and_doubles_a_picture() -> Result<()> {
    let model = Model::load(&golden_model("replicate-2x.onnx"), &options())?;
    let size = Size::new(2, 1);
    let mut session = Session::new(&model, &SessionOptions::new(PixelFormat::Rgb24, size), Log::default())?;
    assert_eq!(session.output_size(), Size::new(4, 2));

    let pixels = [10, 20, 30, 40, 50, 60];
    let mut doubled = [0; 24];
    let input = Frame::new(PixelFormat::Rgb24, size, ColorTags::default(), &[(&pixels, 6)])?;
    let mut output = FrameMut::new(PixelFormat::Rgb24, session.output_size(), vec![(&mut doubled, 12)])?;
    session.process(&input, &mut output)?;
    let row = [10, 20, 30, 10, 20, 30, 40, 50, 60, 40, 50, 60];
    assert_eq!(doubled, [row, row].concat()[..]);
    Ok(())
}

/// RV-RAVE-1002
#[test]
fn a_model_that_is_not_there_is_an_error_with_a_status_and_its_name() {
    let error = Model::load(&golden_model("none.onnx"), &options()).unwrap_err();
    assert_eq!(error.status(), Status::FileNotFound);
    assert!(error.to_string().contains("none.onnx"), "{error}");
}
