//! The shutdown under every kind of interleaving: the conveyor's own source, on threads and queues that shuttle schedules.
//!
//! A schedule that fails is printed, and `shuttle::replay` takes it.

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the crate's source; the model uses a part of it"
)]
#[path = "../src/conveyor/mod.rs"]
mod conveyor;

/// In the place of the crate's module: the same names, scheduled by shuttle.
mod sync {
    use std::sync::Arc;

    use shuttle::sync::atomic::{AtomicBool, Ordering};
    use shuttle::sync::mpsc;

    pub(crate) use shuttle::sync::Mutex;
    pub(crate) use shuttle::thread::{Builder, JoinHandle};

    #[derive(Clone, Debug)]
    pub(crate) struct Sender<T>(mpsc::SyncSender<T>);

    #[derive(Debug)]
    pub(crate) struct Receiver<T>(mpsc::Receiver<T>);

    pub(crate) fn queue<T>(bound: usize) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::sync_channel(bound);
        (Sender(sender), Receiver(receiver))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(&self, item: T) -> bool {
            self.0.send(item).is_ok()
        }

        /// Not modelled: the bound is the channel's own.
        pub(crate) fn depth(&self) -> usize {
            0
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn receive(&mut self) -> Option<T> {
            self.0.recv().ok()
        }

        pub(crate) fn depth(&self) -> usize {
            0
        }

        /// Not modelled: nobody asks.
        pub(crate) fn is_closed(&self) -> bool {
            false
        }

        pub(crate) async fn receive_async(&mut self) -> Option<T> {
            self.receive()
        }
    }

    /// A flag, and those of which it is a child.
    #[derive(Clone, Debug)]
    pub(crate) struct CancellationToken(Vec<Arc<AtomicBool>>);

    impl CancellationToken {
        pub(crate) fn new() -> Self {
            CancellationToken(vec![Arc::new(AtomicBool::new(false))])
        }

        pub(crate) fn child_token(&self) -> Self {
            let own = Arc::new(AtomicBool::new(false));
            CancellationToken([own].into_iter().chain(self.0.iter().cloned()).collect())
        }

        pub(crate) fn cancel(&self) {
            self.0[0].store(true, Ordering::SeqCst);
        }

        pub(crate) fn is_cancelled(&self) -> bool {
            self.0.iter().any(|flag| flag.load(Ordering::SeqCst))
        }
    }
}

/// In the place of the crate's module.
mod allocations {
    pub(crate) fn count() -> Option<u64> {
        None
    }
}

use std::sync::Arc;

use conveyor::{Carrier, FrameSink, FrameSource, FrameStage, Outlet, Pipeline};
use rave_core::{Error, Result, Status};
use shuttle::rand::Rng;
use shuttle::sync::Mutex;

/// How many schedules are tried of each kind.
const SCHEDULES: usize = 1500;
const FRAMES: u32 = 3;

struct Frame(Option<u32>);

impl Carrier for Frame {
    fn blank() -> Result<Self> {
        Ok(Frame(None))
    }

    fn clear(&mut self) {
        self.0 = None;
    }

    fn share(&self) -> Result<Self> {
        Ok(Frame(self.0))
    }
}

/// What a run has left behind.
#[derive(Default)]
struct Seen {
    written: Vec<u32>,
    finished: bool,
    /// Errors in the order in which they were made.
    errors: Vec<String>,
    dropped: usize,
}

/// A stage of any kind that may fail at one call.
struct Part {
    name: &'static str,
    calls_before_error: Option<u32>,
    next: u32,
    seen: Arc<Mutex<Seen>>,
}

impl Part {
    fn call(&mut self) -> Result<()> {
        match &mut self.calls_before_error {
            Some(0) => {
                let text = format!("{} failed", self.name);
                self.seen.lock().unwrap().errors.push(text.clone());
                Err(Error::new(Status::Io, text))
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.seen.lock().unwrap().dropped += 1;
    }
}

impl FrameSource<Frame> for Part {
    fn read(&mut self, frame: &mut Frame) -> Result<bool> {
        self.call()?;
        frame.0 = Some(self.next).filter(|&next| next < FRAMES);
        self.next += 1;
        Ok(frame.0.is_some())
    }
}

impl FrameStage<Frame> for Part {
    fn process(&mut self, frame: Frame, out: &mut Outlet<Frame>) -> Result<()> {
        self.call()?;
        out.send(frame)
    }

    fn finish(&mut self, _: &mut Outlet<Frame>) -> Result<()> {
        self.call()
    }
}

impl FrameSink<Frame> for Part {
    fn write(&mut self, frame: &Frame) -> Result<()> {
        self.call()?;
        self.seen.lock().unwrap().written.extend(frame.0);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.call()?;
        self.seen.lock().unwrap().finished = true;
        Ok(())
    }
}

/// One run: each of the three may fail at any call, somebody may cancel, or drop the pipeline, at any moment. That it
/// returns at all is that nothing waits for ever: shuttle fails where every thread is blocked.
fn run() {
    let mut random = shuttle::rand::thread_rng();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut part = |name| Part {
        name,
        calls_before_error: random.gen_bool(0.4).then(|| random.gen_range(0..=FRAMES + 1)),
        next: 0,
        seen: Arc::clone(&seen),
    };
    let (source, stage, sink) = (part("source"), part("stage"), part("sink"));
    let (capacity, cancels, drops) = (random.gen_range(1..=2), random.gen_bool(0.3), random.gen_bool(0.2));
    let token = sync::CancellationToken::new();
    let running = Pipeline::new("source", source)
        .stage("stage", stage)
        .capacity(capacity)
        .cancelled_by(&token)
        .start("sink", sink)
        .unwrap();
    let canceller = cancels.then(|| shuttle::thread::spawn(move || token.cancel()));
    let result = if drops {
        drop(running);
        None
    } else {
        Some(running.wait().map(drop))
    };

    let state = seen.lock().unwrap();
    assert_eq!(state.dropped, 3, "every thread has ended");
    assert_eq!(state.written, (0..state.written.len() as u32).collect::<Vec<_>>(), "in order, none twice");
    if state.finished {
        assert_eq!(state.written.len() as u32, FRAMES, "a complete output is the whole stream");
        assert_eq!(state.errors, [""; 0], "and nothing went wrong before");
    }
    match result {
        None => {}
        Some(Ok(())) => assert!(state.finished),
        Some(Err(error)) if error.status() == Status::Cancelled => assert!(cancels && !state.finished),
        Some(Err(error)) => {
            assert!(!state.finished);
            assert!(state.errors.iter().any(|made| error.to_string().contains(made)), "{error}");
        }
    }
    drop(state);
    if let Some(canceller) = canceller {
        canceller.join().unwrap();
    }
}

/// RV-PIPE-1102, RV-PIPE-1103, RV-PIPE-1105
#[test]
fn whatever_the_order_every_thread_ends_and_only_a_whole_stream_is_complete() {
    shuttle::check_random(run, SCHEDULES);
    shuttle::check_pct(run, SCHEDULES, 3);
}
