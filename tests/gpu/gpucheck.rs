//! Checks sessions on a real GPU, with a real engine, from inside the process: what frames allocate, what is left after
//! sessions end, what a lost device leads to.
//!
//! ```console
//! $ gpucheck ENGINE LEAN_RUNTIME [WIDTH HEIGHT [MODEL.onnx]]
//! ```
//!
//! ENGINE takes RGB pictures of WIDTH x HEIGHT (1280 x 720). LEAN_RUNTIME is the lean runtime of the TensorRT that built
//! it, or `-`. MODEL.onnx is what it was built of. Prints a line for each check, then a line of JSON; exits with 1 when one fails.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rave_core::{ColorTags, Error, Log, PixelFormat, Result, Size, Status, ValueRange, note_cuda_error};
use rave_cuda::{Device, DeviceBuffer, Stream};
use rave_engine::{
    CudaDevice, CudaSession, DevicePlane, EngineCheck, FrameOnDevice, GraphChoice, Model, ModelOptions,
    Owner, Picture, SessionOptions,
};

/// The system's allocator, counting what this thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator, called with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// NV12 frames in memory of their own, as FFmpeg's pools have them.
struct Frames {
    buffers: Vec<DeviceBuffer>,
    size: Size,
}

impl Frames {
    fn new(device: &Device, stream: &Stream, size: Size, count: u8) -> Result<Self> {
        let (pitch, height) = (size.width as usize, size.height as usize);
        let buffers = (0..count)
            .map(|index| {
                let buffer = DeviceBuffer::new(device, pitch * height * 3 / 2)?;
                buffer.fill(stream, 60 + index)?;
                Ok(buffer)
            })
            .collect::<Result<_>>()?;
        Ok(Frames { buffers, size })
    }

    fn frame(&self, index: usize) -> FrameOnDevice {
        let buffer = &self.buffers[index % self.buffers.len()];
        let pitch = self.size.width as usize;
        let planes = [buffer.address(), buffer.address() + (pitch * self.size.height as usize) as u64]
            .map(|address| DevicePlane { address, pitch });
        // SAFETY: the buffer has these rows, and outlives the sessions that are given the frame.
        unsafe { FrameOnDevice::new(PixelFormat::Nv12, self.size, &planes) }.expect("the planes are whole")
    }
}

struct Bench {
    device: CudaDevice,
    own: Device,
    main: Stream,
    engine: PathBuf,
    /// The ONNX model of the engine.
    onnx: Option<PathBuf>,
    lean: Option<PathBuf>,
    size: Size,
}

impl Bench {
    fn model(&self, values: ValueRange) -> Result<Model> {
        Model::load(
            &self.engine,
            &ModelOptions {
                device: Some(self.device.clone()),
                lean_runtime: self.lean.clone(),
                values,
                ..ModelOptions::default()
            },
        )
    }

    fn session(&self, model: &Model, change: impl FnOnce(&mut SessionOptions)) -> Result<CudaSession> {
        let mut options = SessionOptions::new(PixelFormat::Nv12, self.size);
        change(&mut options);
        CudaSession::new(model, &options, Log::default())
    }

    /// Runs `count` frames as the filter does: submits, and finishes the oldest when there is no more room.
    fn run(&self, session: &mut CudaSession, inputs: &Frames, outputs: &Frames, count: usize) -> Result<()> {
        let tags = ColorTags::default();
        for index in 0..count {
            session.submit(&inputs.frame(index), tags, &outputs.frame(index), tags)?;
            if session.in_flight() == session.capacity() {
                session.finish()?;
            }
        }
        while session.in_flight() > 0 {
            session.finish()?;
        }
        Ok(())
    }

    fn frames(&self, session: &CudaSession) -> Result<(Frames, Frames)> {
        let frames = |size| Frames::new(&self.own, &self.main, size, 8);
        Ok((frames(self.size)?, frames(session.output_size())?))
    }

    fn free_memory(&self) -> Result<usize> {
        self.main.synchronize()?;
        Ok(self.own.memory()?.0)
    }
}

type Check = fn(&Bench) -> Result<std::result::Result<String, String>>;

/// In the steady state neither way of launching allocates on the host.
/// RV-ENG-1304 (host side).
fn no_frame_allocates(bench: &Bench) -> Result<std::result::Result<String, String>> {
    let model = bench.model(ValueRange::Unit)?;
    let mut counts = Vec::new();
    for graph in [GraphChoice::Off, GraphChoice::On] {
        for streams in [1, 2] {
            let mut session = bench.session(&model, |options| {
                options.graph = graph;
                options.streams = streams;
            })?;
            let (inputs, outputs) = bench.frames(&session)?;
            bench.run(&mut session, &inputs, &outputs, 50)?;
            let before = ALLOCATIONS.get();
            bench.run(&mut session, &inputs, &outputs, 1000)?;
            counts.push(ALLOCATIONS.get() - before);
            session.drain()?;
        }
    }
    let said =
        format!("allocations in 1000 frames, without and with a graph, by 1 and 2 streams: {counts:?}");
    Ok(if counts.iter().all(|&count| count == 0) { Ok(said) } else { Err(said) })
}

/// Ending sessions gives their memory back, and making them again takes no more.
/// RV-ENG-1304.
fn sessions_leave_nothing(bench: &Bench) -> Result<std::result::Result<String, String>> {
    let model = bench.model(ValueRange::Unit)?;
    let one = |bench: &Bench| -> Result<usize> {
        let mut session = bench.session(&model, |_| {})?;
        let (inputs, outputs) = bench.frames(&session)?;
        bench.run(&mut session, &inputs, &outputs, 10)?;
        session.drain()?;
        drop((session, inputs, outputs));
        bench.free_memory()
    };
    let first = one(bench)?;
    let mut last = first;
    for _ in 0..20 {
        last = one(bench)?;
    }
    let said = format!("{first} bytes free after one session, {last} after 21");
    Ok(if first.saturating_sub(last) <= 1 << 20 { Ok(said) } else { Err(said) })
}

