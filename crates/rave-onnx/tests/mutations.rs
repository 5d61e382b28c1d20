//! Damaged models: whatever a byte becomes, the answer is a model that keeps its contract or an error.

mod common;

use std::sync::Arc;

use common::models;
use common::{options, runtimes};
use rave_core::{Size, Status};
use rave_onnx::OnnxModel;

/// Marsaglia's xorshift64: the same damage on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// RV-ONNX-1007
#[test]
fn a_thousand_mutations_give_a_working_model_or_an_error() {
    for runtime in runtimes("mutations") {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut survivors = 0;
        for round in 0..1000 {
            let mut bytes = if round % 2 == 0 { models::u_net() } else { models::double(3) }.encode();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes[at] ^= 1 << random.below(8),
                    1 => bytes[at] = random.below(256) as u8,
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, random.below(256) as u8),
                }
            }
            match OnnxModel::from_bytes(&bytes, "mutant.onnx", &options(runtime, 1)) {
                Err(error) => {
                    let expected = [Status::ModelLoadFailed, Status::Untrusted, Status::OutOfMemory];
                    assert!(expected.contains(&error.status()), "round {round}: {error}");
                    assert!(error.to_string().contains("mutant.onnx"), "round {round}: {error}");
                }
                Ok(model) => {
                    survivors += 1;
                    let model = Arc::new(model);
                    let Ok(size) = model.padded_size(Size::new(72, 40)) else {
                        continue;
                    };
                    let mut session = model.session(size).unwrap();
                    session.run().unwrap();
                    assert_eq!(
                        session.output_shape().size,
                        model.contract().scale.apply(size).unwrap(),
                        "round {round}"
                    );
                }
            }
        }
        // Damage to a name or a weight leaves a model that still works.
        assert!((1..1000).contains(&survivors), "{runtime:?}: {survivors} of 1000 survive");
    }
}
