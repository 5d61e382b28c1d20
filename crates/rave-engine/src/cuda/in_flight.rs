//! Work that is on the device and not known to have ended.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use rave_core::{Error, Result, Status, note_device_hung};
use rave_cuda::{Device, Event, NonFiniteCounter, Stream};

/// How long the work of one launch may take, once all before it in its lane is over, until the GPU is taken to have stopped.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long that may take when nobody wants the result any more, between the two: as many times as long as the slowest launch
/// so far. A GPU that is slow is not taken for one that has stopped, and one that has stopped does not hold up an end.
const PATIENCE_AT_THE_END: (Duration, u32) = (Duration::from_secs(5), 4);

/// The shortest and the longest time between two looks at an event that is waited for.
const NAP: Range<Duration> = Duration::from_micros(50)..Duration::from_millis(2);

/// One launch of a lane: the frames that it computes, and the point after them.
#[derive(Debug)]
pub(super) struct Slot {
    done: Event,
    /// One for each frame of a batch.
    counters: Vec<NonFiniteCounter>,
    /// Numbers of the frames; empty when nothing is in flight.
    frames: Range<u64>,
    /// When they were launched.
    begun: Instant,
}

/// Elements of a frame that are NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NonFinite {
    /// The first frame that has some.
    pub(super) frame: u64,
    /// How many there are in all frames of the launch.
    pub(super) elements: u64,
}

impl Slot {
    pub(super) fn new(device: &Device, batch: u32) -> Result<Self> {
        Ok(Slot {
            done: Event::new(device)?,
            counters: (0..batch).map(|_| NonFiniteCounter::new(device)).collect::<Result<_>>()?,
            frames: 0..0,
            begun: Instant::now(),
        })
    }

    /// The event after the launch.
    pub(super) fn done(&self) -> &Event {
        &self.done
    }

    /// What counts in frame `index` of the batch.
    pub(super) fn counter(&self, index: usize) -> &NonFiniteCounter {
        &self.counters[index]
    }

    /// Notes that everything enqueued for `frames` is on `stream`.
    pub(super) fn launched(&mut self, stream: &Stream, frames: Range<u64>) -> Result<()> {
        self.done.record(stream)?;
        self.frames = frames;
        self.begun = Instant::now();
        Ok(())
    }

    /// Whether the slot can be used for another launch: `Ok(false)` while its work goes on.
    ///
    /// # Errors
    /// The first error of that work.
    pub(super) fn is_over(&self) -> Result<bool> {
        if self.frames.is_empty() {
            return Ok(true);
        }
        self.done.is_done()
    }

    /// Blocks until the work has ended.
    ///
    /// # Errors
    /// As [`wait_for`].
    pub(super) fn wait(&self, patience: Duration) -> Result<()> {
        if self.frames.is_empty() {
            return Ok(());
        }
        wait_patiently(&self.done, patience, || match (self.frames.start, self.frames.end - 1) {
            (only, last) if only == last => format!("frame {only}"),
            (first, last) => format!("frames {first} to {last}"),
        })
    }

    /// How long ago its work was launched, if it has any.
    pub(super) fn age(&self) -> Option<Duration> {
        (!self.frames.is_empty()).then(|| self.begun.elapsed())
    }

    /// Frees the slot, whose work is over, and tells what was not finite in it.
    pub(super) fn settle(&mut self) -> Option<NonFinite> {
        // RV-ENG-1309
        let frames = std::mem::take(&mut self.frames);
        let mut found: Option<NonFinite> = None;
        for (frame, counter) in frames.zip(&mut self.counters) {
            let elements = u64::from(counter.take());
            if elements > 0 {
                found.get_or_insert(NonFinite { frame, elements: 0 }).elements += elements;
            }
        }
        found
    }
}

/// How long one launch may take at the end of a session in which the slowest took `slowest`, as far as that is known.
pub(super) fn patience_at_the_end(slowest: Option<Duration>) -> Duration {
    let (least, times) = PATIENCE_AT_THE_END;
    slowest.map_or(PATIENCE, |slowest| slowest.saturating_mul(times).clamp(least, PATIENCE))
}

/// Blocks until `event` has passed.
///
/// # Errors
/// The first error of the work before it; [`Status::DeviceLost`], remembered for the process, when it does not end in time.
pub(super) fn wait_for(event: &Event, what: impl FnOnce() -> String) -> Result<()> {
    wait_patiently(event, PATIENCE, what)
}

/// Blocks until `event` has passed, looking at it from time to time. A wait inside the driver would have no end.
fn wait_patiently(event: &Event, patience: Duration, what: impl FnOnce() -> String) -> Result<()> {
    let start = Instant::now();
    let mut nap = NAP.start;
    while !event.is_done()? {
        // RV-ENG-1311
        if start.elapsed() > patience {
            note_device_hung();
            let what = what();
            return Err(Error::new(
                Status::DeviceLost,
                format!("{what}: on the GPU for more than {} s", patience.as_secs()),
            )
            .help("restart the process; nvidia-smi and the kernel's log (Xid) tell what the GPU met"));
        }
        thread::sleep(nap);
        nap = (nap * 2).min(NAP.end);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1311
    #[test]
    fn a_slow_gpu_gets_more_time_at_the_end_than_a_fast_one() {
        let seconds = |seconds| Duration::from_secs(seconds);
        assert_eq!(patience_at_the_end(Some(Duration::from_millis(5))), seconds(5));
        assert_eq!(patience_at_the_end(Some(seconds(3))), seconds(12));
        assert_eq!(patience_at_the_end(Some(seconds(60))), PATIENCE);
        assert_eq!(patience_at_the_end(None), PATIENCE, "the first launch compiles and loads");
    }
    /// A process whose driver says of all work that it is not done, and which has no patience.
    ///
    /// RV-ENG-1311
    #[test]
    fn work_that_never_ends_is_given_up_and_no_call_of_cuda_follows() {
        const THIS: &str =
            "cuda::in_flight::tests::work_that_never_ends_is_given_up_and_no_call_of_cuda_follows";
        const CHILD: &str = "RAVE_STANDIN_QUERY";
        if std::env::var_os(CHILD).is_none() {
            let driver = rave_tests::gpu_standin::driver();
            let mut program = std::process::Command::new(std::env::current_exe().unwrap());
            program.args(["--exact", THIS]).env("LD_LIBRARY_PATH", driver.path());
            let said = rave_tests::command::stdout_of(program.env(CHILD, "600"));
            assert!(said.contains("1 passed"), "{said}");
            return;
        }
        let device = Device::create(0).unwrap();
        let event = Event::new(&device).unwrap();
        assert!(!event.is_done().unwrap());
        let error = wait_patiently(&event, Duration::ZERO, || "frame 7".into()).unwrap_err();
        assert_eq!(error.status(), Status::DeviceLost);
        assert!(error.to_string().contains("frame 7: on the GPU for more than"), "{error}");

        // The driver would answer each of these.
        for later in [event.is_done().unwrap_err(), Device::create(0).unwrap_err()] {
            assert_eq!(later.status(), Status::DeviceLost);
            assert!(later.to_string().contains("the GPU stopped answering"), "{later}");
        }
    }
}
