//! What a pipeline is made of.

use rave_core::Result;

use super::Outlet;

/// What goes through a pipeline: a frame that can be emptied and filled again.
pub trait Carrier: Send + 'static {
    /// One without content.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    fn blank() -> Result<Self>
    where
        Self: Sized;

    /// Lets go of the content; what can be used for the next one may stay.
    fn clear(&mut self);

    /// Another one with the same content, for who wants to keep it. Pixels need not be copied for it.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    fn share(&self) -> Result<Self>
    where
        Self: Sized;
}

/// What gives frames: a file, memory, whatever a program makes. Called by one thread, which it may block.
pub trait FrameSource<F>: Send {
    /// Puts the next frame into `frame`, which is blank; `false` when there is none any more.
    ///
    /// # Errors
    /// Any; it ends the pipeline.
    fn read(&mut self, frame: &mut F) -> Result<bool>;
}

/// What makes frames of frames. Called by one thread, which it may block.
pub trait FrameStage<F>: Send {
    /// Takes a frame, and gives to `out` what is ready: nothing, this one, or several, in order.
    ///
    /// # Errors
    /// Any; it ends the pipeline. Those of `out` are to be passed on.
    fn process(&mut self, frame: F, out: &mut Outlet<F>) -> Result<()>;

    /// Gives to `out` what was kept back: the stream has ended.
    ///
    /// # Errors
    /// As [`FrameStage::process`].
    fn finish(&mut self, out: &mut Outlet<F>) -> Result<()> {
        let _ = out;
        Ok(())
    }
}

/// What takes frames: a file, memory, a window. Called by one thread, which it may block.
pub trait FrameSink<F>: Send {
    /// Takes the next frame; who wants to keep it [shares](Carrier::share) it.
    ///
    /// # Errors
    /// Any; it ends the pipeline.
    fn write(&mut self, frame: &F) -> Result<()>;

    /// Completes the output. Called once, after the last frame, and only when nothing went wrong anywhere: a sink that is
    /// dropped without it has no complete output.
    ///
    /// # Errors
    /// Any; it is the pipeline's.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<F> FrameSource<F> for Box<dyn FrameSource<F>> {
    fn read(&mut self, frame: &mut F) -> Result<bool> {
        (**self).read(frame)
    }
}

impl<F> FrameStage<F> for Box<dyn FrameStage<F>> {
    fn process(&mut self, frame: F, out: &mut Outlet<F>) -> Result<()> {
        (**self).process(frame, out)
    }

    fn finish(&mut self, out: &mut Outlet<F>) -> Result<()> {
        (**self).finish(out)
    }
}

impl<F> FrameSink<F> for Box<dyn FrameSink<F>> {
    fn write(&mut self, frame: &F) -> Result<()> {
        (**self).write(frame)
    }

    fn finish(&mut self) -> Result<()> {
        (**self).finish()
    }
}

/// A stage that changes each frame in its place.
pub fn in_place<F: Carrier>(change: impl FnMut(&mut F) -> Result<()> + Send) -> impl FrameStage<F> {
    struct InPlace<C>(C);

    impl<F: Carrier, C: FnMut(&mut F) -> Result<()> + Send> FrameStage<F> for InPlace<C> {
        fn process(&mut self, mut frame: F, out: &mut Outlet<F>) -> Result<()> {
            (self.0)(&mut frame)?;
            out.send(frame)
        }
    }

    InPlace(change)
}
