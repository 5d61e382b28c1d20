//! Pipelines of numbers: order, ends, bounds and what is told of them.

mod common;

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::{Alive, Counter, Event, Keeper, Number, Plan, TenTimes};
use rave_core::{Error, Result, Status};
use rave_pipeline::{
    CancellationToken, FrameSink, MAX_CAPACITY, MemorySink, MemorySource, Pipeline, Running, in_place,
};

const FRAMES: u64 = 20;
const STAGES: [&str; 4] = ["decode", "preprocess", "inference", "encode"];

/// A pipeline in which `event` happens in the stage of a name, at a frame or at the end.
struct Scene {
    capacity: usize,
    event: Event,
    stage: &'static str,
    at: Option<u64>,
    token: CancellationToken,
    frames: MemorySink<Number>,
    alive: Alive,
}

impl Default for Scene {
    fn default() -> Self {
        Scene {
            capacity: 2,
            event: Event::Nothing,
            stage: "",
            at: None,
            token: CancellationToken::new(),
            frames: MemorySink::default(),
            alive: Alive::default(),
        }
    }
}

impl Scene {
    fn plan(&self, stage: &str) -> Plan {
        let alive = self.alive.clone();
        if stage == self.stage {
            return Plan { at: self.at, at_end: self.at.is_none(), event: self.event.clone(), alive };
        }
        Plan { alive, ..Plan::default() }
    }

    fn pipeline(&self) -> (Pipeline<Number>, Keeper) {
        let [decode, preprocess, inference, encode] = STAGES.map(|stage| self.plan(stage));
        let mut plus = TenTimes { kept: None, plan: preprocess };
        // Tenfold and then a tenth, so that the last stage counts as the first does.
        plus.plan.at = plus.plan.at.filter(|_| self.stage == "preprocess");
        let pipeline = Pipeline::new("decode", Counter { next: 0, end: FRAMES, plan: decode })
            .stage("preprocess", plus)
            .stage(
                "divide",
                in_place(|frame: &mut Number| {
                    frame.0 = frame.0.map(|number| number / 10);
                    Ok(())
                }),
            )
            .stage("inference", TenTimes { kept: None, plan: inference })
            .capacity(self.capacity)
            .cancelled_by(&self.token);
        (pipeline, Keeper { frames: self.frames.clone(), plan: encode })
    }

    fn start(&self) -> Running {
        let (pipeline, keeper) = self.pipeline();
        pipeline.start("encode", keeper).unwrap()
    }

    /// The numbers that came out, which are tens in order.
    fn came_out(&self) -> Vec<u64> {
        let numbers: Vec<_> = self.frames.take().into_iter().map(|frame| frame.0.unwrap()).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).map(|n| 10 * n).collect::<Vec<_>>());
        numbers
    }
}

/// RV-PIPE-1001
#[test]
fn every_frame_comes_out_once_and_in_order_whatever_the_queues_hold() {
    for capacity in [1, 2, 8, MAX_CAPACITY] {
        let scene = Scene { capacity, ..Scene::default() };
        let metrics = scene.start().wait().unwrap();
        assert_eq!(metrics.frames, FRAMES);
        assert_eq!(scene.came_out().len() as u64, FRAMES, "capacity {capacity}");
        assert!(scene.frames.is_complete());
    }
}

/// RV-PIPE-1001
#[test]
fn a_stream_without_frames_is_complete() {
    let sink = MemorySink::<Number>::default();
    Pipeline::new("decode", MemorySource::new([])).run("encode", sink.clone()).unwrap();
    assert!(sink.take().is_empty() && sink.is_complete());
}

/// RV-PIPE-1103, RV-PIPE-1104, RV-PIPE-1105, RV-PIPE-1102
#[test]
fn an_error_or_a_panic_anywhere_is_the_result_and_no_output_is_complete() {
    for stage in STAGES {
        for at in (0..FRAMES).step_by(6).map(Some).chain([None]) {
            for (event, status) in [(Event::Error("torn"), Status::Io), (Event::Panic("torn"), Status::Panic)]
            {
                let scene = Scene { stage, at, event: event.clone(), ..Scene::default() };
                let error = scene.start().wait().unwrap_err();
                let case = format!("{event:?} in {stage} at {at:?}: {error}");
                assert_eq!(error.status(), status, "{case}");
                assert!(error.to_string().contains("torn"), "{case}");
                assert!(status != Status::Panic || error.to_string().contains(stage), "{case}");
                assert!(!scene.frames.is_complete(), "{case}");
                let most = at.unwrap_or(FRAMES);
                assert!(scene.came_out().len() as u64 <= most, "{case}: nothing of the failed frame");
                assert_eq!(scene.alive.count(), 1, "{case}: all stages are gone");
            }
        }
    }
}

