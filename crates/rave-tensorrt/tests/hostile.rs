//! Models that mean harm, through the real parser and builder of TensorRT-RTX.
//!
//! The work is done in children, so that a crash is a result and a hang has an end.

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use rave_core::{Log, Result, Size, Status};
use rave_tensorrt::{BuildOptions, Builder, BuilderOptions, BuiltPlan, Library, SearchOptions, SizeRange};
use rustix::fs::inotify;

/// In a child: the model to mutate.
const ROLE: &str = "RAVE_TEST_MUTATE";

fn builder() -> Option<Builder> {
    common::fetched("libtensorrt_onnxparser_rtx.so.1")?;
    let runtime_lib = Some(common::fetched("libtensorrt_rtx.so.1")?);
    let library = Library::open(&SearchOptions { runtime_lib }).unwrap();
    Some(Builder::new(&library, &BuilderOptions::default(), Log::default()).unwrap())
}

/// One of tests/golden/models.
fn golden(name: &str) -> Vec<u8> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    fs::read(models.join(format!("{name}.onnx"))).unwrap()
}

fn build(builder: &Builder, model: &[u8]) -> Result<BuiltPlan> {
    let size = Size::new(64, 64);
    let options = BuildOptions {
        sizes: Some(SizeRange { min: size, best: size, max: size }),
        compute_capabilities: vec![(8, 9)],
        ..BuildOptions::default()
    };
    builder.build("x.onnx", model, &options, &mut |_| ControlFlow::Continue(()))
}

/// Deterministic numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// A model changed in one to four places: bytes set, flipped, copied from elsewhere, taken out or doubled.
fn mutated(model: &[u8], seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut bytes = model.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => bytes[at] = numbers.next() as u8,
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][numbers.below(5)],
            3 => bytes[at] = bytes[numbers.below(bytes.len())],
            4 => _ = bytes.remove(at),
            _ => bytes.insert(at, bytes[at]),
        }
    }
    bytes
}

/// How many mutations of each model get past RAVE's own look at the file and to TensorRT.
const MUTATIONS: u64 = 60;
const MUTATED: [&str; 3] = ["replicate-2x", "identity-1x", "valid-conv"];

/// Runs the test `test` of this program once more, in `folder` and on mutations of `model`; returns what it said.
fn in_a_child(test: &str, model: &str, folder: &Path) -> String {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "120"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(ROLE, model).current_dir(folder);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let end = text.lines().rfind(|line| line.contains(" of seed ")).unwrap_or("nothing");
    assert!(output.status.success(), "{model}: {}, last: {end}", output.status);
    text
}

/// Takes more than five seconds.
/// RV-TRT-1310
#[test]
fn mutated_models_end_in_an_engine_or_an_error_and_never_in_a_crash_or_a_hang() {
    const THIS: &str = "mutated_models_end_in_an_engine_or_an_error_and_never_in_a_crash_or_a_hang";
    let Some(builder) = builder() else { return };
    let Some(name) = std::env::var_os(ROLE) else {
        for name in MUTATED {
            let text = in_a_child(THIS, name, Path::new("."));
            assert!(text.contains(&format!("{name}: {MUTATIONS} in TensorRT")), "{text}");
        }
        return;
    };
    let name = name.into_string().unwrap();
    let model = golden(&name);
    let (mut reached, mut engines) = (0, 0);
    for seed in 0.. {
        println!("{name} of seed {seed}");
        match build(&builder, &mutated(&model, seed)) {
            Ok(built) => {
                built.plan().unwrap();
                engines += 1;
            }
            Err(error) if error.status() == Status::Untrusted => continue,
            Err(error) if error.to_string().contains("not a whole one") => continue,
            Err(error) => println!("{error}"),
        }
        reached += 1;
        if reached == MUTATIONS {
            break;
        }
    }
    println!("{name}: {MUTATIONS} in TensorRT, {engines} built");
}

/// How many mutations of a model with weights in another file are tried.
const LEADING_ELSEWHERE: u64 = 300;

/// Where the golden model has its weights, and a name as long for a file in the folder of the test.
const LOCATION: &str = "../../../etc/passwd";
const CANARY: &str = "canary-of-19-bytes.";

/// What has happened to the files that are watched since this was last asked.
fn events(watch: impl AsFd) -> usize {
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(watch, &mut buffer);
    std::iter::from_fn(|| reader.next().ok().map(drop)).count()
}

/// RV-TRT-1309
#[test]
fn no_file_that_a_model_names_is_opened() {
    let Some(builder) = builder() else { return };
    if std::env::var_os(ROLE).is_some() {
        let mut model = golden("external-data");
        let at = model.windows(LOCATION.len()).position(|bytes| bytes == LOCATION.as_bytes()).unwrap();
        model[at..at + CANARY.len()].copy_from_slice(CANARY.as_bytes());
        assert_eq!(build(&builder, &model).unwrap_err().status(), Status::Untrusted);
        let beyond = (0..LEADING_ELSEWHERE).filter(|&seed| {
            println!("external-data of seed {seed}");
            let refusal = build(&builder, &mutated(&model, seed)).map_err(|error| error.status());
            refusal.err() != Some(Status::Untrusted)
        });
        println!("{} of them got past the look for other files", beyond.count());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join(CANARY);
    fs::write(&canary, [0; 4096]).unwrap();
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, &canary, inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS).unwrap();
    println!("{}", in_a_child("no_file_that_a_model_names_is_opened", "external-data", folder.path()));
    assert_eq!(events(&watch), 0, "the file was opened");
    fs::read(&canary).unwrap();
    assert!(events(&watch) > 0, "had it been opened, that would have been seen");
}
