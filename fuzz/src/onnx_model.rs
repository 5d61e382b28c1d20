//! Models in ONNX.

use rave_core::Status;
use rave_onnx::ModelSummary;

use crate::refused;

pub(crate) fn run(bytes: &[u8]) {
    match ModelSummary::read(bytes, "x.onnx") {
        Err(error) => refused(&error, &[Status::ModelLoadFailed, Status::Untrusted], "x.onnx"),
        Ok(summary) => {
            assert!(summary.nodes() > 0, "a model without a node computes nothing");
            for tensor in [&summary.input, &summary.output] {
                assert!(matches!(tensor.channels, None | Some(1 | 3)), "{tensor}");
            }
        }
    }
}
