//! Where the time of a run goes: `cargo run --release --example benchmark -- IN MODEL [SECONDS]`
//!
//! Decodes, converts and infers without writing anything, and prints what each stage took.

use std::time::Duration;

use rave::prelude::*;

// Counts what a frame allocates.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Takes frames, and does nothing with them.
struct Nowhere;

impl FrameSink<Picture> for Nowhere {
    fn write(&mut self, _: &Picture) -> Result<()> {
        Ok(())
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(model)) = (arguments.next(), arguments.next()) else {
        panic!("usage: benchmark IN MODEL [SECONDS]");
    };
    let seconds = arguments.next().map_or(10.0, |seconds| seconds.parse().expect("a number of seconds"));
    let engine = Engine::load(&model, DeviceChoice::Auto, &ModelOptions::default())?;
    let done = engine.upscale(input).length(Duration::from_secs_f64(seconds)).sink(Nowhere).run()?;

    let Metrics { elapsed, frames_per_second, stages, queues, device, allocations, .. } = &done.metrics;
    println!("{}", done.facts.model);
    println!(
        "{} frames of {} in {elapsed:.2?}: {frames_per_second:.2} a second",
        done.frames, done.facts.input_size
    );
    println!("{:<12}{:>10}{:>10}{:>10}{:>8}{:>14}", "stage", "p50", "p95", "p99", "busy", "queue behind");
    for (index, stage) in stages.iter().enumerate() {
        let busy = 100.0 * stage.busy.as_secs_f64() / elapsed.as_secs_f64();
        let queue =
            queues.get(index).map_or(String::new(), |queue| format!("{} of {}", queue.most, queue.bound));
        println!(
            "{:<12}{:>10.1?}{:>10.1?}{:>10.1?}{busy:>7.0}%{queue:>14}",
            stage.name, stage.p50, stage.p95, stage.p99
        );
    }
    if let Some(memory) = device {
        println!(
            "GPU memory: at most {} MiB, {:.1} % of requests served by the pool",
            memory.high_water_bytes >> 20,
            100.0 * memory.pool_hit_rate
        );
    }
    if let Some(per_frame) = allocations.and_then(|allocations| allocations.per_frame) {
        println!("{per_frame:.3} heap allocations a frame");
    }
    Ok(())
}
