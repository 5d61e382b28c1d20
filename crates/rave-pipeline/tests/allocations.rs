//! A frame on its way allocates nothing. One test, because the count is of the whole process.

mod common;

use std::sync::Mutex;
use std::time::Duration;

use common::{Counter, Number, Plan, TenTimes};
use rave_core::Result;
use rave_pipeline::{CountingAllocator, FrameSink, Pipeline};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Nowhere;

impl FrameSink<Number> for Nowhere {
    fn write(&mut self, _: &Number) -> Result<()> {
        Ok(())
    }
}

/// RV-PIPE-1201, RV-PIPE-1402
#[test]
fn a_frame_on_its_way_allocates_nothing() {
    for capacity in [1, 2, 8] {
        static SEEN: Mutex<Option<f64>> = Mutex::new(None);
        let metrics = Pipeline::new("decode", Counter { next: 0, end: 364, plan: Plan::default() })
            .stage("preprocess", TenTimes { kept: None, plan: Plan::default() })
            .stage("inference", TenTimes { kept: None, plan: Plan::default() })
            .capacity(capacity)
            .on_progress(Duration::from_secs(3600), move |metrics| {
                *SEEN.lock().unwrap() = metrics.allocations.unwrap().per_frame;
            })
            .run("encode", Nowhere)
            .unwrap();
        assert_eq!(metrics.frames, 364, "64 to warm up, and 300");
        let per_frame = SEEN.lock().unwrap().take();
        assert_eq!(per_frame, Some(0.0), "capacity {capacity}");
        assert!(metrics.allocations.unwrap().total > 0);
    }
}
