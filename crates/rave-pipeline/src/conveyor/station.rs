//! What the thread of each stage does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bin::Bin;
use super::ending::Ending;
use super::metrics::{Board, Metrics};
use super::outlet::Inlet;
use super::{Carrier, FrameSink, FrameSource, FrameStage, Outlet};

/// Who is told how far the pipeline is.
pub(super) struct Listener {
    pub(super) every: Duration,
    pub(super) tell: Box<dyn FnMut(&Metrics) + Send>,
}

// In each of these, the queues live until `attend` has left what went wrong.

pub(super) fn run_source<F: Carrier>(
    mut source: Box<dyn FrameSource<F>>,
    mut out: Outlet<F>,
    ending: &Ending,
) {
    let name = out.meter().name().to_owned();
    ending.attend(&name, || {
        while !ending.is_near() {
            let mut frame = out.blank()?;
            let begun = Instant::now();
            if !source.read(&mut frame)? {
                out.recycle(frame);
                return Ok(());
            }
            out.meter().worked(begun.elapsed());
            out.send(frame)?;
        }
        Ok(())
    });
}

// RV-PIPE-1001
pub(super) fn run_stage<F: Carrier>(
    mut stage: Box<dyn FrameStage<F>>,
    mut frames: Inlet<F>,
    mut out: Outlet<F>,
    ending: &Ending,
) {
    let name = out.meter().name().to_owned();
    ending.attend(&name, || {
        while let Some(frame) = frames.receive() {
            if ending.is_near() {
                return Ok(());
            }
            let (begun, waited) = (Instant::now(), out.waited());
            stage.process(frame, &mut out)?;
            out.meter().worked(begun.elapsed().saturating_sub(out.waited() - waited));
        }
        // The end of the stream, unless somebody left an error or wished to stop.
        if ending.is_near() { Ok(()) } else { stage.finish(&mut out) }
    });
}

pub(super) fn run_sink<F: Carrier>(
    mut sink: Box<dyn FrameSink<F>>,
    mut frames: Inlet<F>,
    bin: &Bin<F>,
    board: &Arc<Board>,
    mut listener: Option<Listener>,
    ending: &Ending,
) {
    let name = frames.meter().name().to_owned();
    let mut told = Instant::now();
    ending.attend(&name, || {
        while let Some(frame) = frames.receive() {
            if ending.is_near() {
                return Ok(());
            }
            let begun = Instant::now();
            sink.write(&frame)?;
            frames.meter().worked(begun.elapsed());
            bin.put(frame);
            board.frame_done();
            if let Some(Listener { every, tell }) = &mut listener
                && told.elapsed() >= *every
            {
                told = Instant::now();
                tell(&board.read());
            }
        }
        // RV-PIPE-1105
        if ending.is_near() {
            return Ok(());
        }
        sink.finish()?;
        ending.complete();
        if let Some(Listener { tell, .. }) = &mut listener {
            tell(&board.read());
        }
        Ok(())
    });
}
