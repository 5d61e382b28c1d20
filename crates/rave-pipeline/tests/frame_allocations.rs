//! A picture of a real video allocates nothing on its way. One test, because the count is of the whole process.

#[path = "common/clips.rs"]
mod clips;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clips::Clips;
use rave_engine::ModelOptions;
use rave_pipeline::{CountingAllocator, DeviceChoice, Engine, Picture, in_place};
use rave_tests::{build_dir, ffmpeg::golden_model};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Pictures until everything has been used once, and pictures after.
const WARM: u64 = 100;
const MEASURED: u64 = 300;

/// RV-PIPE-1201
#[test]
fn three_hundred_pictures_allocate_nothing_of_ours_between_file_and_file() {
    let library = build_dir().join("deps/onnxruntime/libonnxruntime.so");
    if !library.is_file() {
        let required = std::env::var_os("RAVE_REQUIRE_ONNXRUNTIME").is_some_and(|value| value == "1");
        assert!(!required, "no {}: run scripts/fetch.sh onnxruntime", library.display());
        eprintln!("skipped: the runtime that is built in allocates, and there is no ONNX Runtime");
        return;
    }
    let Some(clips) = Clips::find() else { return };
    let short = clips.small("short.mp4", 120, &[]);
    let input = clips.path("in.mp4");
    clips.run(&["-stream_loop", "3", "-i", &short, "-c", "copy", &input]);
    let options = ModelOptions { runtime_lib: Some(library), threads: 2, ..ModelOptions::default() };
    let engine = Engine::load(golden_model("replicate-2x"), DeviceChoice::Cpu, &options).unwrap();

    let allocated = Arc::new(AtomicU64::new(u64::MAX));
    let (result, mut number, mut before) = (Arc::clone(&allocated), 0, 0);
    let count = in_place(move |_: &mut Picture| {
        number += 1;
        let now = CountingAllocator::allocations().unwrap();
        match number {
            WARM => before = now,
            _ if number == WARM + MEASURED => result.store(now - before, Ordering::Relaxed),
            _ => {}
        }
        Ok(())
    });
    let upscale = engine.upscale(&input).output(clips.path("out.mp4")).preset("ultrafast");
    let summary = upscale.after("count", count).run().unwrap();
    assert!(summary.frames >= WARM + MEASURED, "{}", summary.frames);
    // Nothing of ours. Rayon's queue takes a block for every 63 calls from outside of its threads, of which a picture makes
    // two: one before the model and one after.
    let of_rayon = (2 * MEASURED).div_ceil(63);
    let allocated = allocated.load(Ordering::Relaxed);
    assert!(allocated <= of_rayon, "{allocated} for {MEASURED} pictures");
}
