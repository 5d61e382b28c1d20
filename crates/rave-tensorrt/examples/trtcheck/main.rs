//! Runs engines on this machine's GPU, checks what RAVE relies on, measures bare speed, and prints a JSON report.
//!
//! ```text
//! trtcheck --lib LIBRARY [--lean LEAN_RUNTIME] --engines FOLDER [--references FOLDER]
//!          [--lib11 LIBRARY] [--librtx LIBRARY] [--no-speed] [--refusals-only] [--flips N]
//! trtcheck --lib LIBRARY [--lean LEAN_RUNTIME] --bench ENGINE
//! ```
//!
//! `--bench` only measures the bare speed of one engine.
//! `--flips N` also tells what TensorRT makes of N engines with one flipped bit each, which is information, not a check.
//! `*-notportable.engine` and `*.rtx.engine` must be refused, everything else must run. Exits 1 when a check fails.
//! tests/gpu/run.sh runs it from a bundle.

mod bench;
mod checks;
mod cuda;
mod reference;
mod refusals;
mod session;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rave_core::{Error, Log, LogLevel, Result, Status};
use rave_tensorrt::{Driver, Library, Runtime, RuntimeOptions, SearchOptions};
use serde_json::{Value, json};

use crate::cuda::Gpu;
use crate::refusals::Refusal;

/// The system's allocator, counting: a frame's call must not allocate in our code. (TensorRT has its own.)
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as in alloc.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

pub(crate) fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

struct Arguments {
    options: HashMap<String, PathBuf>,
    /// What follows the last option's value.
    rest: Vec<String>,
}

impl Arguments {
    fn parse() -> Arguments {
        let (mut options, mut rest) = (HashMap::new(), Vec::new());
        let mut words = std::env::args().skip(1).peekable();
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some(name) => {
                    let value = words.next_if(|next| !next.starts_with("--")).unwrap_or_default();
                    options.insert(name.to_owned(), value.into());
                }
                None => rest.push(word),
            }
        }
        Arguments { options, rest }
    }

    fn path(&self, name: &str) -> Option<&Path> {
        self.options.get(name).map(PathBuf::as_path)
    }

    /// The options that name libraries, for another run of this program.
    fn libraries(&self) -> Vec<OsString> {
        let given = ["lib", "lean"].into_iter().filter_map(|name| Some((name, self.path(name)?)));
        given.flat_map(|(name, path)| [format!("--{name}").into(), path.into()]).collect()
    }

    fn runtime(&self) -> Result<Runtime> {
        let library = Library::open(&SearchOptions { runtime_lib: self.path("lib").map(Path::to_owned) })?;
        let options = RuntimeOptions {
            lean_runtime: self.path("lean").map(Path::to_owned),
            ..RuntimeOptions::default()
        };
        let verbose = std::env::var_os("TRTCHECK_VERBOSE").is_some();
        let log = Log::new(move |level, message| {
            if verbose || level <= LogLevel::Warning {
                eprintln!("{level:?}: {message}");
            }
        });
        Runtime::new(&library, &options, log)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let driver = Driver::get()?;
    let gpu = Gpu::new()?;
    if let Some(engine) = arguments.path("attempt") {
        let loaded = arguments.runtime().and_then(|runtime| session::load(&runtime, engine));
        println!("{}", loaded.map_or_else(|error| format!("refused: {error}"), |_| "loaded".into()));
        return Ok(true);
    }
    let runtime = arguments.runtime()?;
    if let Some(engine) = arguments.path("hash") {
        let shape = arguments.rest.first().and_then(|word| word.parse().ok()).unwrap_or(0);
        println!("{}", checks::hash(&runtime, engine, shape)?);
        return Ok(true);
    }
    if let Some(engine) = arguments.path("bench") {
        let shapes = checks::shapes(&session::load(&runtime, engine)?);
        let speed = bench::bench(&gpu, &runtime, engine, &shapes)?;
        println!("{}", serde_json::to_string_pretty(&speed).expect("a report is JSON"));
        return Ok(true);
    }
    let folder = arguments
        .path("engines")
        .ok_or_else(|| Error::new(Status::InvalidParameter, "--engines FOLDER is missing"))?;
    let capability = driver.current_capability();
    let mut report = json!({
        "gpu": gpu.name,
        "compute_capability": capability.map(|(major, minor)| format!("{major}.{minor}")),
        "driver_cuda": driver.cuda_version(),
        "driver": std::fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default().lines().next(),
        "library": runtime.library().version().to_string(),
        "flavour": runtime.library().flavour().to_string(),
        "headers": runtime.library().headers().to_string(),
        "lean_runtime": runtime.lean_version().map(|version| version.to_string()),
    });
    let mut passed = true;
    let mut engines = serde_json::Map::new();
    for path in engine_files(folder)? {
        if is_refused(&path) || arguments.path("refusals-only").is_some() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        eprintln!("{name}");
        let mut entry = one_engine(arguments, &gpu, &runtime, &path).unwrap_or_else(|error| {
            passed = false;
            json!({ "failed": error.to_string() })
        });
        if let Some(error) = entry.get("failed") {
            eprintln!("  FAILED: {error}");
        }
        entry["sha256"] = json!(session::sha256(&std::fs::read(&path).unwrap_or_default()));
        engines.insert(name, entry);
    }
    report["engines"] = Value::Object(engines);
    let mut refused = Vec::new();
    for refusal in refusals_of(arguments, folder)? {
        let entry = refusal.run()?;
        passed &= entry["passed"] == true;
        eprintln!("{}: {}", refusal.what, entry["answer"]);
        refused.push(entry);
    }
    report["refusals"] = Value::Array(refused);
    if let (Some(count), Some(lib)) = (arguments.path("flips"), arguments.path("lib")) {
        let count = count.to_string_lossy().parse().unwrap_or(24);
        let engine = folder.join("sharpen-1x-dyn-fp16.engine");
        report["flipped_bits"] = refusals::flipped(lib, arguments.path("lean"), &engine, count)?;
    }
    report["passed"] = json!(passed);
    println!("{}", serde_json::to_string_pretty(&report).expect("a report is JSON"));
    Ok(passed)
}

