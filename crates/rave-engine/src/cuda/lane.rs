//! What computes one frame, or one batch of frames, at a time.

use std::fmt;
use std::time::Duration;

use rave_core::{Colorimetry, Log, Result, Size};
use rave_cuda::{Event, FrameOnDevice, PooledBlock, Stream};

use super::frame_graph::FrameGraph;
use super::geometry::Geometry;
use super::in_flight::{NonFinite, PATIENCE, Slot, patience_at_the_end};
use super::program::Program;

/// How many launches of a lane are queued on the device before the host waits for the first of them.
const QUEUE: usize = 4;

/// A frame that is to be computed with the next launch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Staged {
    pub(super) number: u64,
    pub(super) input: FrameOnDevice,
    pub(super) from: Colorimetry,
    pub(super) out: FrameOnDevice,
    pub(super) to: Colorimetry,
}

/// A stream, and what it carries out for every frame.
#[derive(Debug)]
pub(super) struct Lane {
    graph: FrameGraph,
    program: Program,
    staged: Vec<Staged>,
    slots: Vec<Slot>,
    /// The slot of the next launch.
    next: usize,
    /// The longest time after which a launch was seen to be over.
    slowest: Option<Duration>,
    arrived: Event,
    memory: Vec<PooledBlock>,
    stream: Stream,
}

impl Lane {
    /// Makes a lane for frames of `geometry`, with memory from the device's pool; says how many tiles a frame is made of.
    // RV-ENG-1304
    pub(super) fn new(geometry: &Geometry<'_>, graph: FrameGraph) -> Result<(Self, u32)> {
        let device = geometry.device();
        let stream = Stream::create(device.device())?;
        let mut memory = Vec::new();
        let mut take = |bytes: usize| -> Result<u64> {
            let block = device.pool().acquire(bytes.max(1), &stream)?;
            let address = block.address();
            memory.push(block);
            Ok(address)
        };
        let (program, tiles) = geometry.program(&stream, &mut take)?;
        let batch = geometry.batch;
        let lane = Lane {
            graph,
            program,
            staged: Vec::with_capacity(batch as usize),
            slots: (0..QUEUE).map(|_| Slot::new(device.device(), batch)).collect::<Result<_>>()?,
            next: 0,
            slowest: None,
            arrived: Event::new(device.device())?,
            memory,
            stream,
        };
        Ok((lane, tiles))
    }

    /// Adds a frame, whose content is valid in order on `main` by now, to the next launch. Returns its slot, and whether
    /// the batch is full.
    pub(super) fn stage(&mut self, main: &Stream, frame: Staged) -> Result<(usize, bool)> {
        self.arrived.record(main)?;
        self.staged.push(frame);
        Ok((self.next, self.staged.len() == self.program.batch()))
    }

    /// How many frames the next launch has so far.
    pub(super) fn staged(&self) -> u64 {
        self.staged.len() as u64
    }

    /// Whether the launch of `slot` is still to be done.
    pub(super) fn is_staged(&self, slot: usize) -> bool {
        slot == self.next && !self.staged.is_empty()
    }

    // RV-ENG-1303
    /// Waits for room in the queue; nothing in the steady state of a GPU that keeps up.
    pub(super) fn make_room(&self) -> Result<()> {
        self.slots[self.next].wait(PATIENCE)
    }

    /// Frees the slots whose work is over, oldest first, and tells what was not finite in them.
    pub(super) fn settle(&mut self) -> Result<Option<NonFinite>> {
        let mut found: Option<NonFinite> = None;
        for offset in 0..QUEUE {
            let slot = &mut self.slots[(self.next + offset) % QUEUE];
            if !slot.is_over()? {
                break;
            }
            self.slowest = self.slowest.max(slot.age());
            if let Some(more) = slot.settle() {
                found.get_or_insert(NonFinite { elements: 0, ..more }).elements += more.elements;
            }
        }
        Ok(found)
    }

    /// Enqueues what is staged, and says whether that was by a graph. There is room, as [`Lane::make_room`] has seen to.
    pub(super) fn launch(&mut self, log: &Log) -> Result<bool> {
        let Lane { program, graph, staged, slots, stream, .. } = self;
        let Some((first, last)) = staged.first().zip(staged.last()) else { return Ok(false) };
        let frames = first.number..last.number + 1;
        let slot = &mut slots[self.next];
        // RV-ENG-1302: the last frame's arrival is behind the others' on the main stream.
        stream.wait(&self.arrived)?;
        let launched = enqueue(program, graph, stream, staged, slot, log);
        // Also of a launch that failed in the middle: what of it is on the device is waited for.
        slot.launched(stream, frames)?;
        staged.clear();
        self.next = (self.next + 1) % QUEUE;
        launched
    }

    /// The size of the pictures that the model gets.
    pub(super) fn model_size(&self) -> Size {
        self.program.context.input.size
    }

    /// The slot of the next launch.
    pub(super) fn next_slot(&self) -> usize {
        self.next
    }

    /// Forgets what is staged, after an error.
    pub(super) fn abandon(&mut self) {
        self.staged.clear();
    }

    /// Makes `main` wait, on the device, for the launch of `slot`.
    pub(super) fn join(&self, main: &Stream, slot: usize) -> Result<()> {
        main.wait(self.slots[slot].done())
    }

    /// Blocks until all work has ended, the oldest first, so that patience is with one launch at a time.
    pub(super) fn wait(&self) -> Result<()> {
        self.wait_patiently(PATIENCE)
    }

    /// As [`Lane::wait`], when nobody wants the results any more.
    pub(super) fn wait_at_the_end(&self) -> Result<()> {
        self.wait_patiently(patience_at_the_end(self.slowest))
    }

    fn wait_patiently(&self, patience: Duration) -> Result<()> {
        (0..QUEUE).try_for_each(|offset| self.slots[(self.next + offset) % QUEUE].wait(patience))
    }
}

/// Enqueues everything for `staged`, and says whether that was by a graph.
fn enqueue(
    program: &mut Program,
    graph: &mut FrameGraph,
    stream: &Stream,
    staged: &[Staged],
    slot: &Slot,
    log: &Log,
) -> Result<bool> {
    for frame in staged {
        program.prepare(stream, frame)?;
    }
    let by_graph = staged.len() == program.batch() && graph.launch(program, stream, staged, slot, log)?;
    if !by_graph {
        program.enqueue(stream, staged, slot)?;
    }
    Ok(by_graph)
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "model input {} at {} a run", self.program.context.input, self.program.context.batch)
    }
}

impl Drop for Lane {
    /// The session has waited for the work: nothing runs any more, or the device is lost and everything is leaked.
    fn drop(&mut self) {
        for block in self.memory.drain(..) {
            // An error leaves the block to be freed, or leaked with the device.
            let _ = block.release(&self.stream);
        }
    }
}
