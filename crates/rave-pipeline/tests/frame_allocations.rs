//! A picture of a real video allocates nothing on its way. One test, because the count is of the whole process.

#[path = "common/by_size.rs"]
mod by_size;
#[path = "common/clips.rs"]
mod clips;

use by_size::{BySize, look_away, seen, watch};
use clips::Clips;
use rave_engine::ModelOptions;
use rave_pipeline::{DeviceChoice, Engine, Picture, in_place};
use rave_tests::{build_dir, ffmpeg::golden_model};

#[global_allocator]
static ALLOCATOR: BySize = BySize;

/// Pictures until everything has been used once, and pictures after.
const WARM: u64 = 100;
const MEASURED: u64 = 300;
/// Calls from outside of its threads for which rayon's queue takes a block.
const CALLS: usize = 63;

/// The size of a block of rayon's queue of calls from outside, which is all that such a call allocates.
fn block_of_rayon() -> usize {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    (0..2 * CALLS).for_each(|_| pool.install(|| ()));
    watch();
    (0..4 * CALLS).for_each(|_| pool.install(|| ()));
    look_away();
    let (count, sizes) = seen();
    assert_eq!(count, 4, "{sizes:?}");
    assert!(sizes.iter().all(|&size| size == sizes[0]), "{sizes:?}");
    sizes[0]
}

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
    let block = block_of_rayon();
    let options = ModelOptions { runtime_lib: Some(library), threads: 2, ..ModelOptions::default() };
    let engine = Engine::load(golden_model("replicate-2x"), DeviceChoice::Cpu, &options).unwrap();

    let mut number = 0;
    let count = in_place(move |_: &mut Picture| {
        number += 1;
        match number {
            WARM => watch(),
            _ if number == WARM + MEASURED => look_away(),
            _ => {}
        }
        Ok(())
    });
    let upscale = engine.upscale(&input).output(clips.path("out.mp4")).preset("ultrafast");
    let summary = upscale.after("count", count).run().unwrap();
    assert!(summary.frames >= WARM + MEASURED, "{}", summary.frames);
    // Nothing of ours, hence nothing per picture: a picture makes two calls to the threads of the pixel kernels, one before the
    // model and one after, and rayon's queue takes a block for every 63 calls.
    let (allocated, sizes) = seen();
    assert!(sizes.iter().all(|&size| size == block), "{sizes:?} are not all rayon's of {block}");
    assert!(allocated <= (2 * MEASURED as usize).div_ceil(CALLS), "{allocated} for {MEASURED} pictures");
}
