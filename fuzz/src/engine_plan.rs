//! Engines of TensorRT, as far as RAVE itself reads them.

use rave_core::Status;
use rave_tensorrt::Plan;
use sha2::{Digest, Sha256};

use crate::refused;

pub(crate) fn run(bytes: &[u8]) {
    match Plan::check("x.engine", bytes, None) {
        Err(error) => refused(&error, &[Status::ModelLoadFailed], "x.engine"),
        Ok(plan) => {
            assert_eq!(plan.bytes(), bytes);
            assert!(plan.builder().starts_with("TensorRT"), "{}", plan.builder());
            _ = plan.compute_capability();
            let digest: [u8; 32] = Sha256::digest(bytes).into();
            Plan::check("x.engine", bytes, Some(&digest)).expect("it has its own hash");
            let other = digest.map(|byte| !byte);
            let error = Plan::check("x.engine", bytes, Some(&other)).expect_err("and no other");
            refused(&error, &[Status::Untrusted], "x.engine");
        }
    }
}
