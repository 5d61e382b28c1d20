//! The model itself, on the CPU.

use std::sync::Arc;

use rave_core::{Elements, ElementsMut, Log, Result, Size, ValueRange};
use rave_onnx::{LoadOptions, OnnxModel};
use rave_tensorrt::SizeRange;

use super::Picture;

/// A model on the CPU.
pub(crate) struct Reference(Arc<OnnxModel>);

/// What went into a model, and what came out.
pub(crate) struct Run {
    /// The size of the input.
    pub(crate) size: Size,
    pub(crate) input: Vec<f32>,
    pub(crate) output: Vec<f32>,
}

impl Reference {
    /// Loads the model `onnx` of the file `name`.
    pub(crate) fn load(name: &str, onnx: &[u8], log: Log) -> Result<Self> {
        let options = LoadOptions { log, ..LoadOptions::default() };
        Ok(Reference(Arc::new(OnnxModel::from_bytes(onnx, name, &options)?)))
    }

    /// What computes it, for people.
    pub(crate) fn runtime(&self) -> &str {
        self.0.runtime()
    }

    /// Runs the model on the middle of `picture`, as much of it as the engine takes whole; a smaller picture is extended.
    // RV-ENG-1703
    pub(crate) fn run(&self, picture: &Picture, takes: SizeRange, white: ValueRange) -> Result<Run> {
        let SizeRange { min, max, .. } = takes;
        let Size { width, height } = picture.size();
        let visible = Size::new(width.min(max.width), height.min(max.height));
        let least = Size::new(visible.width.max(min.width), visible.height.max(min.height));
        let size = self.0.padded_size(least)?;
        let mut session = self.0.session(size)?;
        let input = picture.tensor(visible, self.0.contract().channels, size, white)?;
        match session.input() {
            ElementsMut::F32(elements) => elements.copy_from_slice(&input),
            ElementsMut::F16(elements) => {
                for (to, &from) in elements.iter_mut().zip(&input) {
                    *to = half::f16::from_f32(from);
                }
            }
        }
        session.run()?;
        let output = match session.output() {
            Elements::F32(elements) => elements.to_vec(),
            Elements::F16(elements) => elements.iter().map(|element| element.to_f32()).collect(),
        };
        Ok(Run { size, input, output })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(name: &str) -> Reference {
        let path = format!("{}/../../tests/golden/models/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        Reference::load(name, &std::fs::read(path).unwrap(), Log::default()).unwrap()
    }

    /// Red that grows to the right, green that grows downwards, blue that is all white.
    fn picture(width: u32, height: u32) -> Picture {
        let samples: Vec<u16> = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(x * 1000) as u16, (y * 1000) as u16, 65535]))
            .collect();
        Picture::of_rgb48(Size::new(width, height), &samples)
    }

    /// An engine that takes sides from `min` to `max`.
    fn takes(min: u32, max: (u32, u32)) -> SizeRange {
        let max = Size::new(max.0, max.1);
        SizeRange { min: Size::new(min, min), best: max, max }
    }

    /// RV-ENG-1703
    #[test]
    fn a_picture_goes_in_as_it_is_and_a_larger_one_by_its_middle() {
        let identity = golden("identity-1x");
        let whole = identity.run(&picture(20, 10), takes(1, (64, 64)), ValueRange::Unit).unwrap();
        assert_eq!((whole.size, whole.input.len()), (Size::new(20, 10), 600));
        assert!(whole.output == whole.input);
        assert_eq!(whole.input[19], 19_000.0 / 65535.0);
        assert_eq!(whole.input[599], 1.0);
        let middle = identity.run(&picture(20, 10), takes(1, (8, 64)), ValueRange::Byte).unwrap();
        assert_eq!(middle.size, Size::new(8, 10));
        assert!((middle.input[0] - 6000.0 / 257.0).abs() < 1e-4, "{}", middle.input[0]);
    }

    /// RV-ENG-1703
    #[test]
    fn what_model_or_engine_do_not_take_is_extended() {
        let run = |model: &str, takes| golden(model).run(&picture(20, 10), takes, ValueRange::Unit).unwrap();
        let of_model = run("needs-8-2x", takes(1, (64, 64)));
        assert_eq!((of_model.size, of_model.output.len()), (Size::new(24, 16), 3 * 48 * 32));
        assert_eq!(of_model.input[19], of_model.input[23], "the edge is repeated");
        let of_engine = run("identity-1x", takes(16, (64, 64)));
        assert_eq!(of_engine.size, Size::new(20, 16));
    }
}
