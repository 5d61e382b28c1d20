//! What is done with a frame: frame to tensor, the model, tensor to frame.

use rave_core::{Result, ValueRange};
use rave_cuda::{ExecutableGraph, GraphNode, Stream, TensorOnDevice};

use super::in_flight::Slot;
use super::lane::{Kernels, Staged};
use super::model::BoundContext;

/// The steps of a frame or a batch of them, and the tensors between.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) context: BoundContext,
    pub(super) kernels: Kernels,
    pub(super) white: ValueRange,
    /// One of each for every frame of a batch.
    pub(super) inputs: Vec<TensorOnDevice>,
    pub(super) outputs: Vec<TensorOnDevice>,
}

/// Where the pixel kernels of each frame of a batch are in a graph.
#[derive(Debug)]
pub(super) struct Nodes {
    unpack: Vec<GraphNode>,
    pack: Vec<GraphNode>,
}

impl Program {
    /// Enqueues everything for `staged`, as many frames as a batch has or fewer, on `stream`.
    pub(super) fn enqueue(&mut self, stream: &Stream, staged: &[Staged], slot: &Slot) -> Result<()> {
        for (frame, tensor) in staged.iter().zip(&self.inputs) {
            self.kernels.unpack.launch(stream, &frame.input, frame.from, self.white, tensor)?;
        }
        self.run_model(stream)?;
        for (index, (frame, tensor)) in staged.iter().zip(&self.outputs).enumerate() {
            let counter = Some(slot.counter(index));
            self.kernels.pack.launch(stream, tensor, self.white, frame.to, &frame.out, counter)?;
        }
        Ok(())
    }

    /// As [`Program::enqueue`] for a whole batch, inside [`Stream::capture`].
    pub(super) fn record(&mut self, stream: &Stream, staged: &[Staged], slot: &Slot) -> Result<Nodes> {
        let unpack = staged
            .iter()
            .zip(&self.inputs)
            .map(|(frame, tensor)| {
                self.kernels.unpack.capture(stream, &frame.input, frame.from, self.white, tensor)
            })
            .collect::<Result<_>>()?;
        self.run_model(stream)?;
        let pack = staged
            .iter()
            .zip(&self.outputs)
            .enumerate()
            .map(|(index, (frame, tensor))| {
                let counter = Some(slot.counter(index));
                self.kernels.pack.capture(stream, tensor, self.white, frame.to, &frame.out, counter)
            })
            .collect::<Result<_>>()?;
        Ok(Nodes { unpack, pack })
    }

    /// Gives the frames of a recorded batch in `graph` their place to `staged`.
    pub(super) fn retarget(
        &self,
        graph: &mut ExecutableGraph,
        nodes: &Nodes,
        staged: &[Staged],
        slot: &Slot,
    ) -> Result<()> {
        let white = self.white;
        for ((frame, tensor), &node) in staged.iter().zip(&self.inputs).zip(&nodes.unpack) {
            self.kernels.unpack.update(graph, node, &frame.input, frame.from, white, tensor)?;
        }
        for (index, ((frame, tensor), &node)) in staged.iter().zip(&self.outputs).zip(&nodes.pack).enumerate()
        {
            let counter = Some(slot.counter(index));
            self.kernels.pack.update(graph, node, tensor, white, frame.to, &frame.out, counter)?;
        }
        Ok(())
    }

    fn run_model(&mut self, stream: &Stream) -> Result<()> {
        // SAFETY: the lane that this belongs to set the context's memory and keeps it; all work of the context goes to
        // that lane's one stream, which outlives it.
        unsafe { self.context.enqueue(stream) }
    }
}