fn one_engine(arguments: &Arguments, gpu: &Gpu, runtime: &Runtime, path: &Path) -> Result<Value> {
    let clock = Instant::now();
    let shapes = checks::shapes(&session::load(runtime, path)?);
    let load_ms = clock.elapsed().as_secs_f64() * 1e3;
    let mut entry = checks::check(gpu, runtime, &arguments.libraries(), path, arguments.path("references"))?;
    entry["load_ms"] = json!(load_ms);
    if arguments.path("no-speed").is_none() {
        entry["speed"] = bench::bench(gpu, runtime, path, &shapes)?;
    }
    Ok(entry)
}

fn engine_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, &error))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "engine"))
        .collect();
    files.sort();
    Ok(files)
}

fn is_refused(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with("-notportable.engine") || name.ends_with(".rtx.engine")
}

/// Every combination of library and engine at hand that must not load.
fn refusals_of(arguments: &Arguments, folder: &Path) -> Result<Vec<Refusal>> {
    const MISMATCH: &[Status] = &[Status::EngineMismatch];
    const MISMATCH_OR_DEVICE: &[Status] = &[Status::EngineMismatch, Status::InvalidDevice];
    let mut list = Vec::new();
    let mut add = |what, library: Option<&Path>, lean: Option<&Path>, engine: &Path, statuses| {
        if let Some(library) = library {
            let (library, lean, engine) = (library.to_owned(), lean.map(Path::to_owned), engine.to_owned());
            list.push(Refusal { what, library, lean, engine, statuses });
        }
    };
    let (lib, lean) = (arguments.path("lib"), arguments.path("lean"));
    let (lib11, librtx) = (arguments.path("lib11"), arguments.path("librtx"));
    for engine in engine_files(folder)? {
        let name = engine.to_string_lossy().into_owned();
        if name.ends_with("-notportable.engine") {
            add("an engine that is not version-compatible", lib, lean, &engine, MISMATCH);
        } else if name.ends_with(".rtx.engine") {
            add("a TensorRT-RTX engine under TensorRT", lib, lean, &engine, MISMATCH);
            add(
                "a TensorRT-RTX engine for another compute capability",
                librtx,
                None,
                &engine,
                MISMATCH_OR_DEVICE,
            );
        } else if name.ends_with("sharpen-1x-dyn-fp16.engine") {
            add("an older engine without its lean runtime", lib, None, &engine, MISMATCH);
            add("an older engine under TensorRT 11", lib11, None, &engine, MISMATCH);
            add("an older engine under TensorRT-RTX", librtx, None, &engine, MISMATCH);
        }
    }
    Ok(list)
}
