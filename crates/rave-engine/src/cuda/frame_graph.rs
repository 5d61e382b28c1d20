//! The work of a frame as a CUDA graph.

use rave_core::{Log, LogLevel, Result, Status};
use rave_cuda::{ExecutableGraph, Stream};

use super::in_flight::Slot;
use super::lane::Staged;
use super::program::{Nodes, Program};

/// The graph of a lane. Addresses of tensors stay; those of frames, and how their colours are coded, are written into the
/// graph before each launch.
#[derive(Debug)]
pub(super) enum FrameGraph {
    /// Not wanted, or the engine does not let itself be captured.
    Off,
    /// Wanted. TensorRT has to have run once with its shapes before it can be captured.
    Cold,
    /// The next frame is to be recorded.
    Warm,
    /// Recorded.
    Ready { graph: ExecutableGraph, nodes: Nodes },
}

impl FrameGraph {
    /// Launches the graph for `staged`, a whole batch. `Ok(false)`: there is none (yet), enqueue it yourself.
    pub(super) fn launch(
        &mut self,
        program: &mut Program,
        stream: &Stream,
        staged: &[Staged],
        slot: &Slot,
        log: &Log,
    ) -> Result<bool> {
        match self {
            FrameGraph::Off => return Ok(false),
            FrameGraph::Cold => {
                *self = FrameGraph::Warm;
                return Ok(false);
            }
            FrameGraph::Warm => match record(program, stream, staged, slot) {
                Ok(ready) => *self = ready,
                Err(error) if error.status() == Status::DeviceLost => return Err(error),
                Err(error) => {
                    log.write(
                        LogLevel::Verbose,
                        format_args!(
                            "frames are launched without a graph, which cannot be recorded: {error}"
                        ),
                    );
                    *self = FrameGraph::Off;
                    return Ok(false);
                }
            },
            // RV-ENG-1306
            FrameGraph::Ready { graph, nodes } => program.retarget(graph, nodes, staged, slot)?,
        }
        let FrameGraph::Ready { graph, .. } = self else { return Ok(false) };
        // SAFETY: the graph touches the tensors and the scratch memory, which the lane keeps, the frames, which by the
        // contract of their descriptions stay until the work is done, and the slot's counters; the session waits for the
        // work before any of these goes.
        unsafe { graph.launch(stream) }?;
        program.enqueue_rest(stream, staged, slot)?;
        Ok(true)
    }
}

fn record(program: &mut Program, stream: &Stream, staged: &[Staged], slot: &Slot) -> Result<FrameGraph> {
    let mut nodes = None;
    let graph = stream.capture(|stream| {
        nodes = Some(program.record(stream, staged, slot)?);
        Ok(())
    })?;
    let graph = graph.instantiate()?;
    Ok(nodes.map_or(FrameGraph::Off, |nodes| FrameGraph::Ready { graph, nodes }))
}
