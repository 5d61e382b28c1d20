//! How far a run is, and how to end it: `cargo run --release --example progress_callback -- IN MODEL OUT [FRAMES]`
//!
//! With FRAMES, the run is cancelled after so many.

use std::time::Duration;

use rave::prelude::*;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(model), Some(output)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        panic!("usage: progress_callback IN MODEL OUT [FRAMES]");
    };
    let limit: Option<u64> = arguments.next().map(|frames| frames.parse().expect("a number of frames"));

    let stop = CancellationToken::new();
    let stopper = stop.clone();
    // Called by the pipeline's last thread: quickly done things are best done here.
    let tell = move |progress: &Progress| {
        let total = progress.total.map_or_else(|| "?".to_owned(), |total| total.to_string());
        let slowest = progress.metrics.bottleneck().map_or("", |stage| &stage.name);
        println!(
            "{}/{total} frames, {:.2} a second, {:?} left, waiting for {slowest}",
            progress.frames,
            progress.metrics.frames_per_second,
            progress.time_left().unwrap_or_default(),
        );
        if limit.is_some_and(|limit| progress.frames >= limit) {
            stopper.cancel();
        }
    };
    let run =
        Upscale::new(input, model).output(output).cancelled_by(&stop).on_progress(Duration::ZERO, tell).run();
    match run {
        Ok(summary) => println!("done: {} frames", summary.frames),
        // Nothing of an output that is not complete is left.
        Err(error) if error.status() == Status::Cancelled => println!("cancelled"),
        Err(error) => return Err(error),
    }
    Ok(())
}
