//! A frame that is only a number, and stages that fail where a test says.

#![allow(dead_code, reason = "each test file is a crate that uses a part of this")]

use std::sync::Arc;

use rave_core::{Error, Result, Status};
use rave_pipeline::{CancellationToken, Carrier, FrameSink, FrameSource, FrameStage, MemorySink, Outlet};

/// A number, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) Option<u64>);

impl Carrier for Number {
    fn blank() -> Result<Self> {
        Ok(Number(None))
    }

    fn clear(&mut self) {
        self.0 = None;
    }

    fn share(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

/// What happens at a place.
#[derive(Clone, Debug, Default)]
pub(crate) enum Event {
    #[default]
    Nothing,
    /// An error that says this.
    Error(&'static str),
    Panic(&'static str),
    Cancel(CancellationToken),
}

impl Event {
    pub(crate) fn happen(&self) -> Result<()> {
        match self {
            Event::Nothing => {}
            Event::Error(text) => return Err(Error::new(Status::Io, *text)),
            Event::Panic(text) => std::panic::panic_any(*text),
            Event::Cancel(token) => token.cancel(),
        }
        Ok(())
    }
}

/// Something that happens at the frame of a number, or at the end of the stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) at: Option<u64>,
    pub(crate) at_end: bool,
    pub(crate) event: Event,
    /// Parts of the pipeline that are there.
    pub(crate) alive: Alive,
}

impl Plan {
    fn frame(&self, number: u64) -> Result<()> {
        if self.at == Some(number) { self.event.happen() } else { Ok(()) }
    }

    fn end(&self) -> Result<()> {
        if self.at_end { self.event.happen() } else { Ok(()) }
    }
}

/// Clones that have not been dropped, this one included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alive(Arc<()>);

impl Alive {
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

/// Counts from 0 up to, and without, `end`.
pub(crate) struct Counter {
    pub(crate) next: u64,
    pub(crate) end: u64,
    pub(crate) plan: Plan,
}

impl FrameSource<Number> for Counter {
    fn read(&mut self, frame: &mut Number) -> Result<bool> {
        assert_eq!(frame.0, None, "a frame to fill is blank");
        if self.next == self.end {
            self.plan.end()?;
            return Ok(false);
        }
        self.plan.frame(self.next)?;
        frame.0 = Some(self.next);
        self.next += 1;
        Ok(true)
    }
}

/// Keeps one frame back and gives ten times its number.
pub(crate) struct TenTimes {
    pub(crate) kept: Option<Number>,
    pub(crate) plan: Plan,
}

impl FrameStage<Number> for TenTimes {
    fn process(&mut self, frame: Number, out: &mut Outlet<Number>) -> Result<()> {
        self.plan.frame(frame.0.unwrap())?;
        let mut made = out.blank()?;
        made.0 = frame.0.map(|number| 10 * number);
        out.recycle(frame);
        match self.kept.replace(made) {
            Some(ready) => out.send(ready),
            None => Ok(()),
        }
    }

    fn finish(&mut self, out: &mut Outlet<Number>) -> Result<()> {
        self.plan.end()?;
        self.kept.take().map_or(Ok(()), |last| out.send(last))
    }
}

/// Keeps what comes.
pub(crate) struct Keeper {
    pub(crate) frames: MemorySink<Number>,
    pub(crate) plan: Plan,
}

impl FrameSink<Number> for Keeper {
    fn write(&mut self, frame: &Number) -> Result<()> {
        self.plan.frame(frame.0.unwrap() / 10)?;
        self.frames.write(frame)
    }

    fn finish(&mut self) -> Result<()> {
        self.plan.end()?;
        self.frames.finish()
    }
}