/// RV-PIPE-1103
#[test]
fn an_error_that_comes_of_another_does_not_take_its_place() {
    let sink = MemorySink::<Number>::default();
    let late = |frame: &mut Number| match frame.0 {
        Some(0) => Ok(()),
        _ => Err(Error::new(Status::Unknown, "the second")),
    };
    struct First(std::sync::mpsc::Sender<()>);
    impl FrameSink<Number> for First {
        fn write(&mut self, _: &Number) -> Result<()> {
            Err(Error::new(Status::Io, "the first"))
        }
    }
    impl Drop for First {
        fn drop(&mut self) {
            // After the error has been left: the stage before it goes on from here.
            _ = self.0.send(());
        }
    }
    let (failed, wait): (_, Receiver<()>) = channel();
    let mut wait = Some(wait);
    let error = Pipeline::new("decode", Counter { next: 0, end: 2, plan: Plan::default() })
        .stage(
            "late",
            in_place(move |frame: &mut Number| {
                if frame.0 == Some(1)
                    && let Some(wait) = wait.take()
                {
                    _ = wait.recv();
                }
                late(frame)
            }),
        )
        .run("encode", First(failed))
        .unwrap_err();
    assert!(error.to_string().contains("the first"), "{error}");
    assert!(!sink.is_complete());
}

/// RV-PIPE-1106, RV-PIPE-1102
#[test]
fn a_cancelled_pipeline_ends_at_every_point_and_says_so() {
    for stage in STAGES {
        for at in (0..FRAMES).step_by(6).map(Some).chain([None]) {
            let token = CancellationToken::new();
            let scene = Scene {
                stage,
                at,
                event: Event::Cancel(token.clone()),
                token: token.clone(),
                ..Scene::default()
            };
            let result = scene.start().wait();
            let case = format!("in {stage} at {at:?}");
            if (stage, at) == ("encode", None) {
                // It came when the sink was completing the output.
                result.unwrap();
                assert!(scene.frames.is_complete());
                continue;
            }
            assert_eq!(result.unwrap_err().status(), Status::Cancelled, "{case}");
            assert!(!scene.frames.is_complete(), "{case}");
            assert!(scene.came_out().len() as u64 <= FRAMES, "{case}");
            assert_eq!(scene.alive.count(), 1, "{case}");
        }
    }
}

/// RV-PIPE-1106
#[test]
fn an_error_does_not_cancel_the_token_that_others_share() {
    let token = CancellationToken::new();
    let scene = Scene {
        stage: "encode",
        at: Some(1),
        event: Event::Error("torn"),
        token: token.clone(),
        ..Scene::default()
    };
    scene.start().wait().unwrap_err();
    assert!(!token.is_cancelled());
}

/// A sink that takes nothing until it is let.
struct Stalled {
    go: Receiver<()>,
    frames: MemorySink<Number>,
}

impl FrameSink<Number> for Stalled {
    fn write(&mut self, frame: &Number) -> Result<()> {
        // An error is a sender that has gone: go on.
        _ = self.go.recv();
        self.frames.write(frame)
    }

    fn finish(&mut self) -> Result<()> {
        self.frames.finish()
    }
}

/// Waits until `reached`, for at most half a minute.
fn until(what: &str, reached: impl Fn() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} was not reached");
        std::thread::yield_now();
    }
}