/// Too many frames in flight are refused, and what was in flight goes on.
/// RV-ENG-1305
fn one_frame_too_many_is_busy(bench: &Bench) -> Result<std::result::Result<String, String>> {
    let model = bench.model(ValueRange::Unit)?;
    let mut session = bench.session(&model, |_| {})?;
    let (inputs, outputs) = bench.frames(&session)?;
    let tags = ColorTags::default();
    for index in 0..session.capacity() {
        session.submit(&inputs.frame(index), tags, &outputs.frame(index), tags)?;
    }
    let refused = session.submit(&inputs.frame(0), tags, &outputs.frame(0), tags);
    let status = refused.err().map(|error: Error| error.status());
    while session.in_flight() > 0 {
        session.finish()?;
    }
    session.drain()?;
    let said = format!("{status:?}");
    Ok(if status == Some(Status::Busy) { Ok(said) } else { Err(said) })
}

/// An engine in fp16 is as close to its model in fp32 on the CPU as the accuracy section finds whole frames to be.
/// RV-ENG-1603
fn the_engine_comes_close_to_its_model(bench: &Bench) -> Result<std::result::Result<String, String>> {
    const LEAST_DB: f64 = 50.0;
    let Some(model) = &bench.onnx else { return Ok(Ok("not tried: no model was named".into())) };
    let options = ModelOptions { lean_runtime: bench.lean.clone(), ..ModelOptions::default() };
    let check = EngineCheck::open(ValueRange::Unit)?;
    let comparison =
        check.compare_files(&bench.engine, model, &options, &[Picture::self_test(bench.size)])?;
    let said = format!("{comparison}, against {}", comparison.reference);
    let total = comparison.total();
    let close = total.not_finite == 0 && total.psnr_db() >= LEAST_DB;
    Ok(if close { Ok(said) } else { Err(said) })
}

/// The last check, since nothing works after it: a lost device is an error at once, and ending what lives there is safe.
/// RV-ENG-1312
fn a_lost_device_is_said_at_once(bench: &Bench) -> Result<std::result::Result<String, String>> {
    let model = bench.model(ValueRange::Unit)?;
    let mut session = bench.session(&model, |_| {})?;
    let (inputs, outputs) = bench.frames(&session)?;
    bench.run(&mut session, &inputs, &outputs, 3)?;
    session.drain()?;
    note_cuda_error(700);
    let tags = ColorTags::default();
    let submitted = session.submit(&inputs.frame(0), tags, &outputs.frame(0), tags);
    let statuses = [
        submitted.err().map(|error| error.status()),
        session.drain().err().map(|error| error.status()),
        bench.session(&model, |_| {}).err().map(|error| error.status()),
        bench.model(ValueRange::Byte).err().map(|error| error.status()),
    ];
    drop(session);
    let said = format!("{statuses:?}");
    // Draining a session in which nothing runs has nothing to ask the device.
    let expected = |status: &Option<Status>| matches!(status, Some(Status::DeviceLost) | None);
    Ok(
        if statuses[0] == Some(Status::DeviceLost)
            && statuses[2] == Some(Status::DeviceLost)
            && statuses.iter().all(expected)
        {
            Ok(said)
        } else {
            Err(said)
        },
    )
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, lean, size @ ..] = &arguments[..] else {
        eprintln!("usage: gpucheck ENGINE LEAN_RUNTIME|- [WIDTH HEIGHT [MODEL.onnx]]");
        std::process::exit(2);
    };
    let number =
        |index: usize, otherwise| size.get(index).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let own = match Device::create(0) {
        Err(error) if std::env::var_os("RAVE_REQUIRE_GPU").is_none() => {
            println!("skipped: {error}");
            return Ok(());
        }
        device => device?,
    };
    let main = Stream::create(&own)?;
    static RELEASED: AtomicU64 = AtomicU64::new(0);
    let mut owner = Some(Owner::new(|| {
        RELEASED.fetch_add(1, Ordering::Relaxed);
    }));
    let bench = Bench {
        // SAFETY: `own` and `main` live until the process ends.
        device: unsafe { CudaDevice::adopt(own.context(), main.as_raw(), &mut owner) }?,
        own,
        main,
        engine: engine.into(),
        onnx: size.get(2).map(Into::into),
        lean: (lean != "-").then(|| lean.into()),
        size: Size::new(number(0, 1280), number(1, 720)),
    };
    let checks: [(&str, Check); 5] = [
        ("no frame allocates", no_frame_allocates),
        ("sessions leave nothing", sessions_leave_nothing),
        ("one frame too many is busy", one_frame_too_many_is_busy),
        ("the engine comes close to its model", the_engine_comes_close_to_its_model),
        ("a lost device is said at once", a_lost_device_is_said_at_once),
    ];
    let mut report = Vec::new();
    for (name, check) in checks {
        let (passed, said) = match check(&bench) {
            Ok(Ok(said)) => (true, said),
            Ok(Err(said)) => (false, said),
            Err(error) => (false, error.to_string()),
        };
        println!("{}: {name}: {said}", if passed { "ok" } else { "FAILED" });
        report.push(serde_json::json!({ "check": name, "passed": passed, "said": said }));
    }
    let failed = report.iter().any(|check| check["passed"] == false);
    println!(
        "{}",
        serde_json::json!({ "tool": "gpucheck", "gpu": bench.device.info().name, "checks": report })
    );
    std::process::exit(i32::from(failed));
}
