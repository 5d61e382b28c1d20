//! A frame through the model in overlapping tiles.

use std::sync::Arc;

use rave_core::tiling::{TileBlender, TilePlan, cut_tile};
use rave_core::{Elements, ElementsMut, Error, Result, Status, TensorShape};
use rave_onnx::{OnnxModel, OnnxSession};

/// The tensors of a whole frame, and the session that its tiles go through one after the other.
#[derive(Debug)]
pub(crate) struct Tiled {
    plan: TilePlan,
    blender: TileBlender,
    session: OnnxSession,
    input_shape: TensorShape,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Tiled {
    pub(crate) fn new(model: &Arc<OnnxModel>, plan: TilePlan) -> Result<Self> {
        let session = model.session(plan.tile())?;
        let (channels, scale) = (model.contract().channels, model.contract().scale);
        // RV-ENG-1103
        let blender = TileBlender::new(&plan, scale, channels)?;
        let input_shape = TensorShape { channels, size: plan.canvas() };
        Ok(Tiled {
            input: zeros(input_shape)?,
            output: zeros(blender.canvas())?,
            plan,
            blender,
            session,
            input_shape,
        })
    }

    pub(crate) fn shapes(&self) -> (TensorShape, TensorShape) {
        (self.input_shape, self.blender.canvas())
    }

    pub(crate) fn model_input(&self) -> TensorShape {
        self.session.input_shape()
    }

    pub(crate) fn count(&self) -> usize {
        self.plan.count()
    }

    pub(crate) fn input(&mut self) -> ElementsMut<'_> {
        ElementsMut::F32(&mut self.input)
    }

    pub(crate) fn run(&mut self) -> Result<()> {
        self.output.fill(0.0);
        for index in 0..self.plan.count() {
            cut_tile(&self.input, self.input_shape, self.plan.rect(index), self.session.input());
            self.session.run().map_err(|error| error.context(format_args!("tile {index}")))?;
            self.blender.add(index, self.session.output(), &mut self.output);
        }
        Ok(())
    }

    pub(crate) fn output(&self) -> Elements<'_> {
        Elements::F32(&self.output)
    }
}

// RV-FFI-1013
fn zeros(shape: TensorShape) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    values.try_reserve_exact(shape.elements()).map_err(|_| {
        Error::new(Status::OutOfMemory, format!("a tensor of {shape} fp32 elements could not be allocated"))
    })?;
    values.resize(shape.elements(), 0.0);
    Ok(values)
}