/// RV-PIPE-1101
#[test]
fn a_stalled_sink_holds_memory_at_the_sum_of_the_bounds() {
    for capacity in [1, 2, 8] {
        let (go, wait) = channel();
        let frames = MemorySink::default();
        let same = |_: &mut Number| Ok(());
        let running = Pipeline::new("decode", Counter { next: 0, end: 1000, plan: Plan::default() })
            .stage("preprocess", in_place(same))
            .stage("inference", in_place(same))
            .capacity(capacity)
            .start("encode", Stalled { go: wait, frames: frames.clone() })
            .unwrap();
        // Three queues that are full, and a frame in the hand of each of the four.
        let bound = 3 * capacity as u64 + 4;
        until("the bound", || running.metrics().stages[0].frames == bound);
        std::thread::sleep(Duration::from_millis(20));
        let metrics = running.metrics();
        assert_eq!(metrics.stages[0].frames, bound, "nothing was read beyond it");
        assert_eq!(metrics.frames, 0);
        for queue in &metrics.queues {
            assert_eq!((queue.most, queue.bound), (capacity, capacity));
        }
        drop(go);
        let metrics = running.wait().unwrap();
        assert_eq!((metrics.frames, frames.take().len()), (1000, 1000));
        assert!(
            metrics.queues.iter().all(|queue| queue.most <= queue.bound && queue.depth == 0),
            "{metrics:?}"
        );
    }
}

/// RV-PIPE-1102
#[test]
fn dropping_a_pipeline_ends_its_threads_first() {
    let scene = Scene::default();
    let (go, wait) = channel();
    let (pipeline, _) = scene.pipeline();
    let running = pipeline.start("encode", Stalled { go: wait, frames: scene.frames.clone() }).unwrap();
    drop(go);
    drop(running);
    assert_eq!(scene.alive.count(), 1);
}

/// RV-PIPE-1107, RV-PIPE-1102
#[tokio::test(start_paused = true)]
async fn it_can_be_awaited_and_a_future_that_is_dropped_leaves_nothing_behind() {
    let scene = Scene::default();
    assert_eq!(scene.start().finished().await.unwrap().frames, FRAMES);

    let scene = Scene::default();
    let (go, wait) = channel();
    let (pipeline, _) = scene.pipeline();
    let stalled = Stalled { go: wait, frames: scene.frames.clone() };
    let running = pipeline.start("encode", stalled).unwrap();
    let mut finished = Box::pin(running.finished());
    let timeout = tokio::time::timeout(Duration::from_secs(3600), &mut finished).await;
    assert!(timeout.is_err(), "the sink takes nothing, and the paused clock has gone on by an hour");
    drop(go);
    drop(finished);
    assert_eq!(scene.alive.count(), 1);
}

/// RV-PIPE-1401
#[test]
fn metrics_tell_of_every_stage_and_queue_after_each_frame() {
    let (tell, told) = channel();
    let scene = Scene::default();
    let (pipeline, keeper) = scene.pipeline();
    let memory = rave_pipeline::DeviceMemory { pool_hit_rate: 0.5, high_water_bytes: 7 };
    let last = pipeline
        .on_progress(Duration::ZERO, move |metrics| tell.send(metrics.clone()).unwrap())
        .device_memory(move || memory)
        .run("encode", keeper)
        .unwrap();
    let told: Vec<_> = told.into_iter().collect();
    let frames: Vec<_> = told.iter().map(|metrics| metrics.frames).collect();
    let expected: Vec<_> = (1..=FRAMES).chain([FRAMES]).collect();
    assert_eq!(frames, expected, "after each frame, and when it is complete");
    let names: Vec<_> = last.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["decode", "preprocess", "divide", "inference", "encode"]);
    assert_eq!(last.queues.len(), 4);
    assert_eq!(last.device, Some(memory));
    for stage in &last.stages {
        assert_eq!(stage.frames, FRAMES);
        assert!(stage.p50 <= stage.p95 && stage.p95 <= stage.p99 && stage.p99 <= stage.max, "{stage:?}");
        assert!(stage.busy <= last.elapsed, "{stage:?}");
    }
    assert!(last.frames_per_second > 0.0);
    assert_eq!(last.bottleneck().unwrap().busy, last.stages.iter().map(|stage| stage.busy).max().unwrap());
    assert_eq!(last.allocations, None, "no counting allocator is installed here");
}

/// RV-PIPE-1101
#[test]
fn a_bound_that_is_none_is_refused() {
    for capacity in [0, MAX_CAPACITY + 1] {
        let pipeline = Pipeline::new("decode", MemorySource::new([Number(Some(1))])).capacity(capacity);
        let error = pipeline.run("encode", MemorySink::default()).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        assert!(error.to_string().contains(&format!("1 to {MAX_CAPACITY}")), "{error}");
    }
}
