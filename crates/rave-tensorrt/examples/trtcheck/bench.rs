//! Bare speed: enqueue alone, timed by CUDA events.

use std::path::Path;
use std::time::Instant;

use rave_core::Result;
use rave_tensorrt::{Engine, Runtime, Shape};
use serde_json::{Value, json};

use crate::cuda::{Event, Gpu, Graph};
use crate::session::{Session, load};

/// About how long one measurement lasts, in milliseconds.
const BUDGET: f32 = 400.0;

pub(crate) fn bench(gpu: &Gpu, runtime: &Runtime, path: &Path, shapes: &[Shape]) -> Result<Value> {
    let engines = [load(runtime, path)?, load(runtime, path)?];
    shapes.iter().map(|shape| bench_shape(gpu, &engines, shape)).collect()
}

fn bench_shape(gpu: &Gpu, engines: &[Engine; 2], shape: &Shape) -> Result<Value> {
    let mut sessions = [Session::new(&engines[0], shape)?, Session::new(&engines[1], shape)?];
    for session in &sessions {
        session.fill(1)?;
    }
    let [graph_a, graph_b] = {
        let [a, b] = &mut sessions;
        [a.graph()?, b.graph()?]
    };
    let rough = time(gpu, &mut sessions[..1], &[], 10)?;
    let frames = ((BUDGET / rough.0) as usize).clamp(20, 4000);
    let (one, host) = time(gpu, &mut sessions[..1], &[], frames)?;
    let (one_graph, host_graph) = time(gpu, &mut sessions[..1], &[&graph_a], frames)?;
    let (two, _) = time(gpu, &mut sessions, &[], frames)?;
    let (two_graphs, _) = time(gpu, &mut sessions, &[&graph_a, &graph_b], frames)?;
    Ok(json!({
        "input": shape.to_string(), "frames": frames,
        "ms_per_batch": {
            "one_context": one, "one_context_graph": one_graph,
            "two_contexts": two, "two_contexts_graphs": two_graphs,
        },
        "host_us_per_call": { "enqueue": host, "graph_launch": host_graph },
    }))
}

/// Milliseconds per inference on the device, and microseconds per call on the host, for `frames` inferences spread
/// over the sessions; by enqueue, or by their graphs.
fn time(gpu: &Gpu, sessions: &mut [Session], graphs: &[&Graph], frames: usize) -> Result<(f32, f64)> {
    let (start, end, joined) = (Event::new()?, Event::new()?, Event::new()?);
    let step = |sessions: &mut [Session], frame: usize| -> Result<()> {
        let which = frame % sessions.len();
        match graphs.get(which) {
            Some(graph) => graph.launch(&sessions[which].stream),
            None => sessions[which].enqueue(),
        }
    };
    for frame in 0..10 {
        step(sessions, frame)?;
    }
    gpu.synchronize()?;
    start.record(&sessions[0].stream)?;
    for session in &sessions[1..] {
        session.stream.wait(&start)?;
    }
    let clock = Instant::now();
    for frame in 0..frames {
        step(sessions, frame)?;
    }
    let host = clock.elapsed();
    for session in &sessions[1..] {
        joined.record(&session.stream)?;
        sessions[0].stream.wait(&joined)?;
    }
    end.record(&sessions[0].stream)?;
    gpu.synchronize()?;
    Ok((end.since(&start)? / frames as f32, host.as_secs_f64() * 1e6 / frames as f64))
}
