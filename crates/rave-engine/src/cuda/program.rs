//! What is done with a frame: frame to tensor, the model, tensor to frame.

use rave_core::{Result, ValueRange};
use rave_cuda::{
    DeviceTiler, ExecutableGraph, GraphNode, LumaFrame, LumaPackKernel, NonFiniteCounter, PackKernel,
    ScratchOnDevice, Stream, TensorBatchOnDevice, TensorOnDevice, UnpackKernel,
};

use super::in_flight::Slot;
use super::lane::Staged;
use super::model::BoundContext;

/// The steps of a frame or a batch of them, and the tensors between.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) context: BoundContext,
    pub(super) unpack: UnpackKernel,
    pub(super) pack: Pack,
    /// Where the model takes frames in tiles.
    pub(super) tiles: Option<Tiles>,
    pub(super) white: ValueRange,
    /// The tensors of whole frames, one of each for every frame of a batch.
    pub(super) inputs: Vec<TensorOnDevice>,
    pub(super) outputs: Vec<TensorOnDevice>,
}

/// How the model's output becomes a frame.
#[derive(Debug)]
pub(super) enum Pack {
    /// Of an RGB model.
    Rgb(PackKernel),
    /// Of a luma model: chroma comes from the input frame.
    Luma { kernel: Box<LumaPackKernel>, scratch: ScratchOnDevice },
}

/// How a frame goes through a model that takes only a part of it: many tiles are cut and blended by a launch, and between
/// the two a batch at a time goes through the model.
#[derive(Debug)]
pub(super) struct Tiles {
    pub(super) tiler: DeviceTiler,
    /// Tensors of the tiles that are cut and blended together, a multiple of the batch.
    pub(super) input: TensorBatchOnDevice,
    pub(super) output: TensorBatchOnDevice,
    pub(super) batch: usize,
}

/// Where the pixel kernels of each frame of a batch are in a graph.
#[derive(Debug)]
pub(super) struct Nodes {
    unpack: Vec<GraphNode>,
    /// None for a luma model, whose frames are packed after the graph.
    pack: Vec<GraphNode>,
}

impl Program {
    /// How many frames go through together.
    pub(super) fn batch(&self) -> usize {
        self.inputs.len()
    }

    /// Makes what depends on how a frame is coded and cropped. Before anything is enqueued or recorded for it.
    pub(super) fn prepare(&mut self, stream: &Stream, frame: &Staged) -> Result<()> {
        match &mut self.pack {
            Pack::Rgb(_) => Ok(()),
            Pack::Luma { kernel, .. } => {
                kernel.prepare(stream, frame.input.visible(), frame.from.siting, frame.to.siting)
            }
        }
    }

    /// Enqueues everything for `staged`, as many frames as a batch has or fewer, on `stream`.
    pub(super) fn enqueue(&mut self, stream: &Stream, staged: &[Staged], slot: &Slot) -> Result<()> {
        // RV-ENG-1301, RV-ENG-1308
        for (frame, tensor) in staged.iter().zip(&self.inputs) {
            self.unpack.launch(stream, &frame.input, frame.from, self.white, tensor)?;
        }
        self.run_model(stream)?;
        for (index, (frame, tensor)) in staged.iter().zip(&self.outputs).enumerate() {
            match &self.pack {
                Pack::Rgb(kernel) => {
                    let counter = Some(slot.counter(index));
                    kernel.launch(stream, tensor, self.white, frame.to, &frame.out, counter)?;
                }
                Pack::Luma { kernel, scratch } => {
                    self.pack_luma(stream, kernel, scratch, frame, tensor, slot.counter(index))?;
                }
            }
        }
        Ok(())
    }

    /// As [`Program::enqueue`] for a whole batch, inside [`Stream::capture`], but for the packing of a luma model's output.
    pub(super) fn record(&mut self, stream: &Stream, staged: &[Staged], slot: &Slot) -> Result<Nodes> {
        let frames = || staged.iter().zip(&self.inputs);
        let unpack = frames()
            .map(|(frame, tensor)| self.unpack.capture(stream, &frame.input, frame.from, self.white, tensor))
            .collect::<Result<_>>()?;
        self.run_model(stream)?;
        let mut pack = Vec::new();
        if let Pack::Rgb(kernel) = &self.pack {
            for (index, (frame, tensor)) in staged.iter().zip(&self.outputs).enumerate() {
                let counter = Some(slot.counter(index));
                pack.push(kernel.capture(stream, tensor, self.white, frame.to, &frame.out, counter)?);
            }
        }
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
        // RV-ENG-1306
        for ((frame, tensor), &node) in staged.iter().zip(&self.inputs).zip(&nodes.unpack) {
            self.unpack.update(graph, node, &frame.input, frame.from, self.white, tensor)?;
        }
        if let Pack::Rgb(kernel) = &self.pack {
            let frames = staged.iter().zip(&self.outputs).zip(&nodes.pack);
            for (index, ((frame, tensor), &node)) in frames.enumerate() {
                let counter = Some(slot.counter(index));
                kernel.update(graph, node, tensor, self.white, frame.to, &frame.out, counter)?;
            }
        }
        Ok(())
    }

    /// Enqueues, after the graph, what is not in it.
    pub(super) fn enqueue_rest(&self, stream: &Stream, staged: &[Staged], slot: &Slot) -> Result<()> {
        if let Pack::Luma { kernel, scratch } = &self.pack {
            for (index, (frame, tensor)) in staged.iter().zip(&self.outputs).enumerate() {
                self.pack_luma(stream, kernel, scratch, frame, tensor, slot.counter(index))?;
            }
        }
        Ok(())
    }

    fn pack_luma(
        &self,
        stream: &Stream,
        kernel: &LumaPackKernel,
        scratch: &ScratchOnDevice,
        frame: &Staged,
        tensor: &TensorOnDevice,
        counter: &NonFiniteCounter,
    ) -> Result<()> {
        let frame = LumaFrame {
            input: &frame.input,
            input_color: frame.from,
            tensor,
            white: self.white,
            output: &frame.out,
            color: frame.to,
            scratch,
            non_finite: Some(counter),
        };
        kernel.launch(stream, &frame)
    }

    fn run_model(&mut self, stream: &Stream) -> Result<()> {
        let Program { context, tiles, inputs, outputs, .. } = self;
        let Some(Tiles { tiler, input, output, batch }) = tiles else {
            // SAFETY: the lane that this belongs to set the context's memory and keeps it; all work of the context goes
            // to that lane's one stream, which outlives it.
            return unsafe { context.enqueue(stream) };
        };
        // RV-ENG-1307
        // Tiled frames go through one by one.
        let (Some(from), Some(to)) = (inputs.first(), outputs.first()) else { return Ok(()) };
        for first in (0..tiler.count()).step_by(input.count()) {
            let tiles = first..tiler.count().min(first + input.count());
            tiler.cut(stream, from, tiles.clone(), input)?;
            for slot in (0..tiles.len()).step_by(*batch) {
                // SAFETY: as above; from each multiple of the batch on there are as many tensors on both sides, in the
                // lane's memory, behind the last tile too.
                unsafe {
                    context.set_tensors(input.address_of(slot), output.address_of(slot))?;
                    context.enqueue(stream)?;
                }
            }
            tiler.blend(stream, tiles, output, to)?;
        }
        Ok(())
    }
}
