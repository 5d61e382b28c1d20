//! The golden models, for this crate's own tests.

/// The bytes of `tests/golden/models/NAME.onnx`.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/models");
    std::fs::read(format!("{models}/{name}.onnx")).unwrap()
}
