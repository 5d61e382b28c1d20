//! Finding and opening ONNX Runtime. One test, because a process opens one library.

mod common;

use std::path::{Path, PathBuf};

use common::{models, options, runtimes};
use rave_core::Status;
use rave_onnx::{LoadOptions, OnnxModel, RuntimeChoice};

fn load_with(library: &Path, runtime: RuntimeChoice) -> rave_core::Result<OnnxModel> {
    let options = LoadOptions { library: Some(library.to_path_buf()), ..options(runtime, 1) };
    OnnxModel::from_bytes(&models::identity().encode(), "test.onnx", &options)
}

/// RV-ONNX-1201
#[test]
fn a_library_that_is_asked_for_is_used_or_is_an_error_that_says_why() {
    let text = std::env::temp_dir().join(format!("rave-not-a-library-{}.so", std::process::id()));
    std::fs::write(&text, "this is no library").unwrap();
    let refused = [
        (Path::new("/nonexistent/libonnxruntime.so"), "No such file"),
        (text.as_path(), "rave-not-a-library"),
        // A library, but another one.
        (Path::new("libc.so.6"), "OrtGetApiBase"),
    ];
    for runtime in [RuntimeChoice::Auto, RuntimeChoice::OnnxRuntime] {
        for (path, why) in refused {
            let error = load_with(path, runtime).unwrap_err();
            assert_eq!(error.status(), Status::RuntimeLibraryMissing, "{error}");
            let message = error.to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
            assert!(message.contains(why), "{message}");
        }
    }
    std::fs::remove_file(&text).unwrap();
    // The embedded runtime needs none.
    load_with(refused[0].0, RuntimeChoice::Embedded).unwrap();

    if !runtimes("library").contains(&RuntimeChoice::OnnxRuntime) {
        return;
    }
    // Once one is open, asking for it again works and asking for another does not.
    let error = load_with(refused[0].0, RuntimeChoice::Auto).unwrap_err();
    assert_eq!(error.status(), Status::RuntimeLibraryMissing);
    assert!(error.to_string().contains("this process runs ONNX Runtime 1."), "{error}");
    if let Some(path) = std::env::var_os("RAVE_ONNXRUNTIME_LIB") {
        let model = load_with(&PathBuf::from(path), RuntimeChoice::OnnxRuntime).unwrap();
        assert!(model.runtime().starts_with("ONNX Runtime 1."), "{}", model.runtime());
    }
}
